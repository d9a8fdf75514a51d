"""
# The PyTorch index is not explicit, so uv looks there for everything

## What it means
uv asks an index that is not marked `explicit` for every package, and takes all versions of a package from the first
index that has it. The PyTorch indexes serve single old wheels of numpy, markupsafe, requests and others, for some
platforms only: uv stops there and finds no version that fits, or one without a wheel for this Python.

## How it is told
A project file names a PyTorch index under [[tool.uv.index]] without `explicit = true`, or uv says that a package was
found on that index but not at the wanted version, or that a package from it has no wheel for this platform.

## What to do
Write `explicit = true` under the index, and bind torch, torchvision and torchaudio to it in [tool.uv.sources]. On the
command line, take torch from the index in a command of its own.

## What not to do
`--index-strategy unsafe-best-match` makes uv look further, for every package and every index: it also opens the
project to packages of the same name elsewhere.

## Sources
uv's documentation on indexes and on PyTorch; resolved with local indexes in tests of this project.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.rules.common import index_label
from torchsmith.rules.resolving.shared import BLAME, bind_uv, label_of, pytorch


@rule("uv-index-not-explicit")
def check(pasted_project: PastedProject) -> Iterator[Finding]:
    """A PyTorch index beside others that every package may come from."""
    open_ones = [s for s in pytorch(pasted_project.of("uv")) if not s.explicit and not s.default and s.name != "extra-index-url"]
    if not open_ones:
        return
    source = open_ones[0]
    name = source.name or index_label(source.url)
    yield Finding(
        Severity.DEGRADED,
        "project",
        f"The index {name} is not explicit: uv looks there for every package, not for torch only",
        evidence=(Proof("pasted_project", f"{name}: {source.url}, without explicit = true"),),
        remedies=(bind_uv(index_label(source.url), why="then only what is bound to it comes from there"),),
        wont_help=_WONT,
        confidence=0.6,
    )


@told("uv-index-not-explicit")
def answer(seen: Seen) -> Advice:
    """By the package that was taken from there, where one is named."""
    package = seen.captured("package", "uv-wheel-of-pytorch-index", "uv-found-on-first-index")
    what = f"{package} was looked for there and is not usable" if package else "uv looks there for every package"
    return Advice(
        "project",
        f"The PyTorch index is not explicit: {what}",
        remedies=(bind_uv(label_of(seen), why="everything else then comes from the default index"),),
        wont_help=_WONT,
    )


_WONT = (
    WontHelp("`--index-strategy unsafe-best-match` for the whole project", "every package may then come from any of the indexes"),
    *BLAME,
)

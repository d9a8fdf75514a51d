"""
# The PyTorch index is the only one, so other packages are not found

## What it means
`--index-url` (uv: `--default-index`, `default = true`) replaces the default index. The PyTorch index serves torch,
its family and a few dependencies; wheel, ninja, transformers and nearly everything else are not there.

## How it is told
A command or project file names a PyTorch index as the only one, and a package that it does not serve is not found.

## What to do
Install torch in a command of its own from the PyTorch index, and everything else without it; or keep the default
index and add this one as `--extra-index-url`, as an explicit source with uv and Poetry.

## What not to do
Looking for a mistake in the package's name, its version or Python: another index has it.

## Sources
Documentation of pip and uv on indexes; listings of the PyTorch indexes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject, Transcript
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.rules.common import index_label
from torchsmith.rules.resolving.shared import SERVED, address, bind_uv, is_pytorch, label_of, pytorch


@rule("pytorch-index-as-only-index")
def check(transcript: Transcript, pasted_project: PastedProject) -> Iterator[Finding]:
    """A command that replaces the default index and asks for more than that index serves."""
    for request in transcript.requests:
        only = [index for index in request.indexes if index.kind == "index" and is_pytorch(index.url)]
        other = [
            p
            for p in request.packages
            if (name := _name(p)) not in SERVED and not name.startswith(("torch", "nvidia-", ".", "/"))
        ]
        more = any(index.kind != "index" for index in request.indexes)
        if only and not more and other and request.manager not in {"conda", "requirements"}:
            what = f"The command asks the index {index_label(only[0].url)} alone for {', '.join(map(_name, other[:4]))}"
            proof = Proof("transcript", f"line {request.line}: {index_label(only[0].url)} as the only index")
            yield _finding(what, proof, index_label(only[0].url), 0.6)
            return
    for source in pytorch(pasted_project.sources):
        if source.default and not source.explicit and len(pasted_project.of(source.tool)) == 1:
            what = f"The project names {source.name or source.url} as its default index: everything is looked for there"
            yield _finding(what, Proof("pasted_project", f"{source.name}: default"), index_label(source.url), 0.7)
            return


def _name(requirement: str) -> str:
    return re.split(r"[\[=<>!~@;]", requirement, maxsplit=1)[0].lower()


def _finding(what: str, proof: Proof, label: str, confidence: float) -> Finding:
    return Finding(Severity.BLOCKER, "project", what, (proof,), _remedies(label), _WONT, confidence)


@told("pytorch-index-as-only-index")
def answer(seen: Seen) -> Advice:
    """With the package that was not found."""
    package = seen.captured("package", "uv-not-in-registry") or seen.captured("name", "from-versions")
    return Advice(
        "project",
        f"{package or 'A package'} is not on the PyTorch index, and the installer was told to look there only",
        remedies=(bind_uv(label_of(seen)),) if seen.has("uv-context") else _remedies(label_of(seen)),
        wont_help=_WONT,
    )


def _remedies(label: str) -> tuple[Remedy, ...]:
    build = label.rpartition("/")[2]
    commands = (("python", "-m", "pip", "install", "torch", "torchvision", "--index-url", address(build)),) if build else ()
    return (
        Remedy("Take torch alone from the PyTorch index", "in a command of its own", commands=commands),
        Remedy("Install everything else without that index", "the default index has it", Safety.DISPLAY_ONLY),
    )


_WONT = (
    WontHelp("Another version of that package, of Python or of pip", "the package is on another index"),
    WontHelp(
        "Installing build tools such as ninja or wheel with the system's package manager", "pip looks for them on the index again"
    ),
)

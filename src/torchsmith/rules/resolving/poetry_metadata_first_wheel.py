"""
# Poetry took the requirements of one torch wheel for all of them

## What it means
Poetry reads the requirements of a release from one of its files. Some releases (2.0.1, 2.1.0; also some +cuXXX builds
on the PyTorch indexes) name the nvidia packages and triton in the metadata of some wheels only: where Poetry reads
another one, they are missing in the lock, and torch does not find its CUDA libraries.

## How it is told
poetry.lock or the log of the installation has such a torch without any nvidia package, and torch misses a CUDA
library.

## What to do
Take a release whose wheels agree (2.0.0, 2.1.1 or newer; 2.7 and newer for the CUDA indexes), or name the missing
packages as dependencies, then lock again without the cache.

## What not to do
Installing a CUDA toolkit, or LD_LIBRARY_PATH: the wheel looks for its own libraries in the environment.

## Sources
Poetry's and torch's issue trackers; requirements of the published wheels.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject, Transcript
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.versions import local_label, public

_TORN = frozenset({"2.0.1", "2.1.0"})


@rule("poetry-metadata-first-wheel", explains=("missing-cuda-runtime-lib", "missing-cudnn", "torch-install-incomplete"))
def check(transcript: Transcript, pasted_project: PastedProject) -> Iterator[Finding]:
    """A torch of these releases that Poetry locked or installed without its CUDA libraries."""
    locked = {e.package: e for e in pasted_project.locked if e.tool == "poetry"}
    came = {c.package: c.after for c in transcript.changes if c.manager == "poetry" and c.after}
    torch = locked.get("torch")
    version = torch.version if torch else came.get("torch", "")
    names = [*locked, *came, *(torch.needs if torch else ())]
    libraries = any(name.startswith("nvidia-") for name in names)
    lacks = public(version) in _TORN and not libraries and len(names) >= 3
    if not lacks and not (libraries and local_label(version) == "cpu"):
        return
    what = "without its nvidia packages: the wheel that it read does not name them"
    if not lacks:
        what = "with nvidia packages, which a CPU build does not use: it read the requirements of another wheel"
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"Poetry took torch {version} {what}",
        evidence=(
            Proof("pasted_project" if torch else "transcript", f"torch {version}, {'no' if lacks else 'and'} nvidia packages"),
        ),
        remedies=_REMEDIES,
        wont_help=_WONT,
        confidence=0.8,
    )


@told("poetry-metadata-first-wheel")
def answer(seen: Seen) -> Advice:
    """The same for every release of that kind."""
    del seen
    return Advice(
        "package:torch",
        "Poetry locked torch without its CUDA libraries, because the wheel whose metadata it read does not name them",
        remedies=_REMEDIES,
        wont_help=_WONT,
        decide_by=(("poetry", "show", "--tree", "torch"),),
    )


_REMEDIES = (
    Remedy(
        "Move to a release whose wheels agree in their requirements",
        "newer ones name the nvidia packages in every wheel",
        commands=(("poetry", "add", "torch@>=2.1.1"),),
    ),
    Remedy("Lock again without the cache", "", commands=(("poetry", "cache", "clear", "--all", "."), ("poetry", "lock"))),
)
_WONT = (
    WontHelp(
        "Installing a CUDA toolkit or setting LD_LIBRARY_PATH", "the wheel looks for the nvidia packages of its environment"
    ),
)

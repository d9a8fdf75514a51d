"""
# tool.uv.sources does not bind torch's whole family

## What it means
[tool.uv.sources] binds packages one by one. Where torch comes from a CUDA index and torchvision or torchaudio from
the default one (or the other way round), their builds differ: operators are missing, or CUDA libraries of another
build are looked for and not found.

## How it is told
The packages that the project requires are held against those that are bound to a PyTorch index.

## What to do
Bind torch, torchvision and torchaudio to the same index under the same markers, then lock and sync again.

## What not to do
Installing the missing library by hand or setting LD_LIBRARY_PATH: the next sync brings the same mixture.

## Sources
uv's documentation on indexes and on PyTorch; resolved with local indexes in tests of this project.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.rules.resolving.shared import FAMILY, bind_uv, label_of, wanted


@rule("uv-sources-incomplete", explains=("torchvision-mismatch", "missing-cuda-runtime-lib", "mixed-nvidia-wheels"))
def check(pasted_project: PastedProject) -> Iterator[Finding]:
    """Members of the family that are required and not bound, while another one is."""
    project = pasted_project
    bound = {binding.package for binding in project.bindings if binding.tool == "uv"} & set(FAMILY)
    lacking = [name for name in FAMILY if project.declared(name) and name not in bound]
    if not bound or not lacking:
        return
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"[tool.uv.sources] binds {', '.join(sorted(bound))}, but not {', '.join(lacking)}",
        evidence=(Proof("pasted_project", f"without a source: {', '.join(lacking)}"),),
        remedies=(bind_uv(wanted(project, None), FAMILY, "the family belongs to one build"),),
        wont_help=_WONT,
        confidence=0.85,
    )


@told("uv-sources-incomplete")
def answer(seen: Seen) -> Advice:
    """The same whichever member is missing."""
    return Advice(
        "package:torch",
        "[tool.uv.sources] binds a part of torch's family only, so packages of two different builds are installed together",
        remedies=(bind_uv(label_of(seen), FAMILY, "torch, torchvision and torchaudio from the same index"),),
        wont_help=_WONT,
    )


_WONT = (
    WontHelp("Setting LD_LIBRARY_PATH or installing the missing library by hand", "the next sync installs the same mixture"),
    WontHelp("Installing a CUDA toolkit", "torch's wheels bring their own libraries, each build its own set"),
)

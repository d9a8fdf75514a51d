"""
# xformers was built for another torch

## What it means
xformers loads its compiled part only beside the torch (and CUDA) that it was built with: "xFormers can't load
C++/CUDA extensions. xFormers was built for: PyTorch ... (you have ...)". Without it memory-efficient attention is
gone.

## How it is told
`cpp_lib.json` in the package says what it was built for. Releases from 0.0.35 on use torch's stable interface and fit
every torch from 2.10.

## What to do
Install the xformers that belongs to this torch, or remove it: torch has an attention of its own.

## What not to do
Downgrading torch blindly: on a new GPU the older build may have no code for it.

## Sources
xformers/_cpp_lib.py; metadata of xformers releases (`torchsmith facts third_party`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import companions, third_party
from torchsmith.model.action import Install, Uninstall
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.install import XformersBuild
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import key, major, public
from torchsmith.rules.libraries.told import by_you, install, torch_said


@rule("xformers-mismatch")
def check(torch: Torch, packages: Packages, xformers_build: XformersBuild | Unknown | None) -> Iterator[Finding]:
    """Its own word first; without that, what its release asks for."""
    version = packages.version("xformers")
    if version is None:
        return
    row = third_party.requirement("xformers", version)
    stable = row is not None and (row.torch_spec or "").startswith(">=")
    if isinstance(xformers_build, XformersBuild):
        built, source, sure = xformers_build.torch, xformers_build.path, 0.9
        cuda = xformers_build.cuda
    elif row is not None and (row.torch_spec or "").startswith("=="):
        built, source, sure, cuda = str(row.torch_spec).removeprefix("=="), "table of third-party packages", 0.75, None
    else:
        return
    other = not stable and key(public(built)) != key(public(torch.version))
    other_cuda = cuda is not None and torch.cuda is not None and major(cuda) != major(torch.cuda)
    if not other and not other_cuda:
        return
    belonging = companions.for_torch(torch.version)
    spec = belonging.xformers_spec if belonging else None
    install = (
        Remedy(f"Install xformers{spec}", "the release for this torch", actions=(Install((f"xformers{spec}",)),))
        if spec
        else None
    )
    remove = Remedy("Remove xformers", "torch has memory-efficient attention of its own", actions=(Uninstall(("xformers",)),))
    suffix = f" and CUDA {cuda}" if other_cuda else ""
    yield Finding(
        Severity.DEGRADED,
        "package:xformers",
        f"xformers {version} was built for torch {built}{suffix}, and torch {torch.version} is installed",
        evidence=(Proof("xformers_build", f"built for torch {built}", source), Proof("torch", torch.version)),
        remedies=(install, remove) if install else (remove,),
        wont_help=(WontHelp("Downgrading torch to suit it", "the older build may have no code for the GPU"),),
        confidence=sure,
    )


@told("xformers-mismatch")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    built, have = seen.captured("built", "xformers-built-for"), seen.captured("have", "xformers-built-for")
    clear = re.fullmatch(r"[\w.+]{3,40} [\w.+]{3,40}", f"{built} {have}")
    torch = seen.value("torch")
    belonging = companions.for_torch(torch.version if torch else have) if torch or clear else None
    spec = belonging.xformers_spec if belonging else None
    fit = (install(seen, f"Install xformers{spec}", "the release for this torch", f"xformers{spec}"),) if spec else ()
    return Advice(
        "package:xformers",
        f"xformers was built for torch {built}, and {have} is installed"
        if clear
        else f"xformers was not built for {torch_said(seen)} and its CUDA",
        remedies=(
            *fit,
            by_you(
                "Or remove xformers", "torch has memory-efficient attention of its own", ("pip", "uninstall", "-y", "xformers")
            ),
        ),
        wont_help=(
            WontHelp("Downgrading torch to suit it", "the older build may have no code for the GPU"),
            WontHelp(
                "`pip install -U xformers` alone", "it takes the torch that it pins along, in the build of the default index"
            ),
        ),
        decide_by=(("python", "-m", "xformers.info"),),
        severity=Severity.DEGRADED,
    )

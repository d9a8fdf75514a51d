"""
# Another NCCL than the one that torch was linked with

## What it means
torch's CUDA libraries call NCCL by functions that newer releases added. With an older libnccl `import torch` ends in "undefined
symbol: ncclCommRegister" (or `ncclMemFree`, `ncclCommWindowRegister` ...). A newer one is harmless: NCCL keeps its old
functions.

## How it is told
The `nvidia-nccl` wheel that is installed against the version that torch pins; and from the simulated loading, whether libnccl
comes from that wheel at all.

## What to do
Reinstall the pinned NCCL wheel; a system-wide libnccl has no business in torch's search path.

## What not to do
Do not downgrade torch.

## Sources
Requires-Dist of torch; NCCL release notes; NVIDIA/nccl issue 1180.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Install
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import LibraryVersions, LoadedLibraries, TorchRequirements
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.versions import key, minor
from torchsmith.rules.libraries.told import CHECK, by_you, cuda_major, torch_again, torch_said


@rule("nccl-mismatch", systems=("linux",))
def check(
    torch: Torch,
    torch_requirements: TorchRequirements,
    packages: Packages,
    loaded_libraries: LoadedLibraries,
    library_versions: LibraryVersions,
) -> Iterator[Finding]:
    """An NCCL older than torch's pin."""
    pinned = next((r for r in torch_requirements.packages if r.name.startswith("nvidia-nccl") and r.pin), None)
    loaded = loaded_libraries.get("libnccl.so.2")
    if pinned is None or loaded is None or not loaded.path:
        return
    wheel = "/nvidia/nccl/lib/" in loaded.path
    have = (packages.version(pinned.name) if wheel else library_versions.of(loaded.path)) or ""
    if not have or key(have) >= key(pinned.pin):
        return
    other_minor = minor(have) != minor(pinned.pin)
    yield Finding(
        Severity.BLOCKER if other_minor else Severity.NOTE,
        "package:torch",
        f"torch {torch.version} was linked with NCCL {pinned.pin}, but NCCL {have} will be loaded",
        evidence=(
            Proof("loaded_libraries", f"libnccl.so.2: {loaded.path}"),
            Proof("torch_requirements", f"{pinned.name}{pinned.specifier}"),
        ),
        remedies=(
            Remedy(
                f"Install {pinned.name}=={pinned.pin}",
                "the version that torch pins",
                actions=(Install((f"{pinned.name}=={pinned.pin}",), reinstall=True),),
            ),
        ),
        wont_help=(WontHelp("Downgrading torch", "its own NCCL fits; only another one is in its place"),),
        confidence=0.8,
    )


@told("nccl-mismatch")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    symbol = seen.captured("symbol", "undefined-symbol")
    lacks = f": it lacks {symbol}" if re.fullmatch(r"nccl\w{3,60}", symbol) else ""
    wheel = f"nvidia-nccl-cu{cuda_major(seen) or 12}"
    return Advice(
        "package:torch",
        f"another NCCL is loaded than the one that {torch_said(seen)} was linked with{lacks}",
        remedies=(
            *torch_again(seen, f"its requirements pin the {wheel} that it was linked with"),
            by_you(
                "Keep other NCCL copies (system, conda, LD_LIBRARY_PATH, LD_PRELOAD) out of the loader's way",
                "the first one wins",
            ),
        ),
        wont_help=(
            WontHelp("Downgrading torch", "its own NCCL fits; only another one is in its place"),
            WontHelp(f"`pip install {wheel}` without a version", "it brings the newest one, not the one that torch pins"),
        ),
        decide_by=CHECK,
    )

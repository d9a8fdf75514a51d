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

from collections.abc import Iterator

from torchsmith.engine.declare import rule
from torchsmith.model.action import Install
from torchsmith.model.facts.libraries import LibraryVersions, LoadedLibraries, TorchRequirements
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.versions import key, minor


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

r"""
# fbgemm.dll needs libomp140.x86_64.dll

## What it means
The Windows wheels of torch 2.3 and 2.4.0 were compiled with Visual Studio's LLVM OpenMP and need its runtime, which is not part
of the redistributable: "WinError 126 ... Error loading fbgemm.dll or one of its dependencies".

## How it is told
torch's DLLs import `libomp140.x86_64.dll`, and it is in no folder of the loader.

## What to do
Move to torch 2.4.1 or newer, which does not need it.

## What not to do
The DLL from a download site: its origin is unknown.

## Sources
Import tables of the Windows wheels; pytorch issue 131662.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import InstallTorch
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import LoadedLibraries
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least, key
from torchsmith.rules.libraries.common import askers
from torchsmith.rules.libraries.told import by_you, torch_again, torch_said

RUNTIME = "libomp140.x86_64.dll"
REPAIRED = "2.4.1"


@rule("fbgemm-libomp140-missing", systems=("windows",))
def check(torch: Torch, loaded_libraries: LoadedLibraries, packages: Packages | Unknown) -> Iterator[Finding]:
    """The LLVM OpenMP runtime is imported and missing."""
    missing = next((found for found in loaded_libraries.missing if found.name.lower() == RUNTIME), None)
    if missing is None:
        return
    from torchsmith.knowledge import companions, torch_builds

    fitting = companions.for_torch(REPAIRED)
    pairs = (("torchvision", fitting.torchvision), ("torchaudio", fitting.torchaudio)) if fitting else ()
    kept = tuple((n, v) for n, v in pairs if v and isinstance(packages, Packages) and packages.get(n))
    index = torch_builds.index_url(torch.build)
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"torch {torch.version} needs {RUNTIME}, which Windows and the redistributable do not have",
        evidence=(Proof("loaded_libraries", f"{missing.name}, imported by {askers(missing)}, is nowhere"),),
        remedies=(
            Remedy(
                f"Install torch {REPAIRED}",
                "it no longer needs that DLL",
                actions=(InstallTorch(REPAIRED, torch.build, index, kept),),
            ),
        ),
        wont_help=(WontHelp("The DLL from a download site", "nobody knows what is in it"),),
    )


@told("fbgemm-libomp140-missing")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    return Advice(
        "package:torch",
        f"fbgemm.dll of {torch_said(seen)} needs libomp140.x86_64.dll, which Windows and the redistributable do not have",
        remedies=_repaired(seen),
        wont_help=(
            WontHelp("The DLL from a download site", "nobody knows what is in it"),
            WontHelp("Reinstalling the same torch", "its fbgemm.dll asks for the same DLL"),
            WontHelp(
                f"`pip install torch>={REPAIRED}` without an index",
                "for Windows the default index has CPU builds only",
            ),
        ),
    )


def _repaired(seen: Seen) -> tuple[Remedy, ...]:
    """The repaired release in the build that is there; where the text does not tell that, the newest of one index."""
    from torchsmith.knowledge import companions, torch_builds

    torch = seen.value("torch")
    named = bool(torch) and bool(key(torch.version))
    if named and torch_builds.published(REPAIRED, torch.build, "windows"):
        fitting = companions.for_torch(REPAIRED)
        versions = {"torchvision": fitting.torchvision, "torchaudio": fitting.torchaudio} if fitting else {}
        pairs = tuple((name, v) for name, v in versions.items() if name == "torchvision" or seen.package(name))
        action = InstallTorch(REPAIRED, torch.build, torch_builds.index_url(torch.build), pairs)
        return (Remedy(f"Install torch {REPAIRED}+{torch.build}", "it no longer needs that DLL", actions=(action,)),)
    if named and not at_least(torch.version, REPAIRED):
        return (
            by_you(f"Install torch {REPAIRED} or newer from the index of the build that is here", "it no longer needs that DLL"),
        )
    return torch_again(seen, f"torch from {REPAIRED} on does not need that DLL")

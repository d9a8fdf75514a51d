r"""
# The Visual C++ runtime is missing or too old

## What it means
torch's DLLs need Microsoft's C++ runtime (`MSVCP140.dll`, `VCRUNTIME140.dll`, `VCRUNTIME140_1.dll`). torch 2.13 also imports
`MSVCP140_ATOMIC_WAIT.dll`, 2.15 also `VCRUNTIME140_THREADS.dll`, which only newer redistributables have. Missing ones give
"WinError 126" for shm.dll or c10.dll; a `MSVCP140.dll` older than 14.40 under torch 2.9 or newer gives "WinError 1114" for
c10.dll.

## How it is told
The import tables of torch's DLLs against python.exe's folder, the environment's folders and System32; the version resource of
the `MSVCP140.dll` that is taken. torch's own check at import looks at three of these DLLs only.

## What to do
Install the latest x64 redistributable. It replaces all older ones of 2015 to 2022.

## What not to do
Single DLLs from download sites are of unknown origin and of one version only. An older torch postpones the update.

## Sources
Import tables of the Windows wheels; Microsoft: latest supported Visual C++ redistributable downloads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import LoadedLibraries, LoaderPaths, TorchLibraries
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import at_least
from torchsmith.rules.libraries.common import askers, names
from torchsmith.rules.libraries.told import CHECK, by_you, name, torch_said

RUNTIME = pattern(r"(?:msvcp140|vcruntime140|vcomp140|concrt140)\w*\.dll", re.IGNORECASE)
# Objects of VS 2022 17.10 and newer use a std::mutex that older runtimes do not know; torch's wheels are made so from 2.9 on.
NEW_MUTEX_TORCH, NEW_MUTEX_RUNTIME = "2.9", "14.40"
INSTALLER = "https://aka.ms/vs/17/release/vc_redist.x64.exe"


@rule("msvc-redist-missing", explains=("fbgemm-libomp140-missing",), systems=("windows",))
def check(
    torch: Torch, loaded_libraries: LoadedLibraries, torch_libraries: TorchLibraries, loader_paths: LoaderPaths
) -> Iterator[Finding]:
    """Runtime DLLs that torch imports and that are nowhere, or a System32 copy that is too old."""
    missing = [found for found in loaded_libraries.missing if RUNTIME.fullmatch(found.name)]
    if missing:
        yield _finding(
            f"the Visual C++ runtime lacks {names(missing)}, which torch {torch.version} imports",
            tuple(Proof("loaded_libraries", f"{found.name}, imported by {askers(found)}, is nowhere") for found in missing),
        )
        return
    old = too_old(torch, loaded_libraries, torch_libraries)
    if old and old[0].rpartition("/")[0] == loader_paths.system:
        yield _finding(
            f"the Visual C++ runtime is too old: {old[1]}, torch {torch.version} needs {NEW_MUTEX_RUNTIME} or newer",
            (Proof("torch_libraries", f"{old[0]}: {old[1]}"),),
        )


def too_old(torch: Torch, loaded: LoadedLibraries, libraries: TorchLibraries) -> tuple[str, str] | None:
    """Path and version of the MSVCP140.dll that is taken, if this torch cannot live with it."""
    picked = next((found for found in loaded.objects if found.name.lower() == "msvcp140.dll"), None)
    version = next((f.version for f in libraries.objects if picked and f.path == picked.path), None)
    if not picked or not version or not at_least(torch.version, NEW_MUTEX_TORCH) or at_least(version, NEW_MUTEX_RUNTIME):
        return None
    return picked.path, version


def _finding(summary: str, evidence: tuple[Proof, ...]) -> Finding:
    install = Command(("winget", "install", "--id", "Microsoft.VCRedist.2015+.x64", "--force"))
    return Finding(
        Severity.BLOCKER,
        "machine",
        summary,
        evidence=evidence,
        remedies=(Remedy("Install the latest Visual C++ redistributable (x64)", INSTALLER, Safety.DISPLAY_ONLY, (install,)),),
        wont_help=(
            WontHelp("Downloading single DLLs", "of unknown origin, and the next one is missing then"),
            WontHelp("Reinstalling torch", "its wheel does not carry this runtime"),
        ),
    )


@told("msvc-redist-missing")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    library = name(seen, "library", "torch-dll-error")
    module = name(seen, "module", "dll-load-failed")
    what = f"{library or module} of {torch_said(seen)} does not load" if library or module else "a DLL does not load"
    return Advice(
        "machine",
        f"{what}: the Visual C++ runtime is missing or too old (from torch 2.9 on a recent one is needed)",
        remedies=(
            by_you(
                "Install the latest Visual C++ redistributable (x64), then start again",
                INSTALLER,
                ("winget", "install", "--id", "Microsoft.VCRedist.2015+.x64", "--force"),
            ),
        ),
        wont_help=(
            WontHelp("Downloading single DLLs", "of unknown origin, and the next one is missing then"),
            WontHelp("Reinstalling torch, or an older one for good", "its wheel does not carry this runtime"),
        ),
        decide_by=CHECK,
    )

r"""
# Another program's DLL comes before the right one

## What it means
Windows gives a process one DLL per name. One that lies beside python.exe, or that an earlier import loaded, stands in for the
one that torch needs: "WinError 1114" for c10.dll, "WinError 127: the specified procedure could not be found".

## How it is told
The folders of the loader in order. A `MSVCP140.dll` beside python.exe or in the environment that is too old for this torch,
while System32 has one that would do; or a DLL of torch's that is found on PATH only, which is another program's folder.

## What to do
Update what brought the old copy (in conda: `vc14_runtime`), or take the foreign folder out of PATH.

## What not to do
Copying DLLs into `torch\lib` or System32: they outlive the next update and become the next conflict.

## Sources
Microsoft: dynamic-link library search order; torch/__init__.py (flags of LoadLibraryEx); pytorch/vision reports of error 1114.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import LoadedLibraries, LoaderPaths, TorchLibraries
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.rules.libraries.common import TOOLKIT, askers
from torchsmith.rules.libraries.msvc_redist_missing import NEW_MUTEX_RUNTIME, too_old
from torchsmith.rules.libraries.told import CHECK, by_you, name


@rule("conflicting-dll-on-path", systems=("windows",))
def check(
    torch: Torch,
    interpreter: Interpreter,
    loaded_libraries: LoadedLibraries,
    torch_libraries: TorchLibraries,
    loader_paths: LoaderPaths,
) -> Iterator[Finding]:
    """An old runtime before System32's, or a DLL that only PATH has."""
    copies = (WontHelp(r"Copying DLLs into torch\lib or System32", "they stay behind and become the next conflict"),)
    old = too_old(torch, loaded_libraries, torch_libraries)
    if old and old[0].rpartition("/")[0] != loader_paths.system:
        conda = Command(("conda", "install", *interpreter.conda_place, "-c", "conda-forge", "vc14_runtime"))
        yield Finding(
            Severity.BLOCKER,
            "python",
            f"{old[0]} ({old[1]}) comes before System32's copy and is too old for torch {torch.version}",
            evidence=(Proof("torch_libraries", f"{old[0]}: {old[1]}; torch needs {NEW_MUTEX_RUNTIME} or newer"),),
            remedies=(
                Remedy(
                    "Update the runtime that lies in this environment",
                    "",
                    Safety.DISPLAY_ONLY,
                    (conda,) if interpreter.kind == "conda" else (),
                ),
            ),
            wont_help=copies,
        )
    strays = [found for found in loaded_libraries.objects if found.how == "PATH" and TOOLKIT.fullmatch(found.name)]
    if strays:
        yield Finding(
            Severity.NOTE,
            "package:torch",
            f"torch {torch.version} gets {strays[0].name} from PATH: {strays[0].path}",
            evidence=tuple(
                Proof("loaded_libraries", f"{found.name}: {found.path}, needed by {askers(found)}") for found in strays[:6]
            ),
            remedies=(Remedy("Install the torch build that carries its own CUDA DLLs", "", Safety.DISPLAY_ONLY),),
            wont_help=copies,
            confidence=0.7,
        )


@told("conflicting-dll-on-path")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    library = name(seen, "library", "torch-dll-error") or "a DLL of torch's"
    return Advice(
        "machine",
        f"{library} does not start: a DLL that it needs was taken from another place (PATH, conda, another package)",
        remedies=(
            by_you("Import torch first, before PyQt, ONNX Runtime and the like", "its own DLLs are then in the process already"),
            by_you(
                "Take other CUDA, cuDNN and conda folders out of PATH for this program",
                "",
                ("where", "cudnn*64_*.dll", "cudart64_*.dll", "msvcp140.dll"),
            ),
        ),
        wont_help=(
            WontHelp(r"Copying DLLs into torch\lib or System32", "they stay behind and become the next conflict"),
            WontHelp("Reinstalling torch", "its own files are whole; another one is taken"),
        ),
        decide_by=CHECK,
    )

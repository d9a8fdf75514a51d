"""
# A CUDA library is missing

## What it means
torch brings CUDA's libraries as packages of their own (`nvidia-cublas`, `nvidia-cuda-runtime`, `nvidia-nccl` ...) or inside its
wheel. If one of them is gone, `import torch` ends in "cannot open shared object file" and names only the first of them.

## How it is told
The loader is simulated over the files of the environment; every name that stays without an answer is listed, with the libraries
that need it and the package that brings it. `libcuda.so.1` is not among them: that one belongs to the driver.

## What to do
Reinstall exactly the packages that are named, in the versions that torch pins.

## What not to do
A link from another major's file (`libcublas.so.11` as `libcublas.so.12`) only moves the error to a missing symbol. A CUDA
toolkit is not needed by torch's wheels, and one of another version does not help.

## Sources
ld.so(8); DT_NEEDED of torch's libraries; RECORD of the NVIDIA wheels (`torchsmith facts libraries`).
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import LoadedLibraries, TorchLibraries, TorchRequirements
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.libraries.common import TOOLKIT, askers, lost, names, package_of, restore
from torchsmith.rules.libraries.told import CHECK, by_you, cuda_major, install, name, tensorflow, torch_again, torch_said
from torchsmith.rules.readings.asker import asker


@rule("missing-cuda-runtime-lib")
def check(
    machine: Machine,
    torch: Torch,
    loaded_libraries: LoadedLibraries,
    torch_libraries: TorchLibraries,
    torch_requirements: TorchRequirements | Unknown,
    packages: Packages | Unknown,
) -> Iterator[Finding]:
    """Libraries of CUDA, cuDNN apart, that nothing answers."""
    missing = lost(loaded_libraries, torch_libraries, TOOLKIT)
    if not missing:
        return
    at_import = [found for found in missing if not found.later]
    effect = "`import torch` fails" if at_import else "what needs it fails when it is first used"
    proofs = [
        f"{found.name} ({package_of(found.name, torch, machine) or 'no known wheel'}), needed by {askers(found)}"
        for found in missing
    ]
    plural = "is" if len(missing) == 1 else "are"
    shown = at_import or missing
    yield Finding(
        Severity.BLOCKER if at_import else Severity.DEGRADED,
        "package:torch",
        f"{names(shown[:4])}{f' and {len(shown) - 4} more' if len(shown) > 4 else ''} {plural} missing: {effect}",
        evidence=tuple(Proof("loaded_libraries", proof) for proof in proofs[:12]),
        remedies=restore(missing, torch, machine, torch_requirements, packages),
        wont_help=(
            WontHelp(
                "Installing a CUDA toolkit", "torch's wheels look for their own copies, in the version that they were linked with"
            ),
            WontHelp("Linking another major's file to the missing name", "the symbols inside differ"),
        ),
    )


@told("missing-cuda-runtime-lib")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    from torchsmith.knowledge import libraries

    library = name(seen, "library") or name(seen, "asked")
    complaint = next((c for c in seen.complaints if library and library in c.text), None)
    kind = asker(complaint, seen).kind if complaint else "tensorflow" if seen.has("asks-tensorflow") else ""
    platform = "windows-x86_64" if seen.os == "windows" else "linux-x86_64"
    wheel = libraries.provider(library, cuda_major(seen) or None, platform) if library else None
    of_torch = kind in {"torch", "companion", ""}
    remedies: tuple[Remedy, ...] = ()
    if kind == "tensorflow":
        remedies = tensorflow(seen)
    elif kind == "jax":
        remedies = (install(seen, "Install JAX with its CUDA wheels", "", f"jax[cuda{cuda_major(seen) or 12}]"),)
    elif wheel:
        remedies = (install(seen, f"Install {wheel}", f"it brings {library}", wheel),)
    if of_torch:
        remedies += torch_again(seen, "its wheels bring every CUDA library that it needs")
        remedies += (
            by_you("In a container, do not leave NVIDIA's wheels out: no --no-deps for torch", "they are its dependencies"),
        )
    elif not remedies:
        remedies = (by_you("Install a release of the program that asks that is made for the CUDA that is installed here"),)
    return Advice(
        "machine",
        f"{library or 'a CUDA library'} is asked for, and nothing that is installed brings it"
        + (f" (with {torch_said(seen)})" if of_torch else ""),
        remedies=remedies,
        wont_help=(
            WontHelp("Linking another major's file to the missing name", "the symbols inside differ"),
            WontHelp("Updating the driver", "the driver brings libcuda only, none of CUDA's other libraries"),
        ),
        decide_by=CHECK,
    )

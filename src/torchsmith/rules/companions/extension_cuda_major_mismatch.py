"""
# An extension was compiled for another CUDA major

## What it means
A compiled extension asks for the CUDA runtime that it was built with: `libcudart.so.12` where torch brings
`libcudart.so.13`. Its import ends in "libcudart.so.12: cannot open shared object file".

## How it is told
The libraries that the extension needs are read from its file and compared with torch's CUDA; a runtime of that major
that is installed beside torch counts as found.

## What to do
Install the build of the extension for torch's CUDA, or torch of the extension's CUDA.

## What not to do
Installing the other toolkit: two CUDA majors in one process go wrong later.

## Sources
The binaries themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.install import ExtensionFile, ExtensionFiles
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import major
from torchsmith.rules.libraries.told import CHECK, by_you, cuda_major, distribution, install, name, torch_said

_RUNTIME = pattern(r"libcudart\.so\.(\d+)|cudart64_(\d{2,3})\.dll", re.IGNORECASE | re.ASCII)


@rule("extension-cuda-major-mismatch", explains=("missing-cuda-runtime-lib",))
def check(torch: Torch, extension_files: ExtensionFiles, packages: Packages) -> Iterator[Finding]:
    """One finding for each package."""
    told: set[str] = set()
    for file in extension_files.files:
        wanted = needed_major(file)
        if (
            wanted is None
            or torch.cuda is None
            or wanted == major(torch.cuda)
            or file.package in told
            or _has_runtime(packages, wanted)
        ):
            continue
        told.add(file.package)
        yield Finding(
            Severity.DEGRADED,
            f"package:{file.package}",
            f"{file.package} {file.version} is built for CUDA {wanted}, torch {torch.version} for CUDA {torch.cuda}",
            evidence=(
                Proof("extension_files", ", ".join(n for n in file.needed if _RUNTIME.match(n)), file.path),
                Proof("torch", f"{torch.version}: CUDA {torch.cuda}"),
            ),
            remedies=(
                Remedy(
                    f"Install the build of {file.package} for CUDA {major(torch.cuda)}",
                    "it has to use the CUDA runtime that torch brings",
                    Safety.DISPLAY_ONLY,
                ),
            ),
            wont_help=(WontHelp(f"Installing a CUDA {wanted} toolkit", "two CUDA majors in one process go wrong later"),),
            confidence=0.85,
        )


def needed_major(file: ExtensionFile) -> int | None:
    """The CUDA major of the runtime that a library asks for; ``cudart64_110.dll`` is 11's."""
    for needed in file.needed:
        matched = _RUNTIME.match(needed)
        if matched:
            number = matched[1] or matched[2]
            return int(number[:2])
    return None


def _has_runtime(packages: Packages, wanted: int) -> bool:
    if packages.get(f"nvidia-cuda-runtime-cu{wanted}"):
        return True
    return any(major(package.version) == wanted for package in packages.all("nvidia-cuda-runtime"))


@told("extension-cuda-major-mismatch")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    library = name(seen, "library")
    module = name(seen, "package", "asks-extension")
    onnx = not module and seen.has("asks-onnxruntime")
    package = "onnxruntime-gpu" if onnx else distribution(module) or module or "a compiled package"
    its = "its" if " " in package else f"{package}'s"
    ours = cuda_major(seen)
    asks = f"{package} asks for {library}" if library else f"{package} is built for another CUDA major"
    old = re.search(r"\.so\.11|64_11", library)
    newer = install(seen, "Install onnxruntime-gpu 1.19 or newer", "it is for CUDA 12 and cuDNN 9", "onnxruntime-gpu>=1.19")
    return Advice(
        f"package:{package}" if " " not in package else "python",
        f"{asks}, while {torch_said(seen)} brings CUDA {ours}" if ours else f"{asks}, which the CUDA here does not bring",
        remedies=(
            *((newer,) if onnx and old else ()),
            by_you(
                f"Install {its} build for {f'CUDA {ours}' if ours else 'the CUDA of this torch'}",
                "its wheels name it (cu118, cu12, cu130 ...)",
            ),
            by_you("Or choose the torch build of the CUDA that it is made for", "torch and its extensions must be of one major"),
        ),
        wont_help=(
            WontHelp("Installing that CUDA toolkit too", "two CUDA majors in one process go wrong later"),
            WontHelp("Linking the other major's file to the missing name", "its symbols carry another version"),
        ),
        decide_by=CHECK,
    )

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

from torchsmith.engine.declare import rule
from torchsmith.model.facts.install import ExtensionFile, ExtensionFiles
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import major

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
    for name in file.needed:
        matched = _RUNTIME.match(name)
        if matched:
            number = matched[1] or matched[2]
            return int(number[:2])
    return None


def _has_runtime(packages: Packages, wanted: int) -> bool:
    if packages.get(f"nvidia-cuda-runtime-cu{wanted}"):
        return True
    return any(major(package.version) == wanted for package in packages.all("nvidia-cuda-runtime"))

"""
# The toolkit is too old for these sources

## What it means
Sources of torch, of an extension, or of their third-party parts ask for a newer CUDA: torch 2.14 builds from 12.6 on;
C++17 needs nvcc 11, C++20 nvcc 12; FP8 types came with 11.8.

## How it is told
The version check of CMake or setup.py, an option that nvcc does not know, or a name that the toolkit's headers do not
have yet.

## What to do
A newer toolkit of torch's CUDA major, or older sources.

## What not to do
Lowering the number in the check: the next file needs what it asked for.

## Sources
torch/share/cmake/Caffe2/public/cuda.cmake; table of build requirements (`torchsmith facts build_requirements`).
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import NO_CHECK, shown


@told("cuda-too-old-for-torch")
def answer(seen: Seen) -> Advice:
    """The version asked for, where the text tells it."""
    least = seen.captured("least", "torch-requires-cuda", "toolkit-below-package") or seen.captured(
        "needs", "toolkit-below-package"
    )
    have = seen.captured("toolkit", "toolkit-named")
    asked = f"CUDA {least} or newer" if least else "a newer CUDA"
    found = f"; nvcc is of CUDA {have}" if have else ""
    return Advice(
        "toolkit",
        f"These sources need {asked}{found}",
        remedies=(
            shown(
                f"Build with a toolkit of {asked}",
                "of the same major version as torch's CUDA; several toolkits live side by side, CUDA_HOME and PATH choose",
                ("nvcc", "--version"),
            ),
            shown("Or take an older release of the sources"),
        ),
        wont_help=(
            NO_CHECK,
            WontHelp("Updating the driver", "the CUDA version that nvidia-smi shows is not that of the compiler"),
        ),
    )

"""
# The headers of CUB and Thrust lie elsewhere since CUDA 13

## What it means
CUDA 13 moved cub/, thrust/ and cuda/std/ to include/cccl. nvcc finds them by itself; a C++ compiler, and builds that
name the include folder, do not.

## How it is told
A missing header of cub, thrust or cuda/std with CUDA 13.

## What to do
Add include/cccl of the toolkit to the include path.

## What not to do
Reinstalling the toolkit.

## Sources
CUDA 13.0 release notes; CCCL documentation.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import DRIVER, shown, variable


@told("cccl-layout")
def answer(seen: Seen) -> Advice:
    """The folder where they lie now."""
    del seen
    return Advice(
        "toolkit",
        "CUB, Thrust and libcu++ lie in include/cccl since CUDA 13, where this build does not look",
        remedies=(
            variable(
                "Let compilers look there",
                "the toolkit in its usual place is assumed",
                "CPLUS_INCLUDE_PATH",
                "/usr/local/cuda/include/cccl",
            ),
            shown("For PyTorch's configure", "", ("cmake", "-DCUB_INCLUDE_DIR=/usr/local/cuda/include/cccl", "..")),
        ),
        wont_help=(WontHelp("Reinstalling the toolkit", "the headers are there, in another folder"), DRIVER),
        decide_by=(("ls", "/usr/local/cuda/include/cccl"),),
    )

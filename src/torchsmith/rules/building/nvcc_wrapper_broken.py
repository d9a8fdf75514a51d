"""
# nvcc is a wrapper or a link that leads nowhere

## What it means
ccache, sccache or a script stands in for nvcc and cannot reach the real one; or nvcc cannot be executed. PyTorch's
configure then goes on without CUDA.

## How it is told
The wrapper complains of nvcc, or the system cannot execute it.

## What to do
Put the toolkit's bin folder on PATH, name the real nvcc in CUDACXX, and the wrapper only as a launcher
(CMAKE_CUDA_COMPILER_LAUNCHER).

## What not to do
Reinstalling ccache: it does not know where nvcc is either.

## Sources
PyTorch issue 56710; ccache and CMake documentation.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import REINSTALL, variable


@told("nvcc-wrapper-broken")
def answer(seen: Seen) -> Advice:
    """The real nvcc, named outright."""
    del seen
    return Advice(
        "toolkit",
        "The nvcc that the build calls is a wrapper or link that does not reach a working compiler",
        remedies=(
            variable("Name the real nvcc", "the toolkit in its usual place is assumed", "CUDACXX", "/usr/local/cuda/bin/nvcc"),
            variable(
                "Let the wrapper be a launcher only",
                "instead of standing in for nvcc",
                "CMAKE_CUDA_COMPILER_LAUNCHER",
                "ccache",
            ),
        ),
        wont_help=(WontHelp("Reinstalling the wrapper", "it looks for nvcc on PATH as before"), REINSTALL),
        decide_by=(("ls", "-l", "/usr/local/cuda/bin/nvcc"),),
    )

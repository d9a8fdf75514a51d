"""
# No architecture is named, and there is no GPU to ask

## What it means
Without TORCH_CUDA_ARCH_LIST (CMAKE_CUDA_ARCHITECTURES for CMake) the GPUs present decide what to compile for. In
`docker build`, on build servers and login nodes there is none: the list is empty.

## How it is told
`arch_list[-1]` with an IndexError, an empty architecture in nvcc's complaint, CMake's empty CUDA_ARCHITECTURES.

## What to do
Name the architectures for which the extension is built.

## What not to do
Installing a driver into the image.

## Sources
torch/utils/cpp_extension.py; reproduced with torch 2.14.1.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import architectures, shown, variable


@told("arch-empty-no-gpu")
def answer(seen: Seen) -> Advice:
    """The list by hand."""
    return Advice(
        "environment",
        "The build is told no GPU architecture and sees no GPU that it could ask",
        remedies=(
            variable("Name the architectures", "of the GPUs on which it will run", "TORCH_CUDA_ARCH_LIST", architectures(seen)),
            shown("In a Dockerfile write it as ENV before the build step"),
        ),
        wont_help=(
            WontHelp("Installing a driver in the image", "a build has no GPU all the same"),
            WontHelp("--gpus all on docker run", "the image is built before"),
        ),
    )

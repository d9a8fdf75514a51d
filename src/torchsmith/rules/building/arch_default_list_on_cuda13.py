"""
# A default list names architectures that CUDA 13 dropped

## What it means
Where no architecture is named and no GPU is seen, torch's CMake files compile for a common list that begins with 5.0.
CUDA 13 makes code from 7.5 on.

## How it is told
The autodetected list beside nvcc's refusal of `compute_50`.

## What to do
Name the architectures.

## What not to do
Going back to CUDA 12 for this alone.

## Sources
find_package(Torch) of 2.14.1 with CUDA 13; nixpkgs pull request 530330.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import architectures, variable
from torchsmith.rules.readings.told import is_at_least
from torchsmith.rules.readings.told import toolkit as toolkit_of


@told("arch-default-list-on-cuda13")
def answer(seen: Seen) -> Advice:
    """The list by hand, without what is gone."""
    toolkit = toolkit_of(seen)
    return Advice(
        "environment",
        "No architecture was named, and the default list begins with GPUs that CUDA 13 no longer compiles for",
        remedies=(
            variable(
                "Name the architectures",
                "leave in it what you run on",
                "TORCH_CUDA_ARCH_LIST",
                architectures(seen, toolkit if is_at_least(toolkit, "13.0") else "13.0"),
            ),
        ),
        wont_help=(
            WontHelp("Setting CMAKE_CUDA_ARCHITECTURES", "torch's CMake files ignore it"),
            WontHelp("Another gcc or driver", "nvcc refuses the architecture"),
        ),
    )

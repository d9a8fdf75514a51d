"""
# Visual Studio lacks the CUDA integration

## What it means
CMake's Visual Studio generator takes nvcc from MSBuild files that the toolkit's installer puts into Visual Studio. A
Visual Studio installed later, or Build Tools only, has none.

## How it is told
`No CUDA toolset found`, or the missing BuildCustomizations file.

## What to do
Use the Ninja generator from the x64 Native Tools prompt, or run the toolkit's installer again with `Visual Studio
Integration`, or copy its MSBuildExtensions.

## What not to do
Another driver or torch.

## Sources
CUDA installation guide for Windows; PyTorch issue 76010.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.rules.building.shared import DRIVER, REINSTALL, shown, variable


@told("vs-cuda-integration")
def answer(seen: Seen) -> Advice:
    """Ninja needs no integration."""
    del seen
    return Advice(
        "toolkit",
        "Visual Studio has no CUDA integration, which CMake's Visual Studio generator needs",
        remedies=(
            variable("Use Ninja instead", "from the x64 Native Tools prompt of Visual Studio", "CMAKE_GENERATOR", "Ninja"),
            shown(
                "Or run the toolkit's installer again and choose Visual Studio Integration", "after Visual Studio is installed"
            ),
        ),
        wont_help=(REINSTALL, DRIVER),
    )

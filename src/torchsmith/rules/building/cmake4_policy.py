"""
# CMake 4 refuses the project's old minimum version

## What it means
A CMakeLists.txt that asks for less than CMake 3.5 is refused by CMake 4. PyTorch up to 2.7 and many of its third-
party folders (protobuf, gloo, onnx, FP16, psimd) do.

## How it is told
CMake's own words.

## What to do
CMake below 4 for the build, or `CMAKE_POLICY_VERSION_MINIMUM=3.5` in the environment, or newer sources.

## What not to do
Editing one CMakeLists.txt: the next submodule says the same.

## Sources
CMake 4.0 release notes; PyTorch issue 150149.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import REINSTALL, installs, variable


@told("cmake4-policy")
def answer(seen: Seen) -> Advice:
    """An older CMake, or the setting that CMake itself offers."""
    del seen
    return Advice(
        "package:cmake",
        "CMake 4 refuses a project that states a minimum below 3.5",
        remedies=(
            installs("Build with CMake 3", "a CMake from the system package must not come first on PATH then", "cmake<4"),
            variable("Or let CMake 4 try", "it also holds for the submodules", "CMAKE_POLICY_VERSION_MINIMUM", "3.5"),
        ),
        wont_help=(WontHelp("Deleting the build folder", "the sources state the version"), REINSTALL),
    )

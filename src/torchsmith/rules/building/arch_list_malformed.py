"""
# The list of GPU architectures is not written as it is read

## What it means
torch reads dotted compute capabilities in TORCH_CUDA_ARCH_LIST (`8.6;9.0+PTX`), CMake whole numbers in
CMAKE_CUDA_ARCHITECTURES (`86;90`), and nvcc `sm_90`. Each refuses the others' form.

## How it is told
The entry that is refused.

## What to do
Write the list in the form of the tool that reads it.

## What not to do
Changing the toolkit: it was not asked yet.

## Sources
torch/utils/cpp_extension.py; select_compute_arch.cmake; CMake CUDA_ARCHITECTURES.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import REINSTALL, variable


@told("arch-list-malformed")
def answer(seen: Seen) -> Advice:
    """The same GPUs, in the form that torch reads."""
    said = seen.captured("arch", "unknown-cuda-arch") or seen.captured("list", "arch-list-odd")
    digits = "".join(character for character in said.rpartition("_")[2] if character.isdigit())[:3]
    right = f"{digits[:-1]}.{digits[-1]}" if len(digits) in {2, 3} else "8.6"
    return Advice(
        "environment",
        "The list of GPU architectures is not in the form that is read: torch takes 8.6;9.0+PTX, CMake alone takes 86;90",
        remedies=(
            variable(
                seen,
                "Write dotted numbers for torch",
                "CMAKE_CUDA_ARCHITECTURES takes them without the dot",
                "TORCH_CUDA_ARCH_LIST",
                right,
            ),
        ),
        wont_help=(WontHelp("Another toolkit", "the entry is refused before nvcc is called"), REINSTALL),
    )

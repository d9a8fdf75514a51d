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

import re

from torchsmith.engine.declare import told
from torchsmith.knowledge import archs
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.model.versions import compute_capability
from torchsmith.rules.building.shared import REINSTALL, architectures, variable


@told("arch-list-malformed")
def answer(seen: Seen) -> Advice:
    """The same GPUs, in the form that torch reads."""
    written = seen.captured("arch", "unknown-cuda-arch"), seen.captured("list", "arch-list-odd")
    # A list that is seen as a whole says more than the one entry that was refused of it.
    right = max((dotted(said) for said in written), key=len) or architectures(seen)
    return Advice(
        "environment",
        "The list of GPU architectures is not in the form that is read: torch takes 8.6;9.0+PTX, CMake alone takes 86;90",
        remedies=(
            variable(
                "Write dotted numbers for torch",
                "CMAKE_CUDA_ARCHITECTURES takes them without the dot",
                "TORCH_CUDA_ARCH_LIST",
                right,
            ),
        ),
        wont_help=(WontHelp("Another toolkit", "the entry is refused before nvcc is called"), REINSTALL),
    )


def dotted(said: str) -> str:
    """The entries of a list as torch reads them: ``8.6;9.0`` for ``sm_86, 90``; empty if one of them is no architecture."""
    entries = [entry for entry in re.split(r"[;,\s\"'\[\]()]+", said) if entry]
    right = [_entry(entry) for entry in entries]
    return ";".join(dict.fromkeys(right)) if all(right) else ""


def _entry(entry: str) -> str:
    number, plus, ptx = entry.partition("+")
    number = re.sub(r"^(\d{1,2})\.(\d)(?=[af]?$)", r"\1\2", number)
    code = archs.parse_code(number)
    if code is None or archs.toolkit_range(code.sm) is None or (plus and ptx.upper() != "PTX"):
        return ""
    return compute_capability(code.sm) + code.suffix + ("+PTX" if plus else "")

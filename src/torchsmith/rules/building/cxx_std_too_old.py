"""
# The build uses an older C++ standard than the headers need

## What it means
torch's headers need C++14 from 1.5, C++17 from 2.1 and C++20 from 2.14 on; CCCL 3 needs C++17. Packages that set
`-std=c++14` themselves, and compilers that are older, fail in the headers.

## How it is told
The #error in torch's or NVIDIA's headers.

## What to do
Change the flag in the package's setup.py or CMakeLists (`-std=c++17`, `/std:c++17`, CMAKE_CXX_STANDARD), take a newer
release of it, or an older torch. The compiler must know the standard too.

## What not to do
Reinstalling CUDA.

## Sources
torch's headers; table of build requirements (`torchsmith facts build_requirements`).
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import REINSTALL, shown


@told("cxx-std-too-old")
def answer(seen: Seen) -> Advice:
    """The standard that is asked for."""
    asked = next(
        (
            seen.captured(group, "cxx-standard")
            for group in ("standard", "needs", "least", "below")
            if seen.captured(group, "cxx-standard")
        ),
        "17",
    )
    flag = f"/std:c++{asked}" if seen.os == "windows" else f"-std=c++{asked}"
    return Advice(
        "environment",
        f"The headers need C++{asked}, and the package compiles with an older standard or compiler",
        remedies=(
            shown(
                f"Set {flag} in the package's setup.py or CMakeLists.txt",
                "in the flags for the C++ compiler and for nvcc; remove the older one",
            ),
            shown("Or take a release of the package made for this torch, or a torch made for this package"),
        ),
        wont_help=(REINSTALL, WontHelp("Reinstalling CUDA", "nvcc passes on the standard that it is told")),
    )

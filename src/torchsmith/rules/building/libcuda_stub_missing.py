"""
# The linker finds no libcuda

## What it means
libcuda belongs to the driver. Where there is none (containers, build servers) the toolkit's stub in lib64/stubs
serves the linker; it is a package of its own, or its folder is not searched.

## How it is told
`cannot find -lcuda`, the target CUDA::cuda_driver, or undefined cu... functions.

## What to do
Install the driver's development stub and let the linker search its folder while building; at run time the driver's
own library is used.

## What not to do
Copying the stub to the system's libraries: programs then load it instead of the driver.

## Sources
CUDA installation guide; CMake FindCUDAToolkit; PyTorch issue 103417.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import shown, variable


@told("libcuda-stub-missing")
def answer(seen: Seen) -> Advice:
    """The stub for the linker, never for the loader."""
    windows = seen.os == "windows"
    search = variable(
        "Let the linker search the toolkit's stubs", "only while building", "LIBRARY_PATH", "/usr/local/cuda/lib64/stubs"
    )
    return Advice(
        "toolkit",
        "The linker finds no libcuda: it belongs to the driver, and the toolkit's stub for building is not there or not searched",
        remedies=(
            *((shown("Install the whole toolkit, with its lib folder"),) if windows else (search,)),
            shown(
                "Where the stub is missing, install it", "cuda-driver-dev of the toolkit's version; in conda cuda-driver-dev too"
            ),
        ),
        wont_help=(
            WontHelp("Copying the stub into /usr/lib", "programs would load it in place of the driver and find no GPU"),
            WontHelp("Installing a driver in the image", "a container takes the host's; the build needs only the stub"),
        ),
        decide_by=(("ls", "/usr/local/cuda/lib64/stubs"),),
    )

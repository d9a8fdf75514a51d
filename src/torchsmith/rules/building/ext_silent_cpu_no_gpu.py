"""
# The extension was built without CUDA, and nobody said so

## What it means
Many setup.py files compile their CUDA part only where torch sees a GPU while building. In `docker build`, on login
nodes and under conda-build there is none; the package installs and fails when it is used.

## How it is told
`Not compiled with GPU support`, `name '_C' is not defined` and the like at run time.

## What to do
Build with the package's switch (FORCE_CUDA=1) and TORCH_CUDA_ARCH_LIST, with nvcc at hand, or where a GPU is seen.

## What not to do
Another driver: the code is not in the extension.

## Sources
detectron2, common installation issues; the packages' setup.py.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import architectures, shown, variable


@told("ext-silent-cpu-no-gpu")
def answer(seen: Seen) -> Advice:
    """The switch, the architectures, and a clean build."""
    return Advice(
        "environment",
        "The extension was built without its CUDA part: no GPU was seen while building, and the build said nothing",
        remedies=(
            variable(
                "Make the build compile for CUDA",
                "detectron2, torchvision, pytorch3d and others heed it",
                "FORCE_CUDA",
                "1",
            ),
            variable("Name the architectures", "no GPU is there to ask", "TORCH_CUDA_ARCH_LIST", architectures(seen)),
            shown("Remove what was built, and build again", "nvcc of torch's CUDA major must be there", ("rm", "-rf", "build")),
        ),
        wont_help=(
            WontHelp("Reinstalling torch or the driver", "torch sees the GPU; the extension has no code for any"),
            WontHelp("--gpus all on docker run", "the image was built without a GPU before"),
        ),
        decide_by=(
            (
                "python",
                "-c",
                "import torch; from torch.utils.cpp_extension import CUDA_HOME; print(torch.cuda.is_available(), CUDA_HOME)",
            ),
        ),
    )

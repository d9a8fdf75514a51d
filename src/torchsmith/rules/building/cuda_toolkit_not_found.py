"""
# A build needs a CUDA toolkit and finds none

## What it means
torch's wheels bring CUDA's libraries but no compiler. Compiling an extension needs nvcc; the driver and `nvidia-smi`
are no toolkit, and images without `devel` in their name have none.

## How it is told
CUDA_HOME is not set, nvcc is not found, or CMake misses all of CUDA.

## What to do
First look for a prebuilt wheel of the package. Else install nvcc of torch's CUDA major: NVIDIA's repository, conda's
cuda-nvcc and cuda-libraries-dev, a `devel` image; then CUDA_HOME.

## What not to do
Setting CUDA_HOME to a folder that holds no toolkit; updating the driver.

## Sources
torch/utils/cpp_extension.py; NVIDIA, CUDA installation guide.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.model.versions import minor
from torchsmith.rules.building.shared import shown, variable
from torchsmith.rules.toolkit.shared import by_conda, in_conda, packages


@told("cuda-toolkit-not-found")
def answer(seen: Seen) -> Advice:
    """A prebuilt wheel first, then nvcc of torch's CUDA."""
    torch = seen.value("torch")
    cuda = minor(torch.cuda) if torch and torch.cuda else ""
    which = f"CUDA {cuda}" if cuda else "torch's CUDA"
    windows = seen.os == "windows"
    of_system = packages(seen, cuda, "cuda-toolkit")
    conda = (by_conda(cuda),) if cuda and (windows or in_conda(seen)) else ()
    install = conda if in_conda(seen) else of_system or conda
    home = f"C:\\Program Files\\NVIDIA GPU Computing Toolkit\\CUDA\\v{cuda}" if windows else "/usr/local/cuda"
    folder = variable("Name it, where it is installed elsewhere", "", "CUDA_HOME", home)
    source = "from conda" if install == conda and conda else "from NVIDIA's repository or installer"
    return Advice(
        "toolkit",
        f"The build needs nvcc, and no CUDA toolkit is found{f' (torch was made with CUDA {cuda})' if cuda else ''}",
        remedies=(
            shown(
                "Look for a prebuilt wheel of the package", "for this torch, CUDA and Python nothing needs to be compiled then"
            ),
            shown(f"Or install the toolkit of {which}, {source}", "only the toolkit, no driver", *install),
            *((folder,) if cuda or not windows else ()),
        ),
        wont_help=(
            WontHelp(
                "Installing or updating the driver", "it has no compiler; the CUDA version in nvidia-smi is what it supports"
            ),
            WontHelp("Setting CUDA_HOME alone", "a variable brings no nvcc"),
            WontHelp("pip install nvidia-cuda-nvcc-cu12", "that package holds ptxas and headers, no nvcc"),
        ),
        decide_by=(("nvcc", "--version"),),
    )

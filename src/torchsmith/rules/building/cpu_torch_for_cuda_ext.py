"""
# A CUDA extension is built against a torch without CUDA

## What it means
In a CPU build of torch the extension builder looks for no toolkit at all: it says that CUDA_HOME is not set, whatever
is set. Its headers and c10_cuda are missing too.

## How it is told
The complaint of CUDA_HOME beside a `+cpu` version, `torch.version.cuda` None, or a variable that is set; a missing
c10_cuda.

## What to do
Put a CUDA build of torch in place, of the toolkit's CUDA major, then build.

## What not to do
Setting CUDA_HOME once more, or reinstalling the toolkit.

## Sources
torch/utils/cpp_extension.py; reproduced with torch 2.13.0+cpu.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.knowledge.torch_builds import index_url
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import shown
from torchsmith.rules.common import reinstall


@told("cpu-torch-for-cuda-ext")
def answer(seen: Seen) -> Advice:
    """The torch to install where the facts tell it."""
    fitting = reinstall(seen.value("fitting_build"), "it has CUDA inside and fits the GPU and the driver")
    return Advice(
        "package:torch",
        "The extension needs CUDA, and the torch that it is built against has none; CUDA_HOME is then never looked at",
        remedies=fitting
        or (
            shown(
                "Install a CUDA build of torch first",
                "of the CUDA major that the toolkit has",
                ("pip", "install", "--force-reinstall", "--no-deps", "torch", "--index-url", index_url("cu128")),
            ),
        ),
        wont_help=(
            WontHelp("Setting CUDA_HOME", "a CPU build does not look at it"),
            WontHelp("Reinstalling the toolkit", "it is not what is missing"),
        ),
        decide_by=(("python", "-c", "import torch; print(torch.__version__, torch.version.cuda)"),),
    )

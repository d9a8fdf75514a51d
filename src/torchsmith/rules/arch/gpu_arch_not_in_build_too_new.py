"""
# The GPU is newer than this torch build

## What it means
torch's kernels are compiled for a list of GPU architectures. This GPU's compute capability is above all of them, and
there is no PTX that the driver could compile for it. `torch.cuda.is_available()` is True, then the first kernel fails
with "no kernel image is available for execution on the device".

## How it is told
The GPU code in libtorch_cuda is read and compared with each GPU's compute capability by NVIDIA's rules: SASS serves
the same major version from its minor on; PTX any newer GPU. Each kernel group is counted.

## What to do
Install a torch build that has code for the GPU; it is usually the same or a newer release from a newer CUDA index.

## What not to do
A newer driver or toolkit adds no code to torch. TORCH_CUDA_ARCH_LIST matters when compiling, not at run time.

## Sources
NVIDIA CUDA compatibility guide; the binaries themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.torch import FittingBuild, GpuCoverage, Torch
from torchsmith.model.finding import Finding, Remedy, Safety, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.arch.shared import RUN_TIME, build, gpu
from torchsmith.rules.common import uncovered


@rule("gpu-arch-not-in-build-too-new")
def check(torch: Torch, gpu_coverage: GpuCoverage, fitting_build: FittingBuild | Unknown | None) -> Iterator[Finding]:
    """One finding for each GPU above the code in torch."""
    wont_help = (
        WontHelp("Updating the driver or the CUDA toolkit", "the kernels are missing inside torch"),
        WontHelp("Setting TORCH_CUDA_ARCH_LIST", "it is read when torch or an extension is compiled, not at run time"),
    )
    for device in gpu_coverage.devices:
        if device.age == "newer":
            yield uncovered(device, torch, gpu_coverage, fitting_build, "is newer than every GPU that", wont_help)


@told("gpu-arch-not-in-build-too-new")
def answer(seen: Seen) -> Advice:
    """The GPU by its number, and a build that has it."""
    named = gpu(seen, "newer")
    return Advice(
        "package:torch",
        f"{named[0].upper()}{named[1:]} is newer than every GPU that the installed torch has code for",
        remedies=build(seen, "newer") or (_by_hand(),),
        wont_help=(
            WontHelp("Updating the driver or the CUDA toolkit", "the kernels are missing inside torch"),
            WontHelp("Setting TORCH_CUDA_ARCH_LIST", RUN_TIME),
        ),
        decide_by=(("python", "-c", "import torch; print(torch.__version__, torch.cuda.get_arch_list())"),),
    )


def _by_hand() -> Remedy:
    return Remedy("Install a newer torch, from the newest CUDA index that the driver can run", safety=Safety.DISPLAY_ONLY)

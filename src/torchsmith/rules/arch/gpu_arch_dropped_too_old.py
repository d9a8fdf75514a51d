"""
# The GPU is older than this torch build

## What it means
Newer builds of torch leave out older GPUs: the CUDA 13 builds begin at Turing (7.5), the CUDA 12.8 builds of most
releases at 7.0 or 7.5. On an older GPU the first kernel fails with "no kernel image is available".

## How it is told
As for a GPU that is too new: the GPU code in libtorch_cuda, counted against each GPU's compute capability. Here the
GPU is below all.

## What to do
Install the build of the same release made with an older CUDA (cu126 serves Maxwell, Pascal and Volta up to torch
2.14), or an older release. torch 2.15 and later have no build for these GPUs.

## What not to do
A newer torch, driver or toolkit moves further away from the GPU. PTX does not help: it only serves newer GPUs.

## Sources
NVIDIA CUDA compatibility guide; the binaries themselves; table of builds (`torchsmith facts gpu_archs_in_builds`).
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.torch import FittingBuild, GpuCoverage, Torch
from torchsmith.model.finding import Finding, Remedy, Safety, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.arch.shared import build, gpu
from torchsmith.rules.common import uncovered


@rule("gpu-arch-dropped-too-old")
def check(torch: Torch, gpu_coverage: GpuCoverage, fitting_build: FittingBuild | Unknown | None) -> Iterator[Finding]:
    """One finding for each GPU below the code in torch."""
    wont_help = (
        WontHelp("A newer torch or a newer CUDA build", "newer builds serve newer GPUs only"),
        WontHelp("A newer driver", "it adds no code for this GPU to torch"),
    )
    for device in gpu_coverage.devices:
        if device.age == "older":
            yield uncovered(device, torch, gpu_coverage, fitting_build, "is older than every GPU that", wont_help)


@told("gpu-arch-dropped-too-old")
def answer(seen: Seen) -> Advice:
    """The GPU by its number, and the newest build that still has it."""
    named = gpu(seen, "older")
    return Advice(
        "package:torch",
        f"{named[0].upper()}{named[1:]} is older than every GPU that the installed torch has code for",
        remedies=build(seen, "older")
        or (Remedy("Install the same torch built with an older CUDA (cu126)", safety=Safety.DISPLAY_ONLY),),
        wont_help=(
            WontHelp("A newer torch or a newer CUDA build", "newer builds serve newer GPUs only"),
            WontHelp("A newer driver or toolkit", "it adds no code for this GPU to torch"),
        ),
        decide_by=(("python", "-c", "import torch; print(torch.__version__, torch.cuda.get_arch_list())"),),
    )

"""
# torch's GPU code leaves this GPU out

## What it means
torch has code for older and for newer GPUs than this one, and none that this one runs. It happens to Jetson boards
(Orin is 8.7, which server code of 8.0 does not serve) and to builds made for a hand-picked list of architectures. The
first kernel fails with "no kernel image is available".

## How it is told
The GPU code in libtorch_cuda is compared with each GPU's compute capability. SASS serves its own major version from
its minor on, but code for server GPUs and code for Tegra are kept apart.

## What to do
Install a build that names this architecture: the published one shown here, or for a Jetson the wheel or container of
its JetPack.

## What not to do
A newer driver adds no code to torch. TORCH_CUDA_ARCH_LIST matters when compiling, not at run time.

## Sources
NVIDIA CUDA compatibility guide; torch/cuda/__init__.py (DEVICE_REQUIREMENT); the binaries themselves.
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


@rule("gpu-arch-not-in-build")
def check(torch: Torch, gpu_coverage: GpuCoverage, fitting_build: FittingBuild | Unknown | None) -> Iterator[Finding]:
    """One finding for each GPU in a gap of the code in torch."""
    wont_help = (WontHelp("A newer driver or CUDA toolkit", "it adds no code for this GPU to torch"),)
    for device in gpu_coverage.devices:
        if device.age == "between":
            yield uncovered(device, torch, gpu_coverage, fitting_build, "is in a gap of the list of GPUs that", wont_help)


@told("gpu-arch-not-in-build")
def answer(seen: Seen) -> Advice:
    """A build that names the architecture; for a Jetson its vendor's."""
    jetson = seen.has("jetson-named", "tegra-words")
    vendor = Remedy("On a Jetson, take the wheel or container for its JetPack", "NVIDIA builds them", Safety.DISPLAY_ONLY)
    return Advice(
        "package:torch",
        f"torch has code for older and newer GPUs, and none that {gpu(seen)} runs",
        remedies=(vendor,) if jetson else (*build(seen), vendor),
        wont_help=(
            WontHelp("A newer driver or CUDA toolkit", "it adds no code for this GPU to torch"),
            WontHelp("Setting TORCH_CUDA_ARCH_LIST", RUN_TIME),
        ),
        decide_by=(("python", "-c", "import torch; print(torch.cuda.get_device_capability(), torch.cuda.get_arch_list())"),),
    )

"""
# torch warns about this GPU, and runs on it

## What it means
torch 2.8 to 2.10 compare the GPU's compute capability with the lowest and the highest of their own list, and warn
about every GPU outside ("Minimum and Maximum cuda capability supported by this version of PyTorch"). The list has
12.0, a GB10 is 12.1: the warning appears, and the code for 12.0 runs on it all the same.

## How it is told
The GPU code in libtorch_cuda serves the GPU by NVIDIA's rules, the GPU is above the highest architecture of the
common kernels, and this release is one of those that warn.

## What to do
Nothing. From torch 2.11 on the comparison follows NVIDIA's rules and the warning is gone.

## What not to do
Compiling torch for the exact number, or looking for special wheels: nothing would run that does not run now.

## Sources
torch/cuda/__init__.py of the releases named; NVIDIA CUDA compatibility guide.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.torch import GpuCoverage, Torch
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.versions import at_least, compute_capability

WARNS_FROM, WARNS_BELOW = "2.8", "2.11"


@rule("benign-arch-warning")
def check(torch: Torch, gpu_coverage: GpuCoverage) -> Iterator[Finding]:
    """Said only where torch itself would warn."""
    if not at_least(torch.version, WARNS_FROM) or at_least(torch.version, WARNS_BELOW):
        return
    for device in gpu_coverage.devices:
        if device.how == "no" or device.sm <= device.newest:
            continue
        capability, newest = compute_capability(device.sm), compute_capability(device.newest)
        yield Finding(
            Severity.NOTE,
            f"gpu:{device.index}",
            f"torch {torch.version} warns that {device.name} ({capability}) is above {newest}, yet its code runs there",
            evidence=(Proof("gpu_coverage", f"{device.native + device.jit} of {device.total} kernel groups serve {capability}"),),
            wont_help=(WontHelp("Building torch for this compute capability", "the code for its family runs already"),),
        )


@told("benign-arch-warning")
def answer(seen: Seen) -> Advice:
    """Where torch's own words are all there is: the GPU of the family that it has code for."""
    gpus = seen.value("gpus")
    device = next(iter(gpus), None) if gpus else None
    name = f"{device.name} ({compute_capability(device.sm)})" if device and device.sm else "this GPU"
    most = seen.captured("most")
    return Advice(
        "gpu:0",
        f"torch warns that {name} is above {most or 'its highest compute capability'}, yet the code of that family runs on it",
        wont_help=(WontHelp("Building torch for this compute capability", "the code for its family runs already"),),
        decide_by=(("python", "-c", "import torch; print(torch.ones(8, device='cuda').sum())"),),
        severity=Severity.NOTE,
    )

"""
# There is no NVIDIA GPU

## What it means
A CUDA build of torch is installed, and this machine has no NVIDIA GPU. torch works on the CPU; `torch.cuda.is_available()` is False,
and the CUDA libraries only take up several gigabytes.

## How it is told
NVML, libcuda, nvidia-smi and the PCI bus were asked, and none of them shows one.

## What to do
Nothing, if the CPU is meant. A CPU build is smaller. In a virtual machine, container or job, ask for the GPU to be passed through.

## What not to do
Installing a driver or CUDA on a machine without the hardware.

## Sources
Wheel sizes: table of install sizes.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp


@rule("no-nvidia-gpu")
def check(machine: Machine, torch: Torch, gpus: Gpus) -> Iterator[Finding]:
    """A CUDA build where no witness shows an NVIDIA GPU."""
    if torch.kind != "cuda" or gpus or machine.wsl:
        return
    yield Finding(
        Severity.DEGRADED,
        "machine",
        f"torch {torch.version} is a CUDA build, and no NVIDIA GPU is to be seen on this machine",
        evidence=(Proof("torch", f"{torch.version}: CUDA {torch.cuda}"), Proof("gpus", "none")),
        remedies=(Remedy("Use the CPU, or run where a GPU is", "torch itself works here; a CPU build would be smaller"),),
        wont_help=(WontHelp("Installing a driver or a CUDA toolkit", "there is no hardware for them"),),
    )

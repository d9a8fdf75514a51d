"""
# More GPUs than CUDA in WSL can start

## What it means
With many GPUs in one machine cuInit in WSL ends in "out of memory" (status 2) before any program has used any memory: the way
from WSL to Windows' driver cannot take them all at once.

## How it is told
WSL 2, NVML lists several GPUs, and cuInit itself answers status 2.

## What to do
Show CUDA fewer GPUs (CUDA_VISIBLE_DEVICES), or use Linux itself on a machine with that many.

## What not to do
More memory, for WSL or in the GPU: none of it is used up.

## Sources
NVIDIA, CUDA on WSL user guide, known limitations; CUDA driver API, CUDA_ERROR_OUT_OF_MEMORY.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import NvidiaLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.container.shared import NO_GPU, weight

OUT_OF_MEMORY = 2
MANY = 7


@rule("wsl-driver-gpu-limit", explains=(*NO_GPU, "wsl-driver-not-visible", "cuda-does-not-start"), systems=("wsl",))
def check(machine: Machine, nvidia_libraries: NvidiaLibraries, torch: Torch | Unknown | None) -> Iterator[Finding]:
    """With few GPUs it is a guess, which one visible GPU decides."""
    count = len(nvidia_libraries.nvml.devices)
    if machine.wsl != 2 or nvidia_libraries.libcuda.status != OUT_OF_MEMORY or count < 2:
        return
    yield Finding(
        weight(torch),
        "driver",
        f"cuInit is out of memory with {count} GPUs: more than CUDA in WSL can start",
        evidence=(
            Proof("nvidia_libraries", f"cuInit status {OUT_OF_MEMORY}: {nvidia_libraries.libcuda.message}"),
            Proof("nvidia_libraries", f"NVML lists {count} GPUs"),
        ),
        remedies=(
            Remedy("Show CUDA fewer GPUs", "then add one after the other", actions=(SetVariable("CUDA_VISIBLE_DEVICES", "0"),)),
        ),
        wont_help=(WontHelp("More memory", "cuInit uses none of it"),),
        confidence=0.8 if count >= MANY else 0.5,
        decide_by=()
        if count >= MANY
        else (("env", "CUDA_VISIBLE_DEVICES=0", "python", "-c", "import torch; torch.cuda.init()"),),
    )


@told("wsl-driver-gpu-limit")
def answer(seen: Seen) -> Advice:
    """Out of memory before anything was allocated."""
    del seen
    return Advice(
        "driver",
        "CUDA is out of memory as it starts in WSL: the machine has more GPUs than it can start there",
        remedies=(
            Remedy("Show CUDA fewer GPUs", "then add one after the other", actions=(SetVariable("CUDA_VISIBLE_DEVICES", "0"),)),
            Remedy("Or run on Linux itself, where the number is not limited", safety=Safety.DISPLAY_ONLY),
        ),
        wont_help=(WontHelp("More memory", "cuInit uses none of it"),),
        decide_by=(("nvidia-smi", "-L"),),
    )

"""
# Several GPUs in WSL: NCCL cannot go from one to the other directly

## What it means
WSL gives GPUs no direct way to each other's memory. NCCL may try it all the same, and training or serving over several GPUs
then hangs or ends in an NCCL error, while each GPU works by itself.

## How it is told
WSL 2, a CUDA build of torch, two or more GPUs, and NCCL_P2P_DISABLE is not 1. This is a note: a program that uses one GPU is
not touched.

## What to do
Set NCCL_P2P_DISABLE=1 before programs that use several GPUs.

## What not to do
Looking for the fault in the driver or torch when each GPU works alone.

## Sources
NVIDIA, CUDA on WSL user guide, known limitations; NCCL documentation, environment variables; vllm issue 4411.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.rules.common import gpu_names

NAME = "NCCL_P2P_DISABLE"


@rule("nccl-wsl-multi-gpu", systems=("wsl",))
def check(machine: Machine, gpus: Gpus, torch: Torch, variables: Variables) -> Iterator[Finding]:
    """Said once, as a note."""
    if machine.wsl != 2 or len(gpus) < 2 or torch.kind != "cuda" or variables.get(NAME) == "1":
        return
    yield Finding(
        Severity.NOTE,
        "machine",
        f"programs that use several GPUs in WSL need {NAME}=1",
        evidence=(Proof("gpus", gpu_names(gpus)), Proof("variables", f"{NAME} is {variables.get(NAME) or 'not set'}")),
        remedies=(Remedy(f"Set {NAME}=1", "NCCL then copies through the host's memory", actions=(SetVariable(NAME, "1"),)),),
        confidence=0.8,
    )


@told("nccl-wsl-multi-gpu")
def answer(seen: Seen) -> Advice:
    """NCCL's direct copies between GPUs do not work in WSL."""
    del seen
    return Advice(
        "machine",
        "NCCL copies between GPUs directly, which does not work in WSL",
        remedies=(Remedy(f"Set {NAME}=1", "NCCL then copies through the host's memory", actions=(SetVariable(NAME, "1"),)),),
        wont_help=(WontHelp("Reinstalling torch or NCCL", "the limit is WSL's, not the library's"),),
        decide_by=(("env", f"{NAME}=1", "NCCL_DEBUG=INFO", "python", "TRAIN.py"),),
    )

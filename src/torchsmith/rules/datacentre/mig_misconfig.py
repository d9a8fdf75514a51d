"""
# MIG is on, and there is no instance to use

## What it means
With Multi-Instance GPU switched on, CUDA no longer uses the whole GPU but one of its instances. Until an administrator has
created GPU and compute instances, CUDA sees no device on that GPU, though nvidia-smi lists it.

## How it is told
NVML says that MIG is on and counts no MIG device on the GPU; or MIG is on and cuInit finds no device.

## What to do
Create instances (`nvidia-smi mig -cgi ... -C`) and select one with CUDA_VISIBLE_DEVICES=MIG-<uuid>, or switch MIG off.

## What not to do
Reinstalling torch or the driver.

## Sources
NVIDIA MIG user guide, device enumeration; PyTorch issues 107300 and 130181.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import WORKS, DriverState
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.common import gpu_name
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, stopped_at

NO_DEVICE = 100


@rule("mig-misconfig", explains=("no-nvidia-gpu", "cuda-does-not-start"))
def check(driver_state: DriverState | Unknown | None, gpus: Gpus) -> Iterator[Finding]:
    """A GPU with MIG on and nothing made of it; a machine whose other GPUs work is only the poorer by it."""
    state = driver_state if isinstance(driver_state, DriverState) else DriverState(WORKS)
    works = state.stage == WORKS
    for device in gpus:
        empty = device.mig_instances == 0
        hidden = device.mig_instances is None and not works and state.code == NO_DEVICE
        if not device.mig or not (empty or hidden):
            continue
        evidence = [Proof("gpus", f"GPU {device.index}: MIG is on" + (", no instance on it" if empty else ""))]
        if not works:
            evidence.append(stopped_at(state))
        yield Finding(
            Severity.DEGRADED if works else Severity.BLOCKER,
            f"gpu:{device.index}",
            f"MIG is on for {gpu_name(device)} (GPU {device.index}), and it has no instance that CUDA could use",
            evidence=tuple(evidence),
            remedies=(
                by_you(
                    "Create instances, then select one with CUDA_VISIBLE_DEVICES=MIG-<uuid>",
                    "`nvidia-smi mig -lgip` lists the profiles",
                    ("sudo", "nvidia-smi", "mig", "-i", str(device.index), "-lgip"),
                    ("nvidia-smi", "-L"),
                ),
                by_you("Or switch MIG off for this GPU", "", ("sudo", "nvidia-smi", "-i", str(device.index), "-mig", "0")),
            ),
            wont_help=(NOT_TORCH,),
            confidence=0.95 if empty else 0.8,
        )


@told("mig-misconfig")
def answer(seen: Seen) -> Advice:
    """MIG is named, and CUDA finds no instance that it could use."""
    del seen
    return Advice(
        "gpu",
        "MIG is on, and the program is given no instance that CUDA could use",
        remedies=(
            by_you("Name one instance with CUDA_VISIBLE_DEVICES=MIG-<uuid>", "the list shows the uuids", ("nvidia-smi", "-L")),
            by_you("Where there is none, create one", "", ("sudo", "nvidia-smi", "mig", "-lgip")),
            by_you("Or switch MIG off", "", ("sudo", "nvidia-smi", "-mig", "0")),
        ),
        wont_help=(
            WontHelp("Naming several instances", "a process can use one only"),
            NOT_TORCH,
        ),
        decide_by=(("nvidia-smi", "-L"),),
    )

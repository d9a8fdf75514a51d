"""
# One process uses one MIG instance

## What it means
CUDA shows a process a single MIG instance, however many there are: `torch.cuda.device_count()` is 1. That is how MIG works, not
a fault.

## How it is told
NVML lists several MIG instances, or CUDA_VISIBLE_DEVICES names several.

## What to do
Nothing. Start one process for each instance, each with its own CUDA_VISIBLE_DEVICES=MIG-<uuid>; or switch MIG off to have the
whole GPU.

## What not to do
Reinstalling anything.

## Sources
NVIDIA MIG user guide, "Device Enumeration"; PyTorch issue 102715.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule
from torchsmith.model.facts.driver import VisibleGpus
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.finding import Finding, Proof, Severity
from torchsmith.rules.driver.shared import by_you


@rule("mig-single-instance-limit")
def check(gpus: Gpus, visible_gpus: VisibleGpus) -> Iterator[Finding]:
    """More instances than one process can use."""
    uuids = [uuid for device in gpus for uuid in device.mig_uuids if uuid]
    count = sum(device.mig_instances or 0 for device in gpus if device.mig)
    if any(not device.mig for device in gpus) and visible_gpus.mig < 2:
        return
    if count < 2 and visible_gpus.mig < 2:
        return
    yield Finding(
        Severity.NOTE,
        "machine",
        f"a process sees one MIG instance, and there are {max(count, visible_gpus.mig)}: torch counts one device",
        evidence=(Proof("gpus", ", ".join(uuids[:8]) or f"{count} MIG instances"),),
        remedies=(by_you("Start one process for each instance, with CUDA_VISIBLE_DEVICES=MIG-<uuid>", "", ("nvidia-smi", "-L")),),
    )

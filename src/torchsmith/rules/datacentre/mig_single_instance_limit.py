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

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import VisibleGpus
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.python import Variables
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import by_you


@rule("mig-single-instance-limit")
def check(gpus: Gpus | Unknown, visible_gpus: VisibleGpus | Unknown, variables: Variables | Unknown) -> Iterator[Finding]:
    """More instances than one process can use: those that are there, or, where nobody listed any, those that are asked for."""
    if isinstance(gpus, Unknown):
        asked = (variables.get("CUDA_VISIBLE_DEVICES") or "") if isinstance(variables, Variables) else ""
        shown = sum(name.strip().startswith("MIG-") for name in asked.split(","))
        gpus = Gpus(())
    else:
        shown = visible_gpus.mig if isinstance(visible_gpus, VisibleGpus) else 0
    uuids = [uuid for device in gpus for uuid in device.mig_uuids if uuid]
    count = sum(device.mig_instances or 0 for device in gpus if device.mig)
    if any(not device.mig for device in gpus) and shown < 2:
        return
    if count < 2 and shown < 2:
        return
    yield Finding(
        Severity.NOTE,
        "machine",
        f"a process sees one MIG instance, and there are {max(count, shown)}: torch counts one device",
        evidence=(Proof("gpus" if count else "variables", ", ".join(uuids[:8]) or f"{max(count, shown)} MIG instances"),),
        remedies=(by_you("Start one process for each instance, with CUDA_VISIBLE_DEVICES=MIG-<uuid>", "", ("nvidia-smi", "-L")),),
    )


@told("mig-single-instance-limit")
def answer(seen: Seen) -> Advice:
    """Where the text complains of it and lists no instances."""
    del seen
    return Advice(
        "machine",
        "CUDA shows a process one MIG instance, however many there are: that is how MIG works, not a fault",
        remedies=(by_you("Start one process for each instance, with CUDA_VISIBLE_DEVICES=MIG-<uuid>", "", ("nvidia-smi", "-L")),),
        wont_help=(WontHelp("Reinstalling torch or the driver", "the limit is CUDA's own"),),
        decide_by=(("nvidia-smi", "-L"),),
        severity=Severity.NOTE,
    )

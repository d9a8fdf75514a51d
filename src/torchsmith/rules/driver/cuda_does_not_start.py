"""
# CUDA does not start

## What it means
libcuda is there and cuInit, or NVML, fails with an error that no more exact rule explains. No CUDA program works on this
machine now.

## How it is told
By the status of the call. Every more exact cause (a broken nvidia_uvm, missing permissions, fabric manager, a stub ...) takes
its place as soon as its own evidence is there.

## What to do
Read the kernel's log for NVRM lines, then reboot; if it stays, reinstall the driver by one method.

## What not to do
Reinstalling torch: any other CUDA program fails in the same way.

## Sources
CUDA driver API and NVML API reference, error codes (`torchsmith.knowledge.statuses`).
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import CUDA, NVML, DriverState
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.finding import Finding, Severity
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, REBOOT, by_you, stopped_at, the_gpus


@rule("cuda-does-not-start")
def check(driver_state: DriverState, gpus: Gpus | Unknown | None) -> Iterator[Finding]:
    """Say what fails; other rules say why."""
    if driver_state.stage not in {CUDA, NVML}:
        return
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"the driver is loaded, and CUDA does not start on {the_gpus(gpus)}: {driver_state.says}",
        evidence=(stopped_at(driver_state),),
        remedies=(by_you("Read what the kernel says", "", ("sudo", "dmesg")), REBOOT),
        wont_help=(NOT_TORCH,),
        confidence=0.6,
        decide_by=(("nvidia-smi", "-q"),),
    )


@told("cuda-does-not-start")
def answer(seen: Seen) -> Advice:
    """What fails, and where the reason stands."""
    said = seen.first("cuda-init-status", "cuda-init-number", "cuinit-call-failed", "cuda-init-warning")
    return Advice(
        "driver",
        "the driver is there, and CUDA does not start" + (f" (line {said.position.line} of the text)" if said else ""),
        remedies=(by_you("Read what the kernel says", "", ("sudo", "dmesg")), REBOOT),
        wont_help=(NOT_TORCH,),
        decide_by=(("nvidia-smi", "-q"),),
    )

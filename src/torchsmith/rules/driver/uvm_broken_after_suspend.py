"""
# nvidia_uvm no longer works, as after a suspend

## What it means
After the machine slept while a CUDA program was open, nvidia_uvm can stay in a broken state: nvidia-smi shows the GPU, every
CUDA program ends in "CUDA unknown error - this may be due to an incorrectly set up environment".

## How it is told
NVML works and cuInit answers 999, the nvidia_uvm module and its device file are there, and the kernel counts a suspend since
its start (/sys/power/suspend_stats) or logs one. Without that it is a guess, and marked as one.

## What to do
Reload the module, or reboot. To prevent it, enable nvidia-suspend.service and nvidia-resume.service and let the driver preserve
video memory (NVreg_PreserveVideoMemoryAllocations=1).

## What not to do
Setting CUDA_VISIBLE_DEVICES, as the error message suggests.

## Sources
NVIDIA driver README, "Configuring Power Management Support"; PyTorch issue 88639.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import CUDA, DeviceNodes, DriverFiles, DriverState, KernelLog
from torchsmith.model.facts.gpu import Gpus, KernelModule
from torchsmith.model.facts.machine import Machine
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, REBOOT, by_you, logged, stopped_at, the_gpus

UNKNOWN_ERROR = 999


@rule("uvm-broken-after-suspend", explains=("cuda-does-not-start",), systems=("linux",))
def check(
    machine: Machine,
    driver_state: DriverState,
    gpus: Gpus | Unknown | None,
    kernel_module: KernelModule | Unknown | None,
    device_nodes: DeviceNodes | Unknown | None,
    driver_files: DriverFiles | Unknown | None,
    kernel_log: KernelLog | Unknown | None,
) -> Iterator[Finding]:
    """999 from cuInit on a GPU that NVML shows."""
    if driver_state.stage != CUDA or driver_state.code != UNKNOWN_ERROR or machine.wsl:
        return
    module = kernel_module if isinstance(kernel_module, KernelModule) else None
    nodes = device_nodes if isinstance(device_nodes, DeviceNodes) else None
    missing = (module and module.loaded and not module.uvm) or (nodes and nodes.get("nvidiactl") and not nodes.get("nvidia-uvm"))
    if missing:
        return
    evidence = [stopped_at(driver_state)]
    count = driver_files.suspended if isinstance(driver_files, DriverFiles) else None
    slept = logged(kernel_log, "pm: suspend exit")
    if count:
        evidence.append(Proof("driver_files", f"suspended {count} times since it started"))
    if slept:
        evidence.append(Proof("kernel_log", slept))
    if module and module.uvm:
        evidence.append(Proof("kernel_module", "nvidia_uvm is loaded"))
    sure = bool(count or slept)
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"the driver shows {the_gpus(gpus)}, but CUDA cannot start (unknown error 999): nvidia_uvm "
        + ("is broken since the machine slept" if sure else "is likely in a broken state, as after a suspend"),
        evidence=tuple(evidence),
        remedies=(
            by_you(
                "Stop every CUDA program and reload the module",
                "",
                ("sudo", "rmmod", "nvidia_uvm"),
                ("sudo", "modprobe", "nvidia_uvm"),
            ),
            REBOOT,
        ),
        wont_help=(WontHelp("Setting CUDA_VISIBLE_DEVICES", "the GPU is not hidden: CUDA cannot start"), NOT_TORCH),
        confidence=0.85 if sure else 0.5,
        decide_by=() if sure else (("sudo", "dmesg"),),
    )


@told("uvm-broken-after-suspend")
def answer(seen: Seen) -> Advice:
    """CUDA fails although the GPU is shown; sleep is the usual reason."""
    slept = seen.has("after-suspend")
    return Advice(
        "driver",
        "CUDA cannot start on a GPU that the driver shows: nvidia_uvm is "
        + ("broken since the machine slept" if slept else "likely in a broken state, as after a suspend"),
        remedies=(
            by_you(
                "Stop every CUDA program and reload the module",
                "",
                ("sudo", "rmmod", "nvidia_uvm"),
                ("sudo", "modprobe", "nvidia_uvm"),
            ),
            REBOOT,
        ),
        wont_help=(WontHelp("Setting CUDA_VISIBLE_DEVICES", "the GPU is not hidden: CUDA cannot start"), NOT_TORCH),
        decide_by=(("sudo", "dmesg"),),
    )

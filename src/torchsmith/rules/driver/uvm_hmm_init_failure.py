"""
# CUDA cannot start because of HMM in nvidia_uvm

## What it means
Heterogeneous memory management lets the GPU use ordinary memory pages. On some new kernels with some GPUs, several Blackwell
cards above all, nvidia_uvm fails to set it up, and cuInit answers 3 (CUDA_ERROR_NOT_INITIALIZED), while nvidia-smi shows every
GPU.

## How it is told
NVML works and lists GPUs, cuInit answers 3, and nvidia_uvm is not known to be missing.

## What to do
Switch HMM off: `options nvidia_uvm uvm_disable_hmm=1` in /etc/modprobe.d, then reload the module or reboot. A newer driver may
cure it.

## What not to do
Reinstalling torch or CUDA.

## Sources
NVIDIA open-gpu-kernel-modules, uvm_disable_hmm; ollama issue 11593.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import CUDA, DriverState
from torchsmith.model.facts.gpu import Gpus, KernelModule
from torchsmith.model.facts.machine import Machine
from torchsmith.model.finding import Finding, Proof, Severity
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, needs_open_module, stopped_at, the_gpus

NOT_INITIALIZED = 3


@rule("uvm-hmm-init-failure", explains=("cuda-does-not-start",), systems=("linux",))
def check(
    machine: Machine, driver_state: DriverState, gpus: Gpus, kernel_module: KernelModule | Unknown | None
) -> Iterator[Finding]:
    """3 from cuInit on GPUs that NVML shows."""
    if driver_state.stage != CUDA or driver_state.code != NOT_INITIALIZED or machine.wsl or not gpus:
        return
    if isinstance(kernel_module, KernelModule) and kernel_module.loaded and not kernel_module.uvm:
        return
    likely = any(map(needs_open_module, gpus))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"the driver shows {the_gpus(gpus)}, but CUDA does not initialise (error 3): nvidia_uvm fails to set up HMM",
        evidence=(stopped_at(driver_state), Proof("gpus", the_gpus(gpus)), Proof("machine", f"kernel {machine.kernel}")),
        remedies=(
            by_you(
                "Switch HMM off and reload the module",
                "",
                ("sudo", "sh", "-c", "echo 'options nvidia_uvm uvm_disable_hmm=1' > /etc/modprobe.d/nvidia-uvm.conf"),
                ("sudo", "rmmod", "nvidia_uvm"),
                ("sudo", "modprobe", "nvidia_uvm"),
            ),
            by_you("Or update the driver"),
        ),
        wont_help=(NOT_TORCH,),
        confidence=0.8 if likely else 0.65,
    )


@told("uvm-hmm-init-failure")
def answer(seen: Seen) -> Advice:
    """Status 3 beside an nvidia-smi that works."""
    del seen
    return Advice(
        "driver",
        "CUDA does not initialise (error 3) on GPUs that the driver shows: nvidia_uvm fails to set up HMM",
        remedies=(
            by_you(
                "Switch HMM off and reload the module",
                "",
                ("sudo", "sh", "-c", "echo 'options nvidia_uvm uvm_disable_hmm=1' > /etc/modprobe.d/nvidia-uvm.conf"),
                ("sudo", "rmmod", "nvidia_uvm"),
                ("sudo", "modprobe", "nvidia_uvm"),
            ),
            by_you("Or update the driver"),
        ),
        wont_help=(NOT_TORCH,),
        decide_by=(("sudo", "dmesg"), ("nvidia-smi",)),
    )

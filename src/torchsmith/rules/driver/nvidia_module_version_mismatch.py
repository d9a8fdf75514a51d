"""
# The driver's kernel module and libraries have different versions

## What it means
The driver was updated, but the kernel still runs the old module: "Failed to initialize NVML: Driver/library version mismatch". No CUDA
program can start until both are the same.

## How it is told
NVML answers with status 18, or nvidia-smi says so itself; the kernel module's version is in /proc/driver/nvidia/version.

## What to do
Reboot; or stop what uses the GPU and reload the modules.

## What not to do
Reinstalling torch or CUDA changes neither of the two.

## Sources
NVML API reference, NVML_ERROR_LIB_RM_VERSION_MISMATCH.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule
from torchsmith.model.action import Command
from torchsmith.model.facts.gpu import KernelModule, NvidiaLibraries, NvidiaSmi
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown

LIB_RM_VERSION_MISMATCH = 18


@rule("nvidia-module-version-mismatch", explains=("no-nvidia-driver", "no-nvidia-gpu"), systems=("linux",))
def check(
    nvidia_libraries: NvidiaLibraries | Unknown, nvidia_smi: NvidiaSmi | Unknown | None, kernel_module: KernelModule | Unknown | None
) -> Iterator[Finding]:
    """NVML's own status, else nvidia-smi's own words."""
    evidence = []
    if isinstance(nvidia_libraries, NvidiaLibraries) and nvidia_libraries.nvml.status == LIB_RM_VERSION_MISMATCH:
        evidence.append(Proof("nvidia_libraries", f"NVML status {LIB_RM_VERSION_MISMATCH}: {nvidia_libraries.nvml.message}"))
    if isinstance(nvidia_smi, NvidiaSmi) and "version mismatch" in nvidia_smi.failure.lower():
        evidence.append(Proof("nvidia_smi", nvidia_smi.failure))
    if not evidence:
        return
    if isinstance(kernel_module, KernelModule) and kernel_module.version:
        evidence.append(Proof("kernel_module", kernel_module.version))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        "the NVIDIA kernel module and the driver's libraries have different versions: the driver was updated without a reboot",
        evidence=tuple(evidence),
        remedies=(
            Remedy("Reboot", "the kernel then loads the module that belongs to the libraries", Safety.DISPLAY_ONLY,
                   (Command(("sudo", "reboot")),)),
        ),
        wont_help=(WontHelp("Reinstalling torch or CUDA", "neither of the two versions changes by that"),),
    )

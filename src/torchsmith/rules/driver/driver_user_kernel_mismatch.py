"""
# Two NVIDIA drivers are installed over each other

## What it means
Libraries of one driver version are loaded, the kernel runs the module of another one, and a reboot does not change it, because
both are installed: NVIDIA's .run file and the distribution's packages, or a libcuda that an old driver left. CUDA says "system
has unsupported display driver / cuda driver combination" (803).

## How it is told
cuInit answers 803 while NVML works; or NVML sees a mismatch although libraries of the kernel module's own version are on disk
as well. The versions come from /proc/driver/nvidia/version and from the file names of libcuda and NVML. Inside a container the
image is the cause (`container-userspace-driver-mismatch`), with a cuda-compat folder in front `compat-lib-shadows-driver`.

## What to do
Remove every NVIDIA driver (`nvidia-uninstall` for the .run file, purge the packages), install one by one method, reboot.

## What not to do
Pointing LD_LIBRARY_PATH at one of them leaves the next program with the other.

## Sources
CUDA driver API, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH; NVIDIA driver README.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import MISMATCH, DriverFiles, DriverState
from torchsmith.model.facts.gpu import KernelModule, NvidiaLibraries
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, stopped_at

CUDA_MISMATCH = 803


@rule("driver-user-kernel-mismatch", explains=("nvidia-module-version-mismatch", "cuda-does-not-start"), systems=("linux",))
def check(
    driver_state: DriverState,
    nvidia_libraries: NvidiaLibraries | Unknown,
    kernel_module: KernelModule | Unknown | None,
    driver_files: DriverFiles | Unknown | None,
) -> Iterator[Finding]:
    """803 beside a content NVML, or libraries of two versions of which the kernel's is one."""
    if driver_state.stage != MISMATCH or not isinstance(nvidia_libraries, NvidiaLibraries) or nvidia_libraries.libcuda.compat:
        return
    kernel = kernel_module.version if isinstance(kernel_module, KernelModule) else None
    files = driver_files.libraries if isinstance(driver_files, DriverFiles) else ()
    nvml, cuda = nvidia_libraries.nvml, nvidia_libraries.libcuda
    both = bool(kernel and kernel in files and kernel not in {nvml.library, cuda.file_version})
    if driver_state.code != CUDA_MISMATCH and not both:
        return
    evidence = [stopped_at(driver_state)]
    if kernel:
        evidence.append(Proof("kernel_module", f"kernel module {kernel}"))
    loaded = [
        f"{name} {version}"
        for name, version in (("libcuda", cuda.file_version), ("NVML", nvml.library or nvml.driver))
        if version
    ]
    if loaded:
        evidence.append(Proof("nvidia_libraries", "loaded: " + ", ".join(loaded)))
    if len(files) > 1:
        evidence.append(Proof("driver_files", f"libraries on disk: {', '.join(files)}"))
    proved = both or bool(kernel and cuda.file_version and cuda.file_version != kernel)
    yield Finding(
        Severity.BLOCKER,
        "driver",
        "the loaded libcuda belongs to another NVIDIA driver than the kernel module: two drivers are installed over each other",
        evidence=tuple(evidence),
        remedies=(
            by_you("Remove every NVIDIA driver, install one by one method only, and reboot", "", ("sudo", "nvidia-uninstall")),
        ),
        wont_help=(
            WontHelp("Setting LD_LIBRARY_PATH to one of them", "programs started elsewhere still find the other"),
            NOT_TORCH,
        ),
        confidence=0.95 if proved else 0.7,
        decide_by=() if proved else (("cat", "/proc/driver/nvidia/version"), ("ldconfig", "-p")),
    )


@told("driver-user-kernel-mismatch")
def answer(seen: Seen) -> Advice:
    """CUDA met a driver library of another version than the module."""
    del seen
    return Advice(
        "driver",
        "the loaded libcuda belongs to another NVIDIA driver than the kernel module: two drivers may lie over each other",
        remedies=(
            by_you("First reboot: an update without one looks the same", "", ("sudo", "reboot")),
            by_you("Remove every NVIDIA driver, install one by one method only, and reboot", "", ("sudo", "nvidia-uninstall")),
        ),
        wont_help=(
            WontHelp("Setting LD_LIBRARY_PATH to one of them", "programs started elsewhere still find the other"),
            NOT_TORCH,
        ),
        decide_by=(("cat", "/proc/driver/nvidia/version"), ("ldconfig", "-p")),
    )

"""
# The driver's kernel module and libraries have different versions

## What it means
The driver was updated, but the kernel still runs the old module: "Failed to initialize NVML: Driver/library version mismatch".
No CUDA program can start until both are the same.

## How it is told
NVML answers with status 18, or nvidia-smi says so itself. The kernel module's version is in /proc/driver/nvidia/version, that
of the libraries in their file names and in NVML's own answer.

## What to do
Reboot; or stop what uses the GPU and reload the modules. To be spared at the next unattended update, hold the driver's
packages.

## What not to do
Reinstalling torch or CUDA changes neither of the two.

## Sources
NVML API reference, NVML_ERROR_LIB_RM_VERSION_MISMATCH.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import MISMATCH, DriverFiles, DriverState
from torchsmith.model.facts.gpu import KernelModule, NvidiaLibraries
from torchsmith.model.finding import Finding, Proof, Severity
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, REBOOT, by_you, stopped_at

LIB_RM_VERSION_MISMATCH = 18


@rule(
    "nvidia-module-version-mismatch",
    explains=("no-nvidia-driver", "no-nvidia-gpu", "driver-module-not-loaded", "cuda-does-not-start"),
    systems=("linux",),
)
def check(
    driver_state: DriverState,
    nvidia_libraries: NvidiaLibraries | Unknown,
    kernel_module: KernelModule | Unknown | None,
    driver_files: DriverFiles | Unknown | None,
) -> Iterator[Finding]:
    """NVML's own status, else nvidia-smi's own words; two installed drivers are another cause."""
    if driver_state.stage != MISMATCH or driver_state.code != LIB_RM_VERSION_MISMATCH:
        return
    kernel = kernel_module.version if isinstance(kernel_module, KernelModule) else None
    files = driver_files.libraries if isinstance(driver_files, DriverFiles) else ()
    library = nvidia_libraries.nvml.library if isinstance(nvidia_libraries, NvidiaLibraries) else None
    if kernel and kernel in files and library != kernel:
        return
    evidence = [stopped_at(driver_state)]
    if kernel:
        evidence.append(Proof("kernel_module", f"kernel module {kernel}"))
    if library:
        evidence.append(Proof("nvidia_libraries", f"libraries {library}"))
    versions = f" ({kernel} and {library})" if kernel and library and kernel != library else ""
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"the NVIDIA kernel module and the driver's libraries have different versions{versions}: "
        "the driver was updated without a reboot",
        evidence=tuple(evidence),
        remedies=(
            REBOOT,
            by_you(
                "Or stop every program that uses the GPU and reload the modules",
                "",
                ("sudo", "rmmod", "nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nvidia"),
                ("sudo", "modprobe", "nvidia"),
            ),
        ),
        wont_help=(NOT_TORCH,),
    )


@told("nvidia-module-version-mismatch")
def answer(seen: Seen) -> Advice:
    """NVML's words are enough."""
    host = seen.has("toolkit-host-mismatch")
    return Advice(
        "driver",
        f"the NVIDIA kernel module and the driver's libraries{' on the host' if host else ''} have different versions: "
        "the driver was updated without a reboot",
        remedies=(
            REBOOT,
            by_you(
                "Or stop every program that uses the GPU and reload the modules",
                "",
                ("sudo", "rmmod", "nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nvidia"),
                ("sudo", "modprobe", "nvidia"),
            ),
            by_you("Keep automatic updates from the driver's packages", "they cause it again", ("apt-mark", "showhold")),
        ),
        wont_help=(NOT_TORCH,),
        decide_by=(("cat", "/proc/driver/nvidia/version"),),
    )

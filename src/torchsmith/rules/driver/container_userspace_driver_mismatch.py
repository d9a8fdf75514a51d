"""
# The container image brings its own NVIDIA driver libraries

## What it means
In a container the kernel module is the host's, and the container runtime mounts the host's libraries of the same version. An
image in which somebody installed driver packages (libnvidia-compute, nvidia-driver, nvidia-utils) carries others, and the
loader finds those: "Driver/library version mismatch", or CUDA error 803, in the container only.

## How it is told
This process runs in a container, and the version in /proc/driver/nvidia/version, which is the host's, differs from the loaded
libraries'; or cuInit answers 803 there.

## What to do
Remove the driver packages from the image and start the container with the GPU, so that the host's libraries are mounted.

## What not to do
Reinstalling the host's driver, or installing another version in the image: it fits until the host's next update.

## Sources
NVIDIA container toolkit documentation; CUDA driver API, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Container
from torchsmith.model.facts.driver import MISMATCH, DriverState
from torchsmith.model.facts.gpu import KernelModule, NvidiaLibraries
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, stopped_at

CUDA_MISMATCH = 803


@rule(
    "container-userspace-driver-mismatch",
    explains=("nvidia-module-version-mismatch", "driver-user-kernel-mismatch", "no-nvidia-gpu", "cuda-does-not-start"),
    systems=("linux",),
)
def check(
    container: Container,
    driver_state: DriverState,
    nvidia_libraries: NvidiaLibraries | Unknown,
    kernel_module: KernelModule | Unknown | None,
) -> Iterator[Finding]:
    """The host's module and the image's libraries are of two versions."""
    if driver_state.stage != MISMATCH or not isinstance(nvidia_libraries, NvidiaLibraries) or nvidia_libraries.libcuda.compat:
        return
    kernel = kernel_module.version if isinstance(kernel_module, KernelModule) else None
    nvml, cuda = nvidia_libraries.nvml, nvidia_libraries.libcuda
    library = nvml.library or cuda.file_version
    differs = bool(kernel and library and kernel != library)
    if not differs and driver_state.code != CUDA_MISMATCH:
        return
    evidence = [stopped_at(driver_state), Proof("container", ", ".join(container.marks[:3]) or container.kind)]
    if kernel:
        evidence.append(Proof("kernel_module", f"kernel module {kernel}, the host's"))
    paths = " and ".join(path for path in (cuda.path, nvml.path) if path)
    if library or paths:
        evidence.append(Proof("nvidia_libraries", f"loaded: {paths}" + (f", version {library}" if library else "")))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        "the container's image carries NVIDIA driver libraries"
        + (
            f" {library}, and the host's kernel module is {kernel}"
            if differs
            else " that do not belong to the host's kernel module"
        ),
        evidence=tuple(evidence),
        remedies=(
            by_you("Remove the NVIDIA driver packages from the image, and start the container with the host's GPU (--gpus all)"),
        ),
        wont_help=(WontHelp("Reinstalling the host's driver", "the image still carries its own libraries"), NOT_TORCH),
        confidence=0.75 if differs else 0.7,
        # The same is seen where the host's driver was updated without a reboot; there nvidia-smi fails on the host too.
        decide_by=(("cat", "/proc/driver/nvidia/version"), ("grep", "nvidia", "/proc/self/mountinfo"), ("ldconfig", "-p")),
    )


@told("container-userspace-driver-mismatch")
def answer(seen: Seen) -> Advice:
    """The host's module, and driver libraries that lie in the image."""
    del seen
    return Advice(
        "driver",
        "the container's image carries NVIDIA driver libraries that do not belong to the host's kernel module",
        remedies=(
            by_you(
                "Remove the NVIDIA driver packages (libnvidia-*, nvidia-driver-*, libcuda1) from the image",
                "the container toolkit mounts the host's own libraries where the image holds none",
            ),
            by_you("Start the container with the host's GPU", "", ("docker", "run", "--gpus", "all", "IMAGE", "nvidia-smi")),
        ),
        wont_help=(
            WontHelp("Reinstalling the host's driver", "the image still carries its own libraries"),
            WontHelp("Installing a driver in the container", "that is what causes it"),
            NOT_TORCH,
        ),
        decide_by=(("cat", "/proc/driver/nvidia/version"), ("ldconfig", "-p")),
    )

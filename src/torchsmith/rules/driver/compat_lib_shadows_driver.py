"""
# A cuda-compat libcuda hides the driver's own

## What it means
A folder with NVIDIA's forward-compatibility library (/usr/local/cuda/compat and the like) stands before the driver's folder for
the loader. It is meant for a driver older than itself. With a newer driver it fails (803, 999 or 3), or holds CUDA down to its
own older version.

## How it is told
The file that was mapped as libcuda.so.1 lies in a folder named `compat`; its version is compared with the kernel module's and
NVML's. A compat library that is newer than the driver and works is as it should be.

## What to do
Take the folder out of LD_LIBRARY_PATH and out of /etc/ld.so.conf.d (then `sudo ldconfig`).

## What not to do
Changing torch: every CUDA program on this machine loads the same file.

## Sources
NVIDIA CUDA compatibility guide, forward compatibility; NVIDIA container toolkit notes on cuda-compat.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import SetVariable, UnsetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import CUDA, MISMATCH, WORKS, DriverState
from torchsmith.model.facts.gpu import KernelModule, NvidiaLibraries
from torchsmith.model.facts.python import Variables
from torchsmith.model.finding import Finding, Proof, Remedy, Severity
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, stopped_at

# What a compat library of the wrong age answers; another status has another cause, whichever libcuda gives it.
WRONG_AGE = frozenset({3, 803, 999})
NAME = "LD_LIBRARY_PATH"


@rule("compat-lib-shadows-driver", explains=("driver-user-kernel-mismatch", "driver-too-old-for-cuda", "cuda-does-not-start"))
def check(
    driver_state: DriverState,
    nvidia_libraries: NvidiaLibraries,
    kernel_module: KernelModule | Unknown | None,
    variables: Variables | Unknown,
) -> Iterator[Finding]:
    """The loaded libcuda is a compat one, and it fails or is older than the driver."""
    cuda, nvml = nvidia_libraries.libcuda, nvidia_libraries.nvml
    if not cuda.compat:
        return
    driver = (kernel_module.version if isinstance(kernel_module, KernelModule) else None) or nvml.driver
    older = bool(driver and cuda.file_version and not at_least(cuda.file_version, driver))
    fails = driver_state.stage in {CUDA, MISMATCH} and driver_state.code in WRONG_AGE
    if not (fails or (driver_state.stage == WORKS and older)):
        return
    folder = cuda.path.rpartition("/")[0]
    evidence = [Proof("nvidia_libraries", f"loaded: {cuda.path}" + (f", CUDA {cuda.cuda}" if cuda.cuda else ""))]
    if fails:
        evidence.insert(0, stopped_at(driver_state))
    if driver:
        evidence.append(
            Proof("kernel_module" if isinstance(kernel_module, KernelModule) else "nvidia_libraries", f"driver {driver}")
        )
    yield Finding(
        Severity.BLOCKER if fails else Severity.DEGRADED,
        "driver",
        f"libcuda is loaded from {folder}, a forward-compatibility folder, in place of the driver's"
        + ("" if fails else f", and holds CUDA down to {cuda.cuda}"),
        evidence=tuple(evidence),
        remedies=(
            _remedy(folder, variables),
            by_you("Or remove the cuda-compat package", "the driver's own libcuda then comes first"),
        ),
        wont_help=(NOT_TORCH,),
        confidence=0.95 if older else 0.8,
    )


def _remedy(folder: str, variables: Variables | Unknown) -> Remedy:
    """Take the folder out of the variable if it stands there, else out of the loader's configuration."""
    value = variables.get(NAME) if isinstance(variables, Variables) else None
    parts = (value or "").split(":")
    kept = [part for part in parts if part and "compat" not in part.rstrip("/").split("/")]
    if len(kept) == len([part for part in parts if part]):
        return by_you(f"Take {folder} out of /etc/ld.so.conf.d and renew the loader's cache", "", ("sudo", "ldconfig"))
    action = SetVariable(NAME, ":".join(kept)) if kept else UnsetVariable(NAME)
    return Remedy(f"Take {folder} out of {NAME}", "also where it is set: shell profile, module file, image", actions=(action,))


@told("compat-lib-shadows-driver")
def answer(seen: Seen) -> Advice:
    """A folder of compat libraries comes before the driver's own."""
    del seen
    return Advice(
        "driver",
        "libcuda is loaded from a forward-compatibility folder (cuda/compat), and does not fit the driver",
        remedies=(
            by_you("Take every folder named compat out of LD_LIBRARY_PATH", "in an image, where its ENV or entry script sets it"),
            by_you("Or take it out of /etc/ld.so.conf.d, and renew the loader's cache", "", ("sudo", "ldconfig")),
        ),
        wont_help=(NOT_TORCH,),
        decide_by=(("ldconfig", "-p"), ("env",)),
    )

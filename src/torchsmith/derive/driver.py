"""The NVIDIA driver as a whole: its version, the newest CUDA that it can run, and whether it works."""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.knowledge import drivers
from torchsmith.model import versions
from torchsmith.model.facts.gpu import Driver, KernelModule, NvidiaLibraries, NvidiaSmi
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown


@derivation
def driver(
    machine: Machine,
    nvidia_libraries: NvidiaLibraries | Unknown,
    nvidia_smi: NvidiaSmi | Unknown | None,
    kernel_module: KernelModule | Unknown | None,
) -> Fact[Driver | None]:
    """Known(None) where nothing of a driver is to be seen."""
    libraries = nvidia_libraries if isinstance(nvidia_libraries, NvidiaLibraries) else None
    smi = nvidia_smi if isinstance(nvidia_smi, NvidiaSmi) else None
    kernel = kernel_module.version if isinstance(kernel_module, KernelModule) else None
    version = (libraries.nvml.driver if libraries else None) or (smi.driver if smi else None) or kernel
    works = _works(libraries, smi)
    if version is None:
        for unsure in (nvidia_libraries, nvidia_smi):
            if isinstance(unsure, Unknown):
                return unsure
        if libraries and (libraries.nvml.unfinished or libraries.libcuda.unfinished):
            return Unknown(libraries.nvml.unfinished or libraries.libcuda.unfinished, ("NVML", "libcuda"))
        if libraries and libraries.libcuda.cuda and libraries.libcuda.status == 0:
            return Known(Driver("", kernel, libraries.libcuda.cuda, works), "libcuda")
        return Known(None, "no library, program or module of an NVIDIA driver")
    reported = (libraries.libcuda.cuda or libraries.nvml.cuda) if libraries else None
    return Known(Driver(version, kernel, runnable(version, machine.os == "windows", reported), works), _witness(libraries, smi))


def runnable(version: str, windows: bool, reported: str | None) -> str | None:
    """The driver CUDA version: what the branch is known for, or what the driver reports.

    A libcuda that reports more than its driver's branch is a cuda-compat library or none of this driver's; a rule of its own
    judges that, and the branch stands. A branch that the table does not know yet is believed.
    """
    branch = drivers.max_cuda(version, windows=windows)
    if branch is None or reported is None:
        return branch or reported
    return min(branch, reported, key=versions.key)


def _works(libraries: NvidiaLibraries | None, smi: NvidiaSmi | None) -> bool | None:
    if libraries is None:
        return None
    if libraries.libcuda.status is not None:
        return libraries.libcuda.status == 0
    if libraries.nvml.status is not None:
        return libraries.nvml.status == 0
    return None if smi is None else bool(smi.devices)


def _witness(libraries: NvidiaLibraries | None, smi: NvidiaSmi | None) -> str:
    if libraries and libraries.nvml.driver:
        return "NVML"
    return "nvidia-smi" if smi and smi.driver else "kernel module"

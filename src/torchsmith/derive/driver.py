"""The NVIDIA driver as a whole: its version, the newest CUDA that it can run, and whether it works."""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.model import versions
from torchsmith.model.facts.gpu import NVIDIA, Driver, KernelModule, NvidiaLibraries, NvidiaSmi, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

MISMATCH = 18  # the libraries are the driver that is installed, the kernel module the one that still runs


@derivation
def driver(
    machine: Machine,
    nvidia_libraries: NvidiaLibraries | Unknown,
    nvidia_smi: NvidiaSmi | Unknown | None,
    kernel_module: KernelModule | Unknown | None,
    pci_devices: PciDevices | Unknown,
) -> Fact[Driver | None]:
    """Known(None) where nothing of a driver is to be seen; its version where anything of it speaks, even if it hangs."""
    libraries = nvidia_libraries if isinstance(nvidia_libraries, NvidiaLibraries) else None
    smi = nvidia_smi if isinstance(nvidia_smi, NvidiaSmi) else None
    kernel = kernel_module.version if isinstance(kernel_module, KernelModule) else None
    version, witness = _version(libraries, smi, kernel, pci_devices)
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
    windows = machine.os == "windows" or machine.wsl is not None
    cuda = runnable(version, windows, reported)
    compat = bool(libraries and libraries.libcuda.compat and libraries.libcuda.status == 0 and reported)
    if compat and reported and (cuda is None or not versions.at_least(cuda, reported)):
        return Known(
            Driver(version, kernel, reported, works, compat=True),
            f"{witness}; {libraries.libcuda.path}" if libraries else witness,
        )
    return Known(Driver(version, kernel, cuda, works), witness)


def _version(
    libraries: NvidiaLibraries | None, smi: NvidiaSmi | None, kernel: str | None, pci: PciDevices | Unknown
) -> tuple[str | None, str]:
    """The driver's version and who told it, the running driver before files that only lie there."""
    registry = next((d.driver_version for d in pci.of(NVIDIA) if d.driver_version), None) if isinstance(pci, PciDevices) else None
    told = (
        (libraries.nvml.driver if libraries else None, "NVML"),
        (smi.driver if smi else None, "nvidia-smi"),
        (libraries.nvml.library if libraries and libraries.nvml.status == MISMATCH else None, "NVML's file"),
        (kernel, "kernel module"),
        (registry, "registry"),
        (
            libraries.libcuda.file_version
            if libraries and libraries.libcuda.status == 0 and not libraries.libcuda.compat
            else None,
            "libcuda's file",
        ),
    )
    return next(((version, witness) for version, witness in told if version), (None, ""))


def runnable(version: str, windows: bool, reported: str | None) -> str | None:
    """The driver CUDA version: what the branch is known for, or what the driver reports.

    A libcuda that reports more than its driver's branch is a cuda-compat library or none of this driver's; a rule of its own
    judges that, and the branch stands. A branch that the table does not know yet is believed.
    """
    from torchsmith.knowledge import drivers  # a machine without a driver spares the table

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

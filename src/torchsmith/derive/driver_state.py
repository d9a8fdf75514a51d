"""How far the driver comes: from the libraries' own statuses, nvidia-smi's words, the kernel module and the bus."""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.model.facts import driver as stages
from torchsmith.model.facts.driver import DriverState
from torchsmith.model.facts.gpu import NVIDIA, KernelModule, NvidiaLibraries, NvidiaSmi, Nvml, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

DRIVER_NOT_LOADED, VERSION_MISMATCH, NO_DEVICES_FOUND = 9, 18, 6
NVML_WORDS = ("failed to initialize nvml", "unable to determine the device handle", "gpu is lost", "reboot the system")
CUDA_DRIVER_MISMATCH, CUDA_NO_DEVICE = 803, 100


@derivation
def driver_state(
    machine: Machine,
    nvidia_libraries: NvidiaLibraries | Unknown,
    nvidia_smi: NvidiaSmi | Unknown | None,
    kernel_module: KernelModule | Unknown | None,
    pci_devices: PciDevices | Unknown,
) -> Fact[DriverState]:
    """Unknown where a library or nvidia-smi did not answer, with its reason: a driver that hangs is none that fails."""
    bus = bool(pci_devices.of(NVIDIA)) if isinstance(pci_devices, PciDevices) and machine.wsl is None else None
    if isinstance(nvidia_libraries, Unknown):
        return nvidia_libraries
    cuda, nvml = nvidia_libraries.libcuda, nvidia_libraries.nvml
    if nvml.loaded and nvml.status == VERSION_MISMATCH:
        return Known(_mismatch(nvml, bus), "NVML")
    if cuda.status == 0 and (cuda.devices or nvml.devices or not nvml.loaded):
        return Known(DriverState(stages.WORKS, 0, gpu_on_bus=bus), "cuInit")
    if nvml.unfinished or cuda.unfinished:
        return Unknown(nvml.unfinished or cuda.unfinished, ("NVML", "libcuda"))
    if isinstance(nvidia_smi, Unknown) and nvml.status != 0 and not cuda.loaded:
        return nvidia_smi
    smi = nvidia_smi if isinstance(nvidia_smi, NvidiaSmi) else None
    module = kernel_module if isinstance(kernel_module, KernelModule) else None
    found = _by_nvml(nvidia_libraries) or _by_smi(smi, nvidia_libraries) or _by_cuda(nvidia_libraries, smi, module)
    if found is None:
        seen = bus or bool(module and module.loaded)
        found = DriverState(stages.ABSENT if seen else stages.NONE, fact="pci_devices" if bus else "kernel_module")
    return Known(DriverState(found.stage, found.code, found.says, found.fact, bus), found.fact)


def _mismatch(nvml: Nvml, bus: bool | None) -> DriverState:
    """NVML's own word that module and libraries differ stands, whatever else still answers."""
    says = f"NVML status {VERSION_MISMATCH}: {nvml.message or 'Driver/library version mismatch'}"
    return DriverState(stages.MISMATCH, VERSION_MISMATCH, says, gpu_on_bus=bus)


def _by_nvml(libraries: NvidiaLibraries) -> DriverState | None:
    """Where NVML's own status says enough."""
    nvml, cuda = libraries.nvml, libraries.libcuda
    if not nvml.loaded or nvml.status is None:
        return None
    from torchsmith.knowledge import statuses

    says = f"NVML status {nvml.status}: {nvml.message or statuses.nvml_name(nvml.status)}"
    if nvml.status == DRIVER_NOT_LOADED:
        return DriverState(stages.MODULE, nvml.status, says)
    if nvml.status == VERSION_MISMATCH:
        return DriverState(stages.MISMATCH, nvml.status, says)
    if nvml.status != 0 and cuda.status != 0:
        return DriverState(stages.NVML, nvml.status, says)
    if nvml.status != 0:
        return DriverState(stages.WORKS, 0)
    if not cuda.loaded:
        return DriverState(stages.LIBCUDA, None, "; ".join(cuda.errors)[:300])
    if not nvml.devices and not nvml.failed and cuda.status in {CUDA_NO_DEVICE, 0, None}:
        return DriverState(stages.DEVICES, cuda.status, "NVML counts no GPU")
    return None


def _by_smi(smi: NvidiaSmi | None, libraries: NvidiaLibraries) -> DriverState | None:
    """nvidia-smi's own words, where NVML could not be asked."""
    if smi is None or (libraries.nvml.loaded and libraries.nvml.status is not None):
        return None
    said, lower = smi.failure, smi.failure.lower()
    if smi.devices:
        missing = not libraries.libcuda.loaded
        return DriverState(stages.LIBCUDA, None, "; ".join(libraries.libcuda.errors)[:300]) if missing else None
    if "version mismatch" in lower or smi.exit == VERSION_MISMATCH:
        return DriverState(stages.MISMATCH, smi.exit, said, "nvidia_smi")
    if "couldn't communicate" in lower or "driver not loaded" in lower or smi.exit == DRIVER_NOT_LOADED:
        return DriverState(stages.MODULE, smi.exit, said, "nvidia_smi")
    if "no devices were found" in lower or (smi.exit == NO_DEVICES_FOUND and not said):
        return DriverState(stages.DEVICES, smi.exit, said, "nvidia_smi")
    nvml_speaks = any(words in lower for words in NVML_WORDS)
    return DriverState(stages.NVML, smi.exit, said, "nvidia_smi") if nvml_speaks and not libraries.libcuda.loaded else None


def _by_cuda(libraries: NvidiaLibraries, smi: NvidiaSmi | None, module: KernelModule | None) -> DriverState | None:
    """Read the status of cuInit, where the libraries that speak of the machine are content or absent."""
    cuda = libraries.libcuda
    if not cuda.loaded:
        return None
    if cuda.status is None:
        return DriverState(stages.CUDA, None, "libcuda has no cuInit")
    from torchsmith.knowledge import statuses

    says = f"cuInit status {cuda.status}: {cuda.message or statuses.cuda_name(cuda.status)}"
    answered = libraries.nvml.status == 0 or bool(smi and smi.devices)
    if cuda.status == CUDA_DRIVER_MISMATCH:
        return DriverState(stages.MISMATCH, cuda.status, says)
    if cuda.status in {CUDA_NO_DEVICE, 0} and not answered:
        stopped = module is not None and not module.loaded
        return DriverState(stages.MODULE if stopped else stages.DEVICES, cuda.status, says)
    return DriverState(stages.CUDA, cuda.status, says)

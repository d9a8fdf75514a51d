"""Which NVIDIA GPUs the machine has, from the best witness that speaks."""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.knowledge import gpus as table
from torchsmith.model.facts.gpu import NVIDIA, Device, Gpus, Libcuda, NvidiaLibraries, NvidiaSmi, Nvml, PciDevices
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import replace


@derivation
def gpus(
    nvidia_libraries: NvidiaLibraries | Unknown, nvidia_smi: NvidiaSmi | Unknown | None, pci_devices: PciDevices | Unknown
) -> Fact[Gpus]:
    """NVML before libcuda, before nvidia-smi, before PCI ids: so that a GPU with a broken driver is still seen."""
    nvml = nvidia_libraries.nvml if isinstance(nvidia_libraries, NvidiaLibraries) else Nvml(loaded=False)
    cuda = nvidia_libraries.libcuda if isinstance(nvidia_libraries, NvidiaLibraries) else Libcuda(loaded=False)
    smi = nvidia_smi.devices if isinstance(nvidia_smi, NvidiaSmi) else ()
    pci = pci_devices.of(NVIDIA) if isinstance(pci_devices, PciDevices) else ()
    on_bus = tuple(Device(index, pci=d.address, pci_device=d.device) for index, d in enumerate(pci))
    for witness, devices in (("NVML", nvml.devices), ("libcuda", cuda.devices), ("nvidia-smi", smi), ("PCI ids", on_bus)):
        if devices:
            return Known(Gpus(tuple(complete(device) for device in devices), witness), witness)
    for unsure in (nvidia_libraries, nvidia_smi, pci_devices):
        if isinstance(unsure, Unknown) and unsure.reason.startswith(("slow", "not asked")):
            return unsure
    if nvml.unfinished or cuda.unfinished:
        return Unknown(nvml.unfinished or cuda.unfinished, ("NVML", "libcuda"))
    return Known(Gpus(()), "NVML, libcuda, nvidia-smi and PCI ids show none")


def complete(device: Device) -> Device:
    """The device with name and compute capability from the tables where its witness did not say them."""
    row = (table.by_pci(device.pci_device) if device.pci_device else None) or (table.by_name(device.name) if device.name else None)
    if row is None:
        return device
    return replace(device, name=device.name or row.name, sm=device.sm or row.sm)

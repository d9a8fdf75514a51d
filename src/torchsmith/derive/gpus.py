"""Which NVIDIA GPUs the machine has, from the best witness that speaks."""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.model.facts.gpu import NVIDIA, Device, Gpus, KernelModule, Libcuda, NvidiaLibraries, NvidiaSmi, Nvml, PciDevices
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import replace

NOT_LOADED = 9  # says nothing of GPUs, but then the bus does


@derivation
def gpus(
    nvidia_libraries: NvidiaLibraries | Unknown,
    nvidia_smi: NvidiaSmi | Unknown | None,
    kernel_module: KernelModule | Unknown | None,
    pci_devices: PciDevices | Unknown,
) -> Fact[Gpus]:
    """NVML before libcuda, nvidia-smi, /proc and PCI ids: so that a GPU with a broken driver is still seen.

    Unknown where no witness shows a GPU and one of them was silent: a driver that fails is no proof of a missing GPU.
    """
    nvml = nvidia_libraries.nvml if isinstance(nvidia_libraries, NvidiaLibraries) else Nvml(loaded=False)
    cuda = nvidia_libraries.libcuda if isinstance(nvidia_libraries, NvidiaLibraries) else Libcuda(loaded=False)
    smi = nvidia_smi.devices if isinstance(nvidia_smi, NvidiaSmi) else ()
    proc = kernel_module.gpus if isinstance(kernel_module, KernelModule) else ()
    pci = pci_devices.of(NVIDIA) if isinstance(pci_devices, PciDevices) else ()
    in_proc = tuple(Device(i, gpu.model or None, pci=gpu.address, uuid=gpu.uuid or None) for i, gpu in enumerate(proc))
    on_bus = tuple(Device(index, d.name or None, pci=d.address, pci_device=d.device) for index, d in enumerate(pci))
    for witness, devices in (
        ("NVML", nvml.devices),
        ("libcuda", cuda.devices),
        ("nvidia-smi", smi),
        ("/proc/driver/nvidia", in_proc if len(in_proc) >= len(on_bus) else ()),
        ("PCI ids", on_bus),
    ):
        if devices:
            return Known(Gpus(tuple(complete(with_pci(device, on_bus)) for device in devices), witness), witness)
    for unsure in (nvidia_libraries, nvidia_smi, pci_devices):
        if isinstance(unsure, Unknown) and unsure.reason.startswith(("slow", "not asked")):
            return unsure
    if nvml.unfinished or cuda.unfinished:
        return Unknown(nvml.unfinished or cuda.unfinished, ("NVML", "libcuda"))
    if nvml.loaded and nvml.status not in {0, None, NOT_LOADED}:
        return Unknown(f"the driver does not say: NVML status {nvml.status}", ("NVML", "PCI"))
    return Known(Gpus(()), "NVML, libcuda, nvidia-smi, /proc and PCI ids show none")


def with_pci(device: Device, on_bus: tuple[Device, ...]) -> Device:
    """The device with the PCI id that the bus shows at its address, where its witness did not say it."""
    if device.pci_device is not None or not device.pci:
        return device
    address = short_address(device.pci)
    return next((replace(device, pci_device=d.pci_device) for d in on_bus if short_address(d.pci or "") == address), device)


def short_address(address: str) -> str:
    """``0000:01:00.0`` of NVML's ``00000000:01:00.0``, in the spelling of sysfs."""
    domain, _, rest = address.lower().partition(":")
    return f"{domain[-4:]}:{rest}"


def complete(device: Device) -> Device:
    """The device with name and compute capability from the tables where its witness did not say them."""
    from torchsmith.knowledge import gpus as table

    row = (table.by_pci(device.pci_device) if device.pci_device else None) or (
        table.by_name(device.name) if device.name else None
    )
    if row is None:
        return device
    return replace(device, name=device.name or row.name, sm=device.sm or row.sm)

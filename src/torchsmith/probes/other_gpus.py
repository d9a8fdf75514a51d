"""GPUs that are not NVIDIA's, by name."""

from __future__ import annotations

from torchsmith.engine.declare import detail
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.gpu import NVIDIA, PciDevices
from torchsmith.model.facts.hardware import OtherGpu, OtherGpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.probes.pci import BUS

MAKERS = {0x1002: "AMD", 0x8086: "Intel", 0x106B: "Apple", 0x1A03: "ASPEED", 0x15AD: "VMware", 0x1414: "Microsoft"}


@detail
def other_gpus(host: Host, machine: Machine, pci_devices: PciDevices) -> Fact[OtherGpus]:
    """What the bus shows, named by the system's list of PCI ids; Windows names them in the registry itself."""
    if machine.os == "macos":
        return _apple(host, machine)
    others = [device for device in pci_devices.gpus if device.vendor != NVIDIA]
    if not others:
        return Known(OtherGpus(()), "PCI")
    ids = [f"{device.vendor:04x}:{device.device:04x}" for device in others]
    asked = host.pci_names(*dict.fromkeys(ids)) if machine.os == "linux" else None
    names = asked.value if isinstance(asked, Known) else {}
    found = []
    for device, given in zip(others, ids, strict=True):
        maker, name = names.get(given, ["", ""])
        memory = (
            text_of(host.read(f"{BUS}/{device.address}/mem_info_vram_total", 32)).strip() if device.driver == "amdgpu" else ""
        )
        found.append(
            OtherGpu(
                maker=MAKERS.get(device.vendor) or maker or f"maker {given[:4]}",
                name=device.name or name or f"device {given[5:]}",
                address=device.address,
                driver=device.driver,
                memory=int(memory) if memory.isdecimal() else None,
            )
        )
    return Known(OtherGpus(tuple(found)), "PCI, pci.ids" if names else "PCI")


def _apple(host: Host, machine: Machine) -> Fact[OtherGpus]:
    """An Apple chip is its own GPU; what an Intel Mac has, only a program tells that takes seconds."""
    if machine.arch != "aarch64":
        return Unknown("not asked: system_profiler takes seconds", ("system_profiler SPDisplaysDataType",))
    answer = host.run("sysctl", "-n", "machdep.cpu.brand_string")
    if isinstance(answer, Unknown):
        return answer
    return Known(OtherGpus((OtherGpu("Apple", answer.value.out.strip()),)), answer.source)

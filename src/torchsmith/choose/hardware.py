"""The GPUs of a situation: their names in a sentence, and which of them some build of torch would use."""

from __future__ import annotations

from torchsmith.choose import coverage
from torchsmith.knowledge import accelerators
from torchsmith.model.facts.gpu import AMD, INTEL, PciDevices
from torchsmith.model.known import Unknown
from torchsmith.model.versions import compute_capability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchsmith.choose.situation import Situation
    from torchsmith.model.facts.gpu import Device, PciDevice

VENDORS = {"rocm": AMD, "xpu": INTEL}
MAKERS = {"rocm": "AMD", "xpu": "Intel"}


def named(device: Device) -> str:
    """``GeForce RTX 5070 Ti (12.0)``."""
    number = compute_capability(device.sm) if device.sm else ""
    name = device.name or "NVIDIA GPU"
    return f"{name} ({number})" if number and number not in name.split() else name


def several(devices: Iterable[Device]) -> str:
    """The distinct ones in a sentence, in their order."""
    return joined(named(device) for device in devices)


def joined(words: Iterable[str], last: str = "and") -> str:
    """``A, B and C``, each once."""
    distinct = list(dict.fromkeys(words))
    return f" {last} ".join(part for part in (", ".join(distinct[:-1]), distinct[-1]) if part) if distinct else ""


def devices(situation: Situation) -> tuple[Device, ...]:
    """NVIDIA's GPUs; none where nobody could look."""
    return () if isinstance(situation.gpus, Unknown) else situation.gpus.devices


def capabilities(situation: Situation) -> tuple[int, ...]:
    """The compute capabilities that are known, ascending, each once."""
    return tuple(sorted({device.sm for device in devices(situation) if device.sm}))


def others(situation: Situation, kind: str) -> tuple[PciDevice, ...] | Unknown:
    """GPUs of the maker that a build of this kind (rocm, xpu) is for, with or without support."""
    bus = situation.fact("pci_devices")
    return bus.of(VENDORS[kind]) if isinstance(bus, PciDevices) else Unknown("nobody could look at the PCI bus")


def other_name(device: PciDevice) -> str:
    """Its name, or that of its family."""
    return device.name or accelerators.usable(device.vendor, device.device).partition(":")[0] or f"GPU {device.device:04x}"


def idle(situation: Situation) -> tuple[str, ...]:
    """The GPUs that a CPU build would leave idle: those that a build for this system serves, or may serve."""
    machine = situation.machine
    if machine.os == "macos":
        return ()
    platform = machine.platform
    found = [named(device) for device in devices(situation) if device.sm is None or coverage.ever(device.sm, platform)]
    for kind in VENDORS:
        there = others(situation, kind)
        if isinstance(there, Unknown) or not coverage.has_kind(kind, platform):
            continue
        found += [other_name(device) for device in there if accelerators.usable(device.vendor, device.device)]
    return tuple(dict.fromkeys(found))

"""GPUs on the PCI bus, as the kernel lists them: seen even where no driver works."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.gpu import NVIDIA, PciDevice, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

BUS = "/sys/bus/pci/devices"
_DISPLAY, _BRIDGE_OTHER = 0x03, 0x0680


@probe
def pci_devices(host: Host, machine: Machine) -> Fact[PciDevices]:
    """Read class, vendor and device of every PCI device; keep the display and 3D controllers."""
    if machine.os != "linux":
        return _windows(host) if machine.os == "windows" else Known(PciDevices(()), "no PCI listing on this system")
    names = host.names(BUS)
    if isinstance(names, Unknown):
        return names
    gpus, switches = [], 0
    for address in names.value:
        folder = f"{BUS}/{address}"
        kind = number(text_of(host.read(f"{folder}/class", 32)))
        if kind is None or kind >> 16 not in (_DISPLAY, _BRIDGE_OTHER >> 8):
            continue
        vendor = number(text_of(host.read(f"{folder}/vendor", 32)))
        if vendor is None:
            continue
        if kind >> 16 != _DISPLAY:
            switches += vendor == NVIDIA and kind >> 8 == _BRIDGE_OTHER
            continue
        device = number(text_of(host.read(f"{folder}/device", 32)))
        bound = host.real(f"{folder}/driver")
        driver = bound.value.rpartition("/")[2] if isinstance(bound, Known) else ""
        subsystem = number(text_of(host.read(f"{folder}/subsystem_vendor", 32)))
        gpus.append(PciDevice(address, vendor, device or 0, driver, subsystem))
    return Known(PciDevices(tuple(gpus), switches), BUS)


def number(text: str) -> int | None:
    """The number that a sysfs file holds (``0x10de``); None for anything else."""
    try:
        return int(text.strip(), 16)
    except ValueError:
        return None


DISPLAY_CLASS = r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"


def _windows(host: Host) -> Fact[PciDevices]:
    r"""Display adapters from the registry: ``MatchingDeviceId`` holds ``pci\ven_10de&dev_2c05``."""
    keys = host.registry(DISPLAY_CLASS)
    if isinstance(keys, Unknown):
        return keys
    found = []
    for key in keys.value:
        if not str(key).isdigit():
            continue
        answer = host.registry(f"{DISPLAY_CLASS}\\{key}", "MatchingDeviceId")
        ids = windows_ids(str(answer.value)) if isinstance(answer, Known) else None
        if not ids:
            continue
        name, version = (_registry_text(host, str(key), value) for value in ("DriverDesc", "DriverVersion"))
        driver = windows_driver(version) if ids[0] == NVIDIA else None
        found.append(PciDevice(str(key), *ids, name=name, driver_version=driver or ""))
    return Known(PciDevices(tuple(found)), DISPLAY_CLASS)


def _registry_text(host: Host, key: str, name: str) -> str:
    answer = host.registry(f"{DISPLAY_CLASS}\\{key}", name)
    return str(answer.value) if isinstance(answer, Known) else ""


def windows_driver(version: str) -> str | None:
    """NVIDIA's number of a Windows driver: the last five digits of ``32.0.15.8157`` are ``581.57``."""
    parts = version.split(".")
    if len(parts) != 4 or not all(part.isdigit() for part in parts):
        return None
    digits = (parts[2] + parts[3].zfill(4))[-5:]
    return f"{int(digits[:3])}.{digits[3:]}" if len(digits) == 5 and digits[0] != "0" else None


def windows_ids(matching: str) -> tuple[int, int] | None:
    """Vendor and device of a ``MatchingDeviceId``; None for one that is not PCI."""
    parts = dict(part.partition("_")[::2] for part in matching.lower().rpartition("\\")[2].split("&"))
    try:
        return int(parts["ven"], 16), int(parts["dev"], 16)
    except (KeyError, ValueError):
        return None

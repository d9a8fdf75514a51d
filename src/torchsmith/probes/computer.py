"""What the machine calls itself, and whether its firmware demands signed code."""

from __future__ import annotations

from torchsmith.engine.declare import detail
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.hardware import Computer
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.probes.driver_files import FIRMWARE, SECURE_BOOT, secure_boot

DMI, TREE = "/sys/class/dmi/id", "/proc/device-tree/model"
BIOS = r"HKLM\HARDWARE\DESCRIPTION\System\BIOS"
STATE = r"HKLM\SYSTEM\CurrentControlSet\Control\SecureBoot\State"


@detail
def computer(host: Host, machine: Machine) -> Fact[Computer]:
    """DMI or the device tree; the registry on Windows, sysctl on macOS. Serial numbers are not asked for."""
    if machine.os == "windows":
        maker, product = (_value(host, BIOS, name) for name in ("SystemManufacturer", "SystemProductName"))
        state = host.registry(STATE, "UEFISecureBootEnabled")
        return Known(Computer(maker, product, bool(state.value) if isinstance(state, Known) else None), BIOS)
    if machine.os == "macos":
        answer = host.run("sysctl", "-n", "hw.model")
        return Known(Computer("Apple", answer.value.out.strip()), answer.source) if isinstance(answer, Known) else answer
    named = host.read(f"{DMI}/product_name", 256)
    maker = text_of(host.read(f"{DMI}/sys_vendor", 256)).strip()
    product = text_of(named if isinstance(named, Known) else host.read(TREE, 256)).strip("\0 \n")
    efi = host.exists(FIRMWARE)
    if isinstance(named, Unknown) and not (maker or product or efi):
        return named
    # A container and WSL show no firmware of their own, and that says nothing of the machine's.
    hidden = machine.wsl is not None or host.exists("/.dockerenv")
    signed = None if hidden else secure_boot(text_of(host.read(SECURE_BOOT, 16)), efi)
    return Known(Computer(maker, product, signed), f"{DMI}, efivars")


def _value(host: Host, key: str, name: str) -> str:
    answer = host.registry(key, name)
    return str(answer.value).strip() if isinstance(answer, Known) else ""

"""What disk and firmware say of a driver that does not work: read only where one does not."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.driver import NONE, WORKS, DriverFiles, DriverState
from torchsmith.model.facts.gpu import file_version
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MODULES, SOURCES, DKMS = "/lib/modules", "/usr/src", "/var/lib/dkms/nvidia"
MODPROBE = ("/etc/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d", "/run/modprobe.d")
LIBRARIES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/nvidia/lib64")
PRIME, BBSWITCH = "/etc/prime-discrete", "/proc/acpi/bbswitch"
REMOVING_RULES = ("/etc/udev/rules.d/50-remove-nvidia.rules", "/lib/udev/rules.d/50-remove-nvidia.rules")
SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
FIRMWARE, SUSPENDS = "/sys/firmware/efi", "/sys/power/suspend_stats/success"
MODULE_FILE = pattern(r"(?m)^(\S*/nvidia(?:-current)?\.ko(?:\.\w+)?):")
MOST_KERNELS = 12
MODULES_DEP_LIMIT = 8 << 20


@probe
def driver_files(host: Host, machine: Machine, driver_state: DriverState) -> Fact[DriverFiles | None]:
    """Look at the module's file, modprobe's configuration, the firmware's Secure Boot and the driver's libraries."""
    if machine.os != "linux" or machine.wsl:
        return Known(None, "only Linux has these files")
    if driver_state.stage in {NONE, WORKS}:
        return Known(None, "not asked: no driver fails here")
    kernels = host.names(MODULES)
    named = kernels.value if isinstance(kernels, Known) else []
    here = f"{MODULES}/{machine.kernel}/modules.dep"
    listed = host.read(here, MODULES_DEP_LIMIT)
    others = [name for name in named if name != machine.kernel][-MOST_KERNELS:]
    having = [name for name in others if module_file(text_of(host.read(f"{MODULES}/{name}/modules.dep", MODULES_DEP_LIMIT)))]
    found = DriverFiles(
        module=module_file(text_of(listed)),
        other_kernels=tuple(having),
        module_known=isinstance(listed, Known),
        sources=_sources(host),
        libraries=_libraries(host),
        blocked=_blocked(host),
        prime=_prime(host),
        secure_boot=secure_boot(text_of(host.read(SECURE_BOOT, 16)), host.exists(FIRMWARE)),
        suspended=int(count) if (count := text_of(host.read(SUSPENDS, 16)).strip()).isdigit() else None,
    )
    return Known(found, f"{MODULES}, modprobe.d, efivars")


def module_file(modules_dep: str) -> str:
    """The nvidia module that a kernel's ``modules.dep`` lists; empty if none."""
    found = MODULE_FILE.search(modules_dep)
    return found[1] if found else ""


def blacklists(text: str) -> bool:
    """Whether modprobe configuration keeps the nvidia module from being loaded."""
    return bool(
        re.search(
            r"(?m)^\s*(?:blacklist\s+nvidia\s*$|(?:alias\s+nvidia\s+off|install\s+nvidia\s+/(?:usr/)?bin/(?:false|true)))", text
        )
    )


def secure_boot(variable: str, efi: bool) -> bool | None:
    """Four bytes of attributes, then 1 or 0; a machine that did not start by EFI has none."""
    if len(variable) < 5:
        return None if efi else False
    return variable[4] == "\x01"


def versions(names: Iterable[str]) -> tuple[str, ...]:
    """Driver versions in the names of libcuda and NVML files, each once."""
    wanted = (name for name in names if name.startswith(("libcuda.so.", "libnvidia-ml.so.")))
    return tuple(dict.fromkeys(version for name in wanted if (version := file_version(name))))


def _sources(host: Host) -> tuple[str, ...]:
    sources, dkms = host.names(SOURCES), host.names(DKMS)
    named = [name.removeprefix("nvidia-") for name in sources.value] if isinstance(sources, Known) else []
    named += dkms.value if isinstance(dkms, Known) else []
    return tuple(dict.fromkeys(name for name in named if re.fullmatch(r"(?:open-|current-)?\d{3}\.\d+(?:\.\d+)?", name)))


def _libraries(host: Host) -> tuple[str, ...]:
    names = [name for folder in LIBRARIES if isinstance(listed := host.names(folder), Known) for name in listed.value]
    return versions(names)


def _blocked(host: Host) -> tuple[str, ...]:
    listed = ((folder, host.names(folder)) for folder in MODPROBE)
    paths = [f"{folder}/{name}" for folder, names in listed if isinstance(names, Known) for name in names.value]
    return tuple(path for path in paths if path.endswith(".conf") and blacklists(text_of(host.read(path, 1 << 16))))


def _prime(host: Host) -> str:
    """What switches the discrete GPU off, in words; empty if nothing does."""
    if text_of(host.read(PRIME, 64)).strip() == "off":
        return f"{PRIME}: off"
    if text_of(host.read(BBSWITCH, 128)).strip().endswith("OFF"):
        return f"{BBSWITCH}: OFF"
    return next((f"{path} removes the GPU from the bus" for path in REMOVING_RULES if host.exists(path)), "")

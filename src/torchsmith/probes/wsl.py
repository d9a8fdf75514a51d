"""WSL's own way to the driver: /dev/dxg and the libraries that Windows' driver lends."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.container import Wsl
from torchsmith.model.facts.gpu import NvidiaLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

LENT = "/usr/lib/wsl/lib/libcuda.so.1"
DEVICE = "/dev/dxg"
SYSTEM = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64")
COMMAND = "/mnt/c/Windows/System32/cmd.exe"


@probe
def wsl(host: Host, machine: Machine, nvidia_libraries: NvidiaLibraries | Unknown) -> Fact[Wsl | None]:
    """Ask Windows for its build only where WSL 2 shows no working CUDA: that starts a Windows program."""
    if machine.wsl is None:
        return Known(None, "not WSL")
    devices = host.names("/dev")
    if isinstance(devices, Unknown):
        return devices  # an assumed machine, or a record of another kind: nobody looked
    works = isinstance(nvidia_libraries, NvidiaLibraries) and nvidia_libraries.libcuda.status == 0
    build = None if works or machine.wsl == 1 else _windows_build(host)
    linux = (host.real(f"{folder}/libcuda.so.1") for folder in SYSTEM)
    libraries = tuple(
        dict.fromkeys(real.value for real in linux if isinstance(real, Known) and not real.value.startswith("/usr/lib/wsl/"))
    )
    return Known(
        Wsl(machine.wsl, DEVICE.rpartition("/")[2] in devices.value, host.exists(LENT), libraries, build), f"{DEVICE}, {LENT}"
    )


def parse_build(text: str) -> int | None:
    """19045 of ``Microsoft Windows [Version 10.0.19045.4170]``; the word before the number differs by language."""
    found = re.search(r"\b10\.0\.(\d{4,6})\b", text)
    return int(found[1]) if found else None


def _windows_build(host: Host) -> int | None:
    found = host.which("cmd.exe")
    command = found.value if isinstance(found, Known) else COMMAND if host.exists(COMMAND) else ""
    answer = host.run(command, "/c", "ver") if command else None
    return parse_build(answer.value.out) if isinstance(answer, Known) else None

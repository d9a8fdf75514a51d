"""The operating system, its C library, and whether it is WSL."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@probe
def machine(host: Host) -> Fact[Machine]:
    """Ask the kernel; on Linux read os-release and look for the C library."""
    answer = host.platform()
    if isinstance(answer, Unknown):
        return answer
    if answer.value["os"] != "linux":
        return Known(parse_other(answer.value), answer.source)
    release = host.read("/etc/os-release")
    libc = host.fetch("libc")
    parsed = parse_linux(answer.value, text_of(release), libc.value if isinstance(libc, Known) else "")
    return Known(parsed, f"{answer.source}; /etc/os-release")


def parse_linux(platform: dict[str, Any], os_release: str, libc: str) -> Machine:
    """The machine of uname's answer, the text of os-release and the C library's own words (``glibc 2.36``)."""
    lines = (line.partition("=") for line in os_release.splitlines() if not line.startswith("#"))
    fields = {key.strip(): value.strip().strip("\"'") for key, _, value in lines}
    name, _, version = libc.partition(" ")
    return Machine(
        os="linux",
        arch=str(platform["machine"]),
        kernel=str(platform["release"]),
        user_id=platform.get("user_id"),
        distro=fields.get("ID", ""),
        distro_version=fields.get("VERSION_ID", ""),
        distro_name=fields.get("PRETTY_NAME", ""),
        distro_like=tuple(fields.get("ID_LIKE", "").split()),
        libc=name,
        libc_version=version,
        wsl=wsl_version(str(platform["release"])),
    )


def parse_other(platform: dict[str, Any]) -> Machine:
    """The machine of a Windows or macOS kernel's answer; Windows says its build as ``10.0.22631``."""
    version = str(platform.get("version", ""))
    build = re.match(r"\d+\.\d+\.(\d+)", version)
    windows = platform["os"] == "windows"
    return Machine(
        os=str(platform["os"]),
        # A process under Rosetta is told x86_64; the kernel's version names what it was built for.
        arch="aarch64" if "RELEASE_ARM64" in version else str(platform["machine"]),
        kernel=str(platform["release"]),
        user_id=platform.get("user_id"),
        windows_build=int(build[1]) if windows and build else None,
    )


def wsl_version(kernel: str) -> int | None:
    """1 or 2 from the kernel release; None where it is not WSL.

    WSL 1 shows ``4.4.0-19041-Microsoft``, WSL 2 ``5.15.167.4-microsoft-standard-WSL2``.
    """
    if "microsoft" not in kernel.lower():
        return None
    return 1 if "-Microsoft" in kernel and kernel.startswith("4.4.") else 2

"""NVIDIA's kernel module, and the free drivers that may hold the card in its place."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.gpu import KernelModule
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

VERSION, MODULES, SYSFS = "/proc/driver/nvidia/version", "/proc/modules", "/sys/module/nvidia/version"


@probe
def kernel_module(host: Host, machine: Machine) -> Fact[KernelModule | None]:
    """Read /proc and sysfs; on Windows and macOS there is no such module."""
    if machine.os != "linux":
        return Known(None, f"{machine.os} has no such module")
    version, sysfs, modules = host.read(VERSION), host.read(SYSFS, 64), host.read(MODULES)
    if isinstance(modules, Unknown) and isinstance(version, Unknown):
        return modules
    return Known(parse(text_of(version), text_of(sysfs), text_of(modules)), f"{VERSION}; {MODULES}")


def parse(version: str, sysfs: str, modules: str) -> KernelModule:
    """The module of the texts of the three files; an absent file is an empty text.

    ``NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build ...``
    """
    line = next((line for line in version.splitlines() if line.startswith("NVRM version")), "")
    number = re.search(r"\b(\d{2,4}\.\d+(?:\.\d+)?)\b", line)
    plain = re.fullmatch(r"\d{2,4}\.\d+(?:\.\d+)?", sysfs.strip())
    names = {line.split(" ", 1)[0] for line in modules.splitlines()}
    found = number[1] if number else plain[0] if plain else None
    return KernelModule(
        version=found,
        flavour="" if not line else "open" if "Open Kernel Module" in line else "proprietary",
        loaded=bool(found) or "nvidia" in names,
        uvm="nvidia_uvm" in names,
        nouveau="nouveau" in names,
        nova=bool(names & {"nova_core", "nova_drm"}),
        modeset="nvidia_modeset" in names,
    )

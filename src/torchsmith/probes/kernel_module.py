"""NVIDIA's kernel module, and the free drivers that may hold the card in its place."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.gpu import KernelModule, ProcGpu
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import replace

VERSION, MODULES, SYSFS = "/proc/driver/nvidia/version", "/proc/modules", "/sys/module/nvidia/version"
GPUS = "/proc/driver/nvidia/gpus"


@probe
def kernel_module(host: Host, machine: Machine) -> Fact[KernelModule | None]:
    """Read /proc and sysfs; on Windows and macOS there is no such module."""
    if machine.os != "linux":
        return Known(None, f"{machine.os} has no such module")
    version, sysfs, modules = host.read(VERSION), host.read(SYSFS, 64), host.read(MODULES)
    if isinstance(modules, Unknown) and isinstance(version, Unknown):
        return modules
    parsed = parse(text_of(version), text_of(sysfs), text_of(modules))
    if parsed.loaded:
        parsed = replace(parsed, gpus=_gpus(host))
    return Known(parsed, f"{VERSION}; {MODULES}")


def _gpus(host: Host) -> tuple[ProcGpu, ...]:
    names = host.names(GPUS)
    listed = names.value[:64] if isinstance(names, Known) else []
    return tuple(parse_gpu(name, text_of(host.read(f"{GPUS}/{name}/information", 4096))) for name in listed)


def parse_gpu(address: str, text: str) -> ProcGpu:
    r"""One GPU's ``information``: lines of ``Model: \t\t NVIDIA H200``.

    A card that the module could not start has ``Video BIOS: ??.??.??.??.??``.
    """
    lines = (line.partition(":") for line in text.splitlines())
    fields = {name.strip(): value.strip() for name, _, value in lines}
    minor, uuid = fields.get("Device Minor", ""), fields.get("GPU UUID", "")
    return ProcGpu(
        address=address,
        model="" if fields.get("Model", "Unknown") == "Unknown" else fields["Model"],
        uuid="" if "?" in uuid else uuid,
        minor=int(minor) if minor.isdigit() else None,
        started="?" not in fields.get("Video BIOS", "") + uuid,
        excluded=fields.get("GPU Excluded", "No") == "Yes",
    )


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

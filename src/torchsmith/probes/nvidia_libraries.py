"""NVML and libcuda, asked in a child process: a driver call can hang or crash, and must cost nothing but its time limit."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.gpu import NVIDIA, Device, KernelModule, Libcuda, NvidiaLibraries, Nvml, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Where drivers put their libraries. Only a reason to ask: what is loaded, the loader decides.
PLACES = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib64",
    "/run/opengl-driver/lib",
    "/usr/lib/aarch64-linux-gnu/tegra",
    "/usr/lib/aarch64-linux-gnu/nvidia",
    "/usr/local/cuda/compat",
)
NAMES = ("libcuda.so.1", "libnvidia-ml.so.1")


@probe
def nvidia_libraries(
    host: Host, machine: Machine, pci_devices: PciDevices | Unknown, kernel_module: KernelModule | Unknown | None
) -> Fact[NvidiaLibraries]:
    """Ask both libraries where anything of NVIDIA's can be seen; else answer without the child process."""
    if machine.os == "macos":
        return Known(NvidiaLibraries(Nvml(loaded=False), Libcuda(loaded=False)), "macOS has no NVIDIA driver")
    pci = not isinstance(pci_devices, Unknown) and bool(pci_devices.of(NVIDIA))
    module = isinstance(kernel_module, KernelModule) and kernel_module.loaded
    if not (pci or module or _library_at_hand(host, machine) or isinstance(host.which("nvidia-smi"), Known)):
        missing = ("no library, no nvidia-smi, no kernel module and no PCI device of NVIDIA's",)
        absent = NvidiaLibraries(Nvml(loaded=False, errors=missing), Libcuda(loaded=False, errors=missing))
        return Known(absent, "loader paths, PATH, /proc, PCI")
    answer = host.ask("nvidia")
    return answer if isinstance(answer, Unknown) else Known(parse(answer.value), "NVML and libcuda in a child process")


def parse(answer: dict[str, Any]) -> NvidiaLibraries:
    """The two libraries' answers as ``host/inside/nvidia.py`` frames them."""
    unfinished = str(answer.get("unfinished", ""))
    return NvidiaLibraries(_nvml(answer.get("nvml") or {}, unfinished), _libcuda(answer.get("cuda") or {}, unfinished))


def _nvml(answer: dict[str, Any], unfinished: str) -> Nvml:
    asked = bool(answer.get("unfinished")) or not answer
    devices = [d for d in answer.get("devices", ()) if isinstance(d, dict)]
    return Nvml(
        loaded=bool(answer.get("loaded", bool(unfinished))),
        path=str(answer.get("path", "")),
        errors=tuple(map(str, answer.get("errors", ()))),
        status=answer.get("status"),
        message=str(answer.get("message", "")),
        driver=answer.get("driver") or None,
        cuda=cuda_version(answer.get("cuda")),
        devices=tuple(_device(d) for d in devices if d.get("status", 0) == 0),
        unfinished=unfinished if asked else "",
        library=library_version(str(answer.get("library") or "")),
        failed=tuple((int(d["index"]), int(d["status"])) for d in devices if d.get("status", 0) not in {0, None}),
    )


def _libcuda(answer: dict[str, Any], unfinished: str) -> Libcuda:
    asked = bool(answer.get("unfinished")) or not answer
    return Libcuda(
        loaded=bool(answer.get("loaded", bool(unfinished))),
        path=str(answer.get("path", "")),
        errors=tuple(map(str, answer.get("errors", ()))),
        status=answer.get("status"),
        message=str(answer.get("message", "")),
        cuda=cuda_version(answer.get("version")),
        devices=tuple(_device(d) for d in answer.get("devices", ())),
        unfinished=unfinished if asked else "",
    )


def _device(answer: dict[str, Any]) -> Device:
    capability = answer.get("compute_capability")
    sm = capability[0] * 10 + capability[1] if capability else None
    free = answer.get("memory_free")
    flags = {name: None if answer.get(name) is None else bool(answer[name]) for name in ("mig", "display", "persistence")}
    return Device(
        index=int(answer["index"]),
        name=answer.get("name"),
        sm=sm if sm is not None and 10 <= sm < 1000 else None,
        memory=answer.get("memory") if 0 < (answer.get("memory") or 0) < 1 << 50 else None,
        pci=answer.get("pci") or None,
        pci_device=answer.get("pci_device") or None,
        uuid=answer.get("uuid"),
        mig_instances=answer.get("mig_instances"),
        mig_uuids=tuple(map(str, answer.get("mig_uuids") or ())),
        fabric=answer.get("fabric"),
        compute_mode=answer.get("compute_mode"),
        free=free if isinstance(free, int) and 0 <= free <= (answer.get("memory") or 0) else None,
        **flags,
    )


def library_version(text: str) -> str | None:
    """``580.95.05`` of NVML's own version ``13.580.95.05``, whose first number is that of its interface."""
    return text.partition(".")[2] if re.fullmatch(r"\d{1,2}\.\d{2,4}\.\d+(\.\d+)?", text) else None


def cuda_version(number: int | None) -> str | None:
    """``13.0`` for the driver API's 13000; None for what no CUDA version can be."""
    if not isinstance(number, int) or not 1000 <= number < 100_000:
        return None
    return f"{number // 1000}.{number % 1000 // 10}"


def _library_at_hand(host: Host, machine: Machine) -> bool:
    if machine.os == "windows":
        root = host.variable("SystemRoot")
        system = f"{(root.value if isinstance(root, Known) else None) or 'C:/Windows'}/System32"
        return any(host.exists(f"{system}/{name}") for name in ("nvcuda.dll", "nvml.dll"))
    path = host.variable("LD_LIBRARY_PATH")
    folders = [folder for folder in ((path.value if isinstance(path, Known) else None) or "").split(":") if folder]
    return any(host.exists(f"{folder}/{name}") for folder in (*folders, *PLACES) for name in NAMES)

"""Clues -> facts about GPUs and driver: the witnesses that speak in the text, so that the derivations judge them as ever."""

from __future__ import annotations

from torchsmith.knowledge import gpus as table
from torchsmith.model.facts.gpu import Device, Driver, Gpus, Libcuda, NvidiaLibraries, NvidiaSmi, Nvml
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import fields, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.intake.clue import Clues

NOT_HERE = "not in the pasted text"
_DEVICES_LIMIT = 1024


def facts(clues: Clues) -> dict[str, Fact[Any]]:
    """nvidia-smi and libcuda as witnesses; ``gpus`` and ``driver`` themselves only where no witness could speak for them."""
    found: dict[str, Fact[Any]] = {}
    listed = _devices(clues, torch=False)
    seen = _devices(clues, torch=True)
    smi = _nvidia_smi(clues, listed)
    if smi:
        found["nvidia_smi"] = smi
    libraries = _libraries(clues, () if listed else seen)
    if libraries:
        found["nvidia_libraries"] = libraries
    named = {clue.value.index: clue for clue in clues.of("gpu-word")}
    if not listed and not seen:
        found["gpus"] = _told(named) if named else _none_seen(clues)
    driver = _driver(clues)
    if driver:
        found["driver"] = driver
    return found


def _devices(clues: Clues, *, torch: bool) -> tuple[Device, ...]:
    """The GPUs that nvidia-smi listed, or those that torch named; what one form leaves out, another fills in."""
    devices: dict[int, Device] = {}
    for clue in clues.of("gpu"):
        if clue.form.startswith("nvidia-smi") == torch or len(devices) >= _DEVICES_LIMIT:
            continue
        known = devices.get(clue.value.index)
        if known is None:
            devices[clue.value.index] = clue.value
        else:
            lacking = {name: getattr(clue.value, name) for name in fields(known) if getattr(known, name) is None}
            devices[clue.value.index] = replace(known, **lacking)
    return tuple(devices[index] for index in sorted(devices))


def _nvidia_smi(clues: Clues, devices: tuple[Device, ...]) -> Known[NvidiaSmi | None] | None:
    failure = clues.first("smi-failure")
    driver = clues.first("driver") or clues.first("driver-word")
    first = (clues.first("gpu") if devices else None) or failure or driver
    if first is None:
        absent = clues.first("gpu-absent")
        return Known(None, f"nvidia-smi gave nothing ({absent.source})") if absent and absent.value == "No CUDA" else None
    value = NvidiaSmi(
        "nvidia-smi",
        driver.value if driver else None,
        clues.value("driver-cuda"),
        devices,
        failure.value if failure and not devices else "",
        255 if failure else 0,
    )
    return Known(value, first.source)


def _libraries(clues: Clues, seen: tuple[Device, ...]) -> Known[NvidiaLibraries] | None:
    """Libcuda as torch met it: a GPU that torch names, ``is_available()``, or the number of cuInit's error."""
    nvml = Nvml(loaded=True, unfinished=NOT_HERE)
    status, old, absent = clues.first("cuda-status"), clues.first("libcuda-cuda"), clues.first("libcuda-absent")
    available = next((clue for clue in clues.of("cuda-available") if clue.value), None)
    if seen:
        first = next(clue for clue in clues.of("gpu") if not clue.form.startswith("nvidia-smi"))
        return Known(NvidiaLibraries(nvml, Libcuda(loaded=True, status=0, devices=seen)), first.source)
    if status:
        number, words = status.value
        return Known(NvidiaLibraries(nvml, Libcuda(loaded=True, status=number, message=words)), status.source)
    if absent:
        errors = ("torch found no NVIDIA driver",)
        return Known(NvidiaLibraries(nvml, Libcuda(loaded=False, errors=errors)), absent.source)
    if old:
        return Known(NvidiaLibraries(nvml, Libcuda(loaded=True, cuda=old.value)), old.source)
    if available:
        return Known(NvidiaLibraries(nvml, Libcuda(loaded=True, status=0)), available.source)
    return None


def _told(named: dict[int, Any]) -> Known[Gpus]:
    devices = []
    for index in sorted(named):
        row = table.by_name(named[index].value.name)
        devices.append(
            Device(index, row.name or named[index].value.name if row else named[index].value.name, row.sm if row else None)
        )
    return Known(Gpus(tuple(devices), "report"), named[min(named)].source)


def _none_seen(clues: Clues) -> Fact[Gpus]:
    """No GPU only where torch saw none, and nvidia-smi, nvcc and driver all were missing: collect_env's "No CUDA"."""
    absent = clues.first("gpu-absent")
    working = any(clue.value for clue in clues.of("cuda-available"))
    if absent and absent.value == "No CUDA" and not working:
        return Known(Gpus(()), absent.source)
    return Unknown(NOT_HERE, ("GPU names",))


def _driver(clues: Clues) -> Fact[Driver | None] | None:
    """Only where its version is not told: the CUDA that torch said it can run, or that it works."""
    if clues.first("driver", "driver-word"):
        return None
    old = clues.first("libcuda-cuda")
    if old:
        return Known(Driver("", None, old.value, works=False), old.source)
    working = next((clue for clue in clues.of("cuda-available") if clue.value), None)
    if working:
        return Known(Driver("", works=True), working.source)
    return None

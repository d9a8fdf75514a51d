"""Clues -> facts about GPUs and driver: the witnesses that speak in the text, so that the derivations judge them as ever."""

from __future__ import annotations

from torchsmith.knowledge import gpus as table
from torchsmith.model.facts.driver import KernelLog
from torchsmith.model.facts.gpu import Device, Driver, Gpus, Libcuda, NvidiaLibraries, NvidiaSmi, Nvml
from torchsmith.model.known import Fact, Known
from torchsmith.model.record import fields, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.intake.clue import Clue, Clues

NOT_HERE = "not in the pasted text"
UNAVAILABLE = "torch says that CUDA is not available"
_DEVICES_LIMIT, _LOG_LIMIT = 1024, 500
# NVML's statuses by the words that nvidia-smi prints for them.
_NVML_WORDS = {
    18: "Driver/library version mismatch",
    9: "couldn't communicate",
    4: "Insufficient Permissions",
    15: "GPU is lost",
    999: "Unknown Error",
}


def facts(clues: Clues) -> dict[str, Fact[Any]]:
    """What nvidia-smi, NVML behind it and libcuda say; ``gpus`` and ``driver`` themselves only where no witness speaks."""
    found: dict[str, Fact[Any]] = {}
    listed = _devices(clues, torch=False)
    seen = _devices(clues, torch=True)
    smi = _nvidia_smi(clues, listed)
    if smi:
        found["nvidia_smi"] = smi
    libraries = _libraries(clues, smi.value if smi else None, seen)
    if libraries:
        found["nvidia_libraries"] = libraries
    named = {clue.value.index: clue for clue in clues.of("gpu-word")}
    if named and not listed and not seen:
        found["gpus"] = _told(named)
    if not (smi or libraries or named):
        found |= _nothing(clues)
    driver = _driver(clues)
    if driver:
        found["driver"] = driver
    log = tuple(clues.of("kernel-log"))
    if log:
        found["kernel_log"] = Known(KernelLog(tuple(clue.value for clue in log[:_LOG_LIMIT])), log[0].source)
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


def _nvidia_smi(clues: Clues, devices: tuple[Device, ...]) -> Known[NvidiaSmi] | None:
    failure = clues.first("smi-failure")
    driver = clues.first("driver") or clues.first("driver-word")
    first = (clues.first("gpu") if devices else None) or failure or driver
    if first is None:
        return None
    words = failure.value if failure and not devices else ""
    value = NvidiaSmi("nvidia-smi", driver.value if driver else None, clues.value("driver-cuda"), devices, words, _status(words))
    return Known(value, first.source)


def _status(words: str) -> int:
    """NVML's status behind nvidia-smi's words; it exits with the same number."""
    return next((status for status, said in _NVML_WORDS.items() if said in words), 255 if words else 0)


def _libraries(clues: Clues, smi: NvidiaSmi | None, seen: tuple[Device, ...]) -> Known[NvidiaLibraries] | None:
    """The driver's two libraries as far as they show: NVML in what nvidia-smi prints, libcuda in what torch met."""
    cuda, said = _libcuda(clues, seen)
    # A cuInit that failed was asked by torch: whether NVML answers is then not what decides.
    nvml = Nvml(loaded=True, unfinished="" if cuda and cuda.status else NOT_HERE)
    witness = clues.first("smi-failure", "driver", "gpu") if smi and (smi.failure or clues.first("driver")) else None
    if smi and smi.failure and smi.exit in _NVML_WORDS:
        nvml = Nvml(loaded=True, status=smi.exit, message=smi.failure)
        cuda = cuda or Libcuda(loaded=True)
    elif smi and smi.devices:
        nvml = Nvml(loaded=True, status=0, driver=smi.driver, cuda=smi.cuda, devices=smi.devices)
    elif cuda is None:
        return None
    source = said or witness or clues.first("gpu")
    asked = [clue.value for clue in clues.of("cuda-available")]
    why = UNAVAILABLE if asked and not any(asked) else NOT_HERE
    return Known(NvidiaLibraries(nvml, cuda or Libcuda(loaded=True, unfinished=why)), source.source if source else "")


def _libcuda(clues: Clues, seen: tuple[Device, ...]) -> tuple[Libcuda | None, Clue | None]:
    """Libcuda as torch met it: a GPU that torch names, ``is_available()``, or the number of cuInit's error."""
    status, old, absent = clues.first("cuda-status"), clues.first("libcuda-cuda"), clues.first("libcuda-absent")
    available = next((clue for clue in clues.of("cuda-available") if clue.value), None)
    if seen:
        first = next(clue for clue in clues.of("gpu") if not clue.form.startswith("nvidia-smi"))
        return Libcuda(loaded=True, status=0, devices=seen), first
    if status:
        number, words = status.value
        return Libcuda(loaded=True, status=number, message=words), status
    if absent:
        return Libcuda(loaded=False, errors=("torch found no NVIDIA driver",)), absent
    if old:
        return Libcuda(loaded=True, cuda=old.value, unfinished=NOT_HERE), old
    if available:
        return Libcuda(loaded=True, status=0), available
    return None, None


def _told(named: dict[int, Any]) -> Known[Gpus]:
    devices = []
    for index in sorted(named):
        row = table.by_name(named[index].value.name)
        devices.append(
            Device(index, row.name or named[index].value.name if row else named[index].value.name, row.sm if row else None)
        )
    return Known(Gpus(tuple(devices), "report"), named[min(named)].source)


def _nothing(clues: Clues) -> dict[str, Fact[Any]]:
    """No GPU, no driver: collect_env's "No CUDA", printed where torch sees none and nvidia-smi, driver and nvcc are missing.

    "Could not collect" says less: one of them was there.
    """
    absent = clues.first("gpu-absent")
    if absent is None or absent.value != "No CUDA" or any(clue.value for clue in clues.of("cuda-available")):
        return {}
    said = ("collect_env: No CUDA",)
    none = NvidiaLibraries(Nvml(loaded=False, errors=said), Libcuda(loaded=False, errors=said))
    return {
        "nvidia_libraries": Known(none, absent.source),
        "nvidia_smi": Known(None, absent.source),
        "gpus": Known(Gpus(()), absent.source),
    }


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

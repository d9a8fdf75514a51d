"""nvidia-smi: the table, ``-L``, ``-q``, a CSV query, and its own words where it fails."""

from __future__ import annotations

import re

from torchsmith.intake.clue import Clue, Line
from torchsmith.model.facts.gpu import Device
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

FORM = "nvidia-smi"
WORDS = (
    "nvidia",
    "driver version",
    "cuda version",
    "gpu",
    "geforce",
    "tesla",
    "quadro",
    "grid",
    "titan",
    "nvml",
    "mig ",
    "no devices were found",
)
"""A text without any of these has nothing for this format."""
_DRIVER = pattern(r"Driver Version\s{0,40}:\s{0,4}(\d{3}\.\d{1,3}(?:\.\d{1,3})?)\b|NVIDIA-SMI (\d{3}\.\d{1,3}(?:\.\d{1,3})?)\b")
_CUDA = pattern(r"CUDA (?:UMD )?Version\s{0,40}:\s{0,4}(\d{1,2}\.\d{1,2})\b")
_ROW = pattern(
    r"\|\s{1,4}(?P<index>\d{1,3})\s{1,4}(?P<name>\S[^|]{0,60}?)\s{1,40}(?P<mode>On|Off|N/A|WDDM|TCC|MCDM)\s{0,4}\|\s{1,8}"
    r"(?P<pci>[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d)"
)
_MEMORY = pattern(r"\|[^|]{0,60}\|\s{1,40}(\d{1,8})MiB\s{0,3}/\s{0,8}(\d{1,8})MiB\s{0,3}\|")
_MIG = pattern(r"\|[^|]{0,60}\|[^|]{0,60}\|\s{1,40}(Enabled|Disabled)\*?\s{0,4}\|")
_MIG_ROW = pattern(r"\|\s{1,4}(\d{1,3})\s{1,6}\d{1,3}\s{1,6}\d{1,3}\s{1,6}\d{1,3}\s{1,4}\|")
_LISTED = pattern(
    r"(?:GPU models and configuration\s{0,20}:\s{0,4})?GPU (?P<index>\d{1,3}): (?P<name>[^()]{2,80})(?:\((?P<more>[^()]*)\))?"
)
_MIG_LISTED = pattern(r"\s{1,8}MIG \S{1,20}\s{1,12}Device\s{1,4}\d{1,3}: \(UUID: (MIG-\S{1,60})\)")
_UUID = pattern(r"UUID: ?(GPU-[0-9A-Fa-f-]{8,40})")
_FAILURES = (
    "Failed to initialize NVML",
    "NVIDIA-SMI has failed because",
    "Unable to determine the device handle",
    "No devices were found",
    "NVIDIA-SMI couldn't find libnvidia-ml",
    "GPU is lost",
)
_BLOCK = pattern(r"GPU [0-9A-Fa-f]{8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d$")
_QUERIED = pattern(r"\s{0,12}(?P<label>[A-Z][A-Za-z .]{2,40}?)\s{1,40}: (?P<value>\S.*)$")
# A query without its header.
_BARE = pattern(
    r"\s{0,8}(?:(?P<index>\d{1,2}), {1,4})?(?P<name>(?:NVIDIA|Tesla|GeForce|Quadro|GRID|TITAN)[\w .-]{2,60}), {0,4}"
    r"(?P<driver>\d{3}\.\d{2,3}(?:\.\d{1,2})?)\s{0,4}(?:,|$)"
)
_COLUMN = pattern(r"(?P<name>[a-z_.]{4,40})(?: \[[^\]]{1,10}\])?")


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """Driver, CUDA, devices and failures of every form of it that the text holds."""
    for line in lines:
        driver, cuda = _DRIVER.search(line.text), _CUDA.search(line.text)
        if driver:
            yield Clue("driver", driver[1] or driver[2], FORM, line.number)
        if cuda and (driver or line.text.strip().startswith(("CUDA Version", "CUDA UMD Version"))):
            yield Clue("driver-cuda", cuda[1], FORM, line.number)
        if "Persistence-M" in line.text:
            yield Clue("os-word", "linux", FORM, line.number)
        if re.search(r"\b(?:WDDM|TCC/WDDM|Driver-Model)\b", line.text):
            yield Clue("os-word", "windows", FORM, line.number)
        if "(nvgpu)" in line.text and "|" in line.text:
            yield Clue("jetson-word", True, FORM, line.number)
        failure = next((line.text[line.text.index(said) :] for said in _FAILURES if said in line.text), None)
        if failure and "error" not in line.text.lower().split(failure.lower())[0]:
            yield Clue("smi-failure", failure.strip()[:300], FORM, line.number)
    yield from _table(lines)
    yield from _list(lines)
    yield from _query(lines)
    yield from _csv(lines)


def _table(lines: Sequence[Line]) -> Iterator[Clue]:
    row: dict[str, Any] = {}
    mig: dict[int, int] = {}
    rows = []
    for line in lines:
        matched = _ROW.match(line.text.strip())
        if matched:
            row = {"index": int(matched["index"]), "name": _name(matched["name"]), "pci": matched["pci"]}
            rows.append((row, line.number))
        elif row and (memory := _MEMORY.match(line.text.strip())):
            row.setdefault("memory", int(memory[2]) << 20)
            row.setdefault("free", max(0, int(memory[2]) - int(memory[1])) << 20)
        elif row and (mode := _MIG.match(line.text.strip())):
            row.setdefault("mig", mode[1] == "Enabled")
        if instance := _MIG_ROW.match(line.text.strip()):
            mig[int(instance[1])] = mig.get(int(instance[1]), 0) + 1
        elif "No MIG devices found" in line.text:
            mig.setdefault(-1, 0)
    for known, number in rows:
        instances = mig.get(known["index"], 0) if mig and known.get("mig") else None
        yield Clue("gpu", Device(**known, mig_instances=instances), FORM, number)


def _list(lines: Sequence[Line]) -> Iterator[Clue]:
    for place, line in enumerate(lines):
        matched = _LISTED.match(line.text.strip())
        if not matched:
            continue
        uuid = _UUID.search(matched["more"] or "")
        instances: list[str] = []
        while place + 1 + len(instances) < len(lines) and (mig := _MIG_LISTED.match(lines[place + 1 + len(instances)].text)):
            instances.append(mig[1])
        device = Device(
            int(matched["index"]),
            _name(matched["name"]),
            uuid=uuid[1] if uuid else None,
            mig=True if instances else None,
            mig_instances=len(instances) or None,
            mig_uuids=tuple(instances),
        )
        yield Clue("gpu", device, f"{FORM} -L", line.number)


def _query(lines: Sequence[Line]) -> Iterator[Clue]:
    """``-q``: one block per GPU, begun by its bus address, with ``Product Name : ...`` in it."""
    blocks: list[tuple[int, dict[str, Any]]] = []
    section = ""
    for line in lines:
        if _BLOCK.match(line.text.strip()):
            blocks.append((line.number, {"index": len(blocks), "pci": line.text.strip()[4:]}))
            continue
        matched = _QUERIED.match(line.text)
        if matched and blocks:
            blocks[-1][1].update(_queried(section, matched["label"].strip(), matched["value"].strip()))
        elif not matched:
            section = line.text.strip()
    yield from (Clue("gpu", Device(**device), f"{FORM} -q", number) for number, device in blocks if device.get("name"))


def _queried(section: str, label: str, value: str) -> dict[str, Any]:
    """The field of a device that a line of ``-q`` gives."""
    if label == "Product Name":
        return {"name": _name(value)}
    if label == "GPU UUID" and value.startswith("GPU-"):
        return {"uuid": value[:60]}
    if section == "MIG Mode" and label == "Current" and value in {"Enabled", "Disabled"}:
        return {"mig": value == "Enabled"}
    field = {"Total": "memory", "Free": "free"}.get(label) if section == "FB Memory Usage" else None
    amount = re.match(r"(\d{1,8}) MiB", value)
    return {field: int(amount[1]) << 20} if field and amount else {}


def _csv(lines: Sequence[Line]) -> Iterator[Clue]:
    """``--query-gpu=... --format=csv`` with its header line."""
    columns: list[str] = []
    row = 0
    for line in lines:
        cells = [cell.strip() for cell in line.text.split(",")]
        headed = [_COLUMN.fullmatch(cell) for cell in cells]
        if len(cells) > 1 and all(headed) and {"name", "driver_version", "uuid"} & {m["name"] for m in headed if m}:
            columns, row = [m["name"] for m in headed if m], 0
            continue
        if not columns or len(cells) != len(columns):
            columns = []
            if len(cells) > 1 and (bare := _BARE.match(line.text)):
                yield Clue("driver", bare["driver"], f"{FORM} query", line.number)
                yield Clue("gpu", Device(int(bare["index"] or 0), _name(bare["name"])), f"{FORM} query", line.number)
            continue
        values = dict(zip(columns, cells, strict=True))
        index = int(values["index"]) if values.get("index", "").isdigit() and len(values["index"]) < 4 else row
        memory, free = (re.match(r"(\d{1,8})", values.get(f"memory.{which}", "")) for which in ("total", "free"))
        capability = re.fullmatch(r"(\d{1,2})\.(\d)", values.get("compute_cap", ""))
        row += 1
        if re.fullmatch(r"\d{3}\.\d{1,3}(\.\d{1,3})?", values.get("driver_version", "")):
            yield Clue("driver", values["driver_version"], f"{FORM} query", line.number)
        if values.get("name"):
            device = Device(
                index,
                _name(values["name"]),
                sm=int(capability[1] + capability[2]) if capability else None,
                memory=int(memory[1]) << 20 if memory else None,
                uuid=values["uuid"] if values.get("uuid", "").startswith("GPU-") else None,
                free=int(free[1]) << 20 if free else None,
            )
            yield Clue("gpu", device, f"{FORM} query", line.number)


def _name(text: str) -> str:
    """The product's name; the table cuts long ones with dots."""
    return text.strip().rstrip(".\u2026 ")[:80]

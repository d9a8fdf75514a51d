"""nvidia-smi, asked only where NVML did not answer: it is the same library behind a program."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, Ran
from torchsmith.model.facts.gpu import Device, NvidiaLibraries, NvidiaSmi
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

FIELDS = ("index", "name", "uuid", "memory.total", "pci.bus_id", "driver_version", "compute_cap")
WSL_PATH = "/usr/lib/wsl/lib/nvidia-smi"


@probe
def nvidia_smi(host: Host, machine: Machine, nvidia_libraries: NvidiaLibraries | Unknown) -> Fact[NvidiaSmi | None]:
    """Query what every GPU is; an older nvidia-smi does not know ``compute_cap`` and is asked again without it."""
    if isinstance(nvidia_libraries, Unknown) and nvidia_libraries.reason.startswith("slow"):
        return Unknown(f"not asked: the driver was {nvidia_libraries.reason}", ("NVML",))
    if isinstance(nvidia_libraries, NvidiaLibraries):
        nvml = nvidia_libraries.nvml
        if nvml.status == 0:
            return Known(None, "not asked: NVML answered")
        slow = next((u for u in (nvml.unfinished, nvidia_libraries.libcuda.unfinished) if u.startswith("slow")), "")
        if slow:
            return Unknown(f"not asked: the driver was {slow}", ("NVML",))
    found = host.which("nvidia-smi")
    path = found.value if isinstance(found, Known) else WSL_PATH if machine.wsl and host.exists(WSL_PATH) else ""
    if not path:
        return Known(None, "nvidia-smi is not on PATH")
    answer = _query(host, path, FIELDS)
    if isinstance(answer, Known) and "is not a valid field" in f"{answer.value.out}\n{answer.value.err}":
        answer = _query(host, path, FIELDS[:-1])
        return answer if isinstance(answer, Unknown) else _parsed(path, answer, FIELDS[:-1])
    return answer if isinstance(answer, Unknown) else _parsed(path, answer, FIELDS)


def _query(host: Host, path: str, fields: tuple[str, ...]) -> Fact[Ran]:
    return host.run(path, f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits")


def _parsed(path: str, answer: Known[Ran], fields: tuple[str, ...]) -> Fact[NvidiaSmi | None]:
    return Known(parse(path, answer.value.exit, answer.value.out, answer.value.err, fields), answer.source)


def parse(path: str, status: int, out: str, err: str, fields: tuple[str, ...] = FIELDS) -> NvidiaSmi:
    """What a query printed; lines that are no rows of it (warnings, noise) are passed over."""
    rows = [dict(zip(fields, cells, strict=True)) for cells in _cells(out) if len(cells) == len(fields) and cells[0].isdigit()]
    devices = tuple(_device(row) for row in rows)
    driver = next((row["driver_version"] for row in rows if re.fullmatch(r"\d+(\.\d+)+", row["driver_version"])), None)
    said = " ".join(f"{out} {err}".split())
    return NvidiaSmi(path, driver, None, devices, "" if devices else said[:500] or f"exit status {status}, no words", status)


def _cells(out: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split(",")] for line in out.splitlines()]


def _device(row: dict[str, str]) -> Device:
    capability = re.fullmatch(r"(\d+)\.(\d)", row.get("compute_cap", ""))
    memory = row["memory.total"]
    return Device(
        index=int(row["index"]),
        name=row["name"] or None,
        sm=int(capability[1]) * 10 + int(capability[2]) if capability else None,
        memory=int(memory) << 20 if memory.isdigit() else None,
        pci=row["pci.bus_id"] or None,
        uuid=row["uuid"] if row["uuid"].startswith("GPU-") else None,
    )

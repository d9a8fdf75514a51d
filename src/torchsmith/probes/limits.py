"""The limits of this process, the processors that it may run on, and its capabilities."""

from __future__ import annotations

from torchsmith.engine.declare import detail
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.hardware import Limits
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.probes.processor import count

LIMITS, STATUS = "/proc/self/limits", "/proc/self/status"
# What profilers, RDMA and debuggers of GPU programs ask for in a container.
CAPABILITIES = {14: "IPC_LOCK", 19: "SYS_PTRACE", 21: "SYS_ADMIN", 23: "SYS_NICE", 38: "PERFMON"}


@detail
def limits(host: Host, machine: Machine) -> Fact[Limits | None]:
    """Two files of /proc; Windows tells the affinity only, macOS has no such place to look."""
    if machine.os == "windows":
        asked = host.processors()
        return Known(Limits(cpus=asked.value.get("allowed")), asked.source) if isinstance(asked, Known) else asked
    if machine.os != "linux":
        return Unknown(f"not asked on {machine.os}", (LIMITS,))
    text = host.read(LIMITS, 1 << 13)
    if isinstance(text, Unknown):
        return text
    return Known(parse(text.value, text_of(host.read(STATUS, 1 << 13))), f"{LIMITS}, {STATUS}")


def parse(limits: str, status: str) -> Limits:
    """Soft limits (``Max open files            1024                 524288               files``) and a few lines of status."""
    soft = {words[0]: words[1] for line in limits.splitlines() if len(words := _columns(line)) > 1}
    fields = {name: value.strip() for name, _, value in (line.partition(":") for line in status.splitlines())}
    mask = _mask(fields.get("CapEff", ""))
    open_files, locked, processes, space = (
        int(number) if (number := soft.get(f"Max {name}", "")).isdecimal() and len(number) < 21 else None
        for name in ("open files", "locked memory", "processes", "address space")
    )
    return Limits(
        open_files=open_files,
        locked_memory=locked,
        processes=processes,
        address_space=space,
        cpus=count(fields.get("Cpus_allowed_list", "")),
        capabilities=tuple(name for bit, name in CAPABILITIES.items() if mask >> bit & 1),
    )


def _columns(line: str) -> list[str]:
    """What stands between two spaces or more."""
    return [part.strip() for part in line.split("  ") if part.strip()]


def _mask(text: str) -> int:
    try:
        return int(text, 16) if len(text) <= 16 else 0
    except ValueError:
        return 0

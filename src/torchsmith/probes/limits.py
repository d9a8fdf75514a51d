"""The limits of this process, the processors that it may run on, and its capabilities."""

from __future__ import annotations

import re

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
    soft = {name: int(number) for name, number in re.findall(r"(?m)^Max (\w+(?: \w+)?)\s{2,}(\d{1,20})\s", limits)}
    fields = dict(re.findall(r"(?m)^(Cpus_allowed_list|CapEff):\s*(\S+)", status))
    mask = int(fields["CapEff"], 16) if re.fullmatch(r"[0-9a-f]{1,16}", fields.get("CapEff", "")) else 0
    return Limits(
        open_files=soft.get("open files"),
        locked_memory=soft.get("locked memory"),
        processes=soft.get("processes"),
        address_space=soft.get("address space"),
        cpus=count(fields.get("Cpus_allowed_list", "")),
        capabilities=tuple(name for bit, name in CAPABILITIES.items() if mask >> bit & 1),
    )

"""What the processor can do, as the kernel lists it."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.system import Cpu
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown

CPUINFO = "/proc/cpuinfo"
# The psABI's levels, in the kernel's names; lzcnt is "abm" there, and sse3 "pni".
LEVELS = (
    frozenset(("cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3")),
    frozenset(("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave")),
    frozenset(("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")),
)


@probe
def cpu(host: Host, machine: Machine, torch: Torch) -> Fact[Cpu | None]:
    """Read the first processor of the list; all of a machine are alike in this."""
    del torch  # without one nothing of the processor matters
    if machine.os != "linux" or machine.arch != "x86_64":
        return Known(None, f"{machine.platform} lists no x86-64 features")
    answer = host.read(CPUINFO, 1 << 13)
    if isinstance(answer, Unknown):
        return answer
    found = parse(answer.value)
    return Known(found, CPUINFO) if found else Unknown("no line of flags", (CPUINFO,))


def parse(text: str) -> Cpu | None:
    """The processor of the first block; None where no flags are listed."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = set(fields.get("flags", "").split())
    if "sse2" not in flags:
        return None
    level = 1
    for wanted in LEVELS:
        if not wanted <= flags:
            break
        level += 1
    return Cpu(fields.get("model name", ""), level, "avx" in flags, "avx2" in flags, "hypervisor" in flags)

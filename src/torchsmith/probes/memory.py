"""Memory, swap and /dev/shm: what a build, a data loader or a model load runs out of."""

from __future__ import annotations

from torchsmith.engine.declare import detail
from torchsmith.host.base import Host
from torchsmith.model.facts.hardware import Memory
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import replace

MEMINFO, SHM = "/proc/meminfo", "/dev/shm"  # noqa: S108 - looked at, not written to
SYSCTL = ("hw.memsize", "vm.swapusage")


@detail
def memory(host: Host, machine: Machine) -> Fact[Memory]:
    """/proc/meminfo; sysctl on macOS, GlobalMemoryStatusEx on Windows."""
    if machine.os == "windows":
        asked = host.memory()
        return Known(parse_windows(asked.value), asked.source) if isinstance(asked, Known) else asked
    if machine.os == "macos":
        answer = host.run("sysctl", *SYSCTL)
        found = parse_sysctl(answer.value.out) if isinstance(answer, Known) else None
        return answer if isinstance(answer, Unknown) else Known(found, answer.source) if found else _silent(answer.source)
    text = host.read(MEMINFO, 1 << 14)
    if isinstance(text, Unknown):
        return text
    found, shm = parse(text.value), host.disk(SHM)
    if found is None:
        return _silent(MEMINFO)
    if isinstance(shm, Known):
        found = replace(found, shm=shm.value["total"], shm_free=shm.value["free"])
    return Known(found, f"{MEMINFO}, {SHM}")


def parse(text: str) -> Memory | None:
    """``MemTotal:       24684096 kB``; None without a total."""
    lines = ((name, value.split()) for name, _, value in (line.partition(":") for line in text.splitlines()))
    sizes = {name: int(v[0]) << 10 for name, v in lines if len(v) == 2 and v[1] == "kB" and v[0].isdecimal() and len(v[0]) < 16}
    if "MemTotal" not in sizes:
        return None
    return Memory(sizes["MemTotal"], sizes.get("MemAvailable"), sizes.get("SwapTotal"), sizes.get("SwapFree"))


def parse_sysctl(text: str) -> Memory | None:
    """``hw.memsize: 34359738368`` and ``vm.swapusage: total = 2048.00M  used = 1024.50M  free = 1023.50M ...``."""
    import re

    total = re.search(r"hw\.memsize:\s*(\d{1,18})", text)
    swap, free = (re.search(rf"{word} = (\d+)(?:\.\d+)?M", text) for word in ("total", "free"))
    if total is None:
        return None
    return Memory(int(total[1]), None, int(swap[1]) << 20 if swap else None, int(free[1]) << 20 if free else None)


def parse_windows(answer: dict[str, int]) -> Memory:
    """Windows counts what memory and page files can promise together: the page files are the rest."""
    total, commit = answer["total"], answer.get("commit", 0)
    return Memory(total, answer.get("available"), max(commit - total, 0) if commit else None)


def _silent(source: str) -> Unknown:
    return Unknown("it does not say how much memory there is", (source,))

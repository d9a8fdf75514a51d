"""The processors: how many, of which kinds, what level."""

from __future__ import annotations

from torchsmith.engine.declare import detail
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.hardware import Processor
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import replace
from torchsmith.probes import cpu

SYSFS = "/sys/devices/system/cpu"
NODES = "/sys/devices/system/node/online"
P_CORES, E_CORES = "/sys/devices/cpu_core/cpus", "/sys/devices/cpu_atom/cpus"
REGISTRY = r"HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor\0"
SYSCTL = (
    "machdep.cpu.brand_string",
    "hw.physicalcpu",
    "hw.logicalcpu",
    "hw.perflevel0.physicalcpu",
    "hw.perflevel1.physicalcpu",
)
MOST_ARM = 64


@detail
def processor(host: Host, machine: Machine) -> Fact[Processor]:
    """The first block of /proc/cpuinfo and a few short files of sysfs; sysctl on macOS, the kernel's list on Windows."""
    if machine.os == "windows":
        return _windows(host)
    if machine.os == "macos":
        answer = host.run("sysctl", *SYSCTL)
        return Known(parse_sysctl(answer.value.out), answer.source) if isinstance(answer, Known) else answer
    info = host.read(cpu.CPUINFO, 1 << 13)
    if isinstance(info, Unknown):
        return info
    online, p, e, nodes = (_count(host, path) for path in (f"{SYSFS}/online", P_CORES, E_CORES, NODES))
    no_threads = text_of(host.read(f"{SYSFS}/smt/active", 8)).strip() == "0"
    found = replace(parse(info.value, online, p, e, no_threads), nodes=nodes)
    if machine.arch == "aarch64" and online:
        found = replace(found, **_big_and_little(host, min(online, MOST_ARM)))
    return Known(found, f"{cpu.CPUINFO}, {SYSFS}")


def parse(info: str, online: int | None, p: int | None, e: int | None, no_threads: bool = False) -> Processor:
    """The processors of the text of /proc/cpuinfo (its first block) and the counts of sysfs.

    A block says the threads (``siblings``) and the cores of its package; all packages are alike. The kernel lists the threads of
    performance cores (``p``) and of efficiency cores (``e``), and of the latter each has one thread.
    """
    fields: dict[str, str] = {}
    for line in info.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    siblings, in_package = (int(n) if (n := fields.get(name, "")).isdigit() else 0 for name in ("siblings", "cpu cores"))
    cores = online * in_package // siblings if online and siblings and in_package else online if no_threads else None
    kinds = (cores - e, e) if cores and p and e and cores > e else (None, None)
    known = cpu.parse(info)
    return Processor(
        model=fields.get("model name") or _arm(fields),
        logical=online,
        cores=cores,
        performance=kinds[0],
        efficiency=kinds[1],
        level=known.level if known else None,
        virtual=bool(known and known.virtual),
    )


def count(cpulist: str) -> int | None:
    """How many a list of the kernel's holds (``0-3,8``); None for anything else."""
    total = 0
    for part in cpulist.strip().split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or len(part) > 15:
            return None
        total += max(int(last or first) - int(first) + 1, 0)
    return total


def parse_sysctl(text: str) -> Processor:
    """``hw.physicalcpu: 12`` and the like; what an Intel Mac does not have is left out."""
    values = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}
    cores, logical, p, e = (int(n) if (n := values.get(name, "")).isdigit() else None for name in SYSCTL[1:])
    return Processor(values.get(SYSCTL[0], ""), logical, cores, p if e else None, e)


def parse_windows(name: str, answer: dict[str, object]) -> Processor:
    """The name of the registry, and the cores as (class, threads): the highest class is that of the performance cores."""
    listed = answer.get("cores")
    cores = [pair for pair in listed if isinstance(pair, list) and len(pair) == 2] if isinstance(listed, list) else []
    classes = [kind for kind, _ in cores]
    p = classes.count(max(classes)) if len(set(classes)) > 1 else None
    features = answer.get("features")
    return Processor(
        model=name.strip(),
        logical=sum(threads for _, threads in cores) or None,
        cores=len(cores) or None,
        performance=p,
        efficiency=len(cores) - p if p else None,
        features=tuple(map(str, features)) if isinstance(features, list) else (),
    )


def _windows(host: Host) -> Fact[Processor]:
    name, cores = host.registry(REGISTRY, "ProcessorNameString"), host.processors()
    if isinstance(name, Unknown) and isinstance(cores, Unknown):
        return cores
    answer = cores.value if isinstance(cores, Known) else {}
    source = cores.source if isinstance(cores, Known) else REGISTRY
    return Known(parse_windows(str(name.value) if isinstance(name, Known) else "", answer), source)


def _arm(fields: dict[str, str]) -> str:
    maker, part = fields.get("CPU implementer", ""), fields.get("CPU part", "")
    return f"Arm implementer {maker}, part {part}" if maker and part else ""


def _big_and_little(host: Host, online: int) -> dict[str, int]:
    """Arm's kernel says how strong each core is: 1024 is the strongest kind."""
    texts = [text_of(host.read(f"{SYSFS}/cpu{index}/cpu_capacity", 8)).strip() for index in range(online)]
    strong = sum(text == "1024" for text in texts)
    weak = sum(text.isdigit() and text != "1024" for text in texts)
    return {"performance": strong, "efficiency": weak} if strong and weak else {}


def _count(host: Host, path: str) -> int | None:
    answer = host.read(path, 1 << 12)
    return count(answer.value) if isinstance(answer, Known) else None

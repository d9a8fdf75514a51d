"""What the control group of this process leaves it: a container's limits, and those of a scheduler or a session."""

from __future__ import annotations

from torchsmith.engine.declare import detail
from torchsmith.host.base import Host
from torchsmith.model.facts.hardware import Cgroup
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

OWN, ROOT = "/proc/self/cgroup", "/sys/fs/cgroup"
NO_LIMIT = 1 << 60  # version 1 writes the highest page boundary where there is none
DEEPEST = 16


@detail
def cgroup(host: Host, machine: Machine) -> Fact[Cgroup | None]:
    """The lowest limit on the way from the group to the root counts. In a container the root may be all that is shown."""
    if machine.os != "linux":
        return Known(None, f"{machine.os} has no control groups")
    own = host.read(OWN, 1 << 14)
    if isinstance(own, Unknown):
        return own
    paths = parse_paths(own.value)
    if "memory" not in paths and "cpu" not in paths:
        quotas = [cpus(text) for text in _texts(host, ROOT, paths.get("", "/"), "cpu.max")]
        limits = [size(text) for text in _texts(host, ROOT, paths.get("", "/"), "memory.max")]
        used = [size(text) for text in _texts(host, ROOT, paths.get("", "/"), "memory.current")]
        return Known(Cgroup(2, _lowest(quotas), _least(limits), next(iter(used), None)), f"{OWN}, {ROOT}")
    place, group = f"{ROOT}/cpu", paths.get("cpu", "/")
    periods = list(_texts(host, place, group, "cpu.cfs_period_us"))
    quotas = [cpus(f"{q} {p}") for q, p in zip(_texts(host, place, group, "cpu.cfs_quota_us"), periods, strict=False)]
    place, group = f"{ROOT}/memory", paths.get("memory", "/")
    limits = [size(text) for text in _texts(host, place, group, "memory.limit_in_bytes")]
    used = [size(text) for text in _texts(host, place, group, "memory.usage_in_bytes")]
    return Known(Cgroup(1, _lowest(quotas), _least(limits), next(iter(used), None)), f"{OWN}, {ROOT}")


def parse_paths(text: str) -> dict[str, str]:
    """Controller to path of ``4:memory:/docker/0123`` and ``0::/user.slice`` (version 2: an empty controller)."""
    paths: dict[str, str] = {}
    for line in text.splitlines():
        fields = line.split(":", 2)
        if len(fields) == 3 and fields[2].startswith("/") and ".." not in fields[2]:
            paths |= dict.fromkeys(fields[1].split(","), fields[2])
    return paths


def cpus(text: str) -> float | None:
    """``150000 100000`` is 1.5; ``max`` and -1 are no limit."""
    quota, _, period = text.strip().partition(" ")
    if not quota.isdecimal() or not period.strip().isdecimal() or not int(period):
        return None
    return int(quota) / int(period)


def size(text: str) -> int | None:
    """Bytes; None for ``max`` and for the huge number that stands for it."""
    number = text.strip()
    return int(number) if number.isdecimal() and len(number) < 20 and int(number) < NO_LIMIT else None


def _texts(host: Host, place: str, group: str, name: str) -> Iterator[str]:
    """The file of the group and of every group above it, as far as they are shown here."""
    parts = [part for part in group.split("/") if part][:DEEPEST]
    for end in range(len(parts), -1, -1):
        answer = host.read("/".join((place, *parts[:end], name)), 64)
        if isinstance(answer, Known):
            yield answer.value


def _lowest(values: list[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _least(values: list[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)

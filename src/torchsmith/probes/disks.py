"""The file systems under the environment, the temporary files and the home folder (caches lie there)."""

from __future__ import annotations

from torchsmith.engine.declare import detail
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.hardware import Disk, Disks
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.known import Fact, Known, Unknown

MOUNTS = "/proc/self/mountinfo"
HINDER = ("ro", "noexec")


@detail
def disks(host: Host, machine: Machine, interpreter: Interpreter | Unknown) -> Fact[Disks]:
    """Room by the file system's own count; its kind and options from the list of mounts."""
    folders = host.folders()
    places = {name: folders.value[name] for name in ("temp", "home")} if isinstance(folders, Known) else {}
    if isinstance(interpreter, Interpreter) and interpreter.prefix:
        places = {"environment": interpreter.prefix, **places}
    mounts = parse_mounts(text_of(host.read(MOUNTS, 1 << 18))) if machine.os == "linux" else {}
    found = tuple(_disk(host, name, path, mounts) for name, path in places.items() if path)
    if not found:
        return folders if isinstance(folders, Unknown) else Unknown("no folder to look at", ("process",))
    return Known(Disks(found), f"statvfs, {MOUNTS}")


def parse_mounts(text: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    r"""Kind and hindering options by mount point; of two mounts over one point the later one counts.

    ``36 35 98:0 / /mnt/data rw,noexec master:1 - ext4 /dev/sda1 rw``; the kernel writes a space as ``\040``.
    """
    mounts = {}
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        fields, source = before.split(" "), after.split(" ")
        if dash and len(fields) > 5:
            options = {*fields[5].split(","), *(source[2].split(",") if len(source) > 2 else ())}
            mounts[fields[4].replace("\\040", " ")] = (source[0], tuple(name for name in HINDER if name in options))
    return mounts


def mount_of(path: str, mounts: dict[str, tuple[str, tuple[str, ...]]]) -> tuple[str, tuple[str, ...]]:
    """Kind and options of the mount that holds ``path``; empty where no list tells of it."""
    place = path.rstrip("/")
    while place:
        if place in mounts:
            return mounts[place]
        place = place.rpartition("/")[0]
    return mounts.get("/", ("", ()))


def _disk(host: Host, place: str, path: str, mounts: dict[str, tuple[str, tuple[str, ...]]]) -> Disk:
    room, real = host.disk(path), host.real(path)
    kind, options = mount_of(real.value if isinstance(real, Known) else path, mounts)
    if isinstance(room, Unknown):
        return Disk(place, path, kind=kind, options=options, why=room.reason)
    return Disk(place, path, room.value["total"], room.value["free"], kind, options)

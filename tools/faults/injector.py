"""The injector: compiled once, told what to do through a page that all processes of a run share."""

from __future__ import annotations

import atexit
import ctypes
import errno
import mmap
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

SOURCE: Final = Path(__file__).with_name("injector.c")
CACHE: Final = Path(__file__).parents[2] / ".cache" / "faults"

CHANGES, SPACE, WRITES, SYNCS, OPENS = 1, 2, 4, 8, 16
_NOTHING, _SIGNAL, _ERROR, _SHORT, _TORN = range(5)
CALLER, EVERYONE, DRIVER = range(3)


_NUMBERS: Final = 4096


class _Page(ctypes.Structure):
    _fields_ = (
        ("count", ctypes.c_long),
        ("hits", ctypes.c_long),
        ("at", ctypes.c_long),
        ("again", ctypes.c_long),
        ("clock_at", ctypes.c_long),
        ("clock_by", ctypes.c_long),
        ("on", ctypes.c_int),
        ("order", ctypes.c_int),
        ("number", ctypes.c_int),
        ("sticky", ctypes.c_int),
        ("scope", ctypes.c_int),
        ("driver", ctypes.c_int),
        ("classes", ctypes.c_int),
        ("logging", ctypes.c_int),
        ("root", ctypes.c_char * 1024),
        ("log", ctypes.c_char * 1024),
        ("renumbered", ctypes.c_long),
        ("numbers", ctypes.c_ulong * (2 * _NUMBERS)),
    )


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at a call: its name in reports, the order, whom a signal meets, and which calls it is about."""

    name: str
    order: int
    number: int = 0
    classes: int = CHANGES
    scope: int = CALLER
    sticky: bool = False
    twice: int = 0
    """A second signal so many calls later."""


def _error(name: str, classes: int = CHANGES, *, sticky: bool = False) -> Fault:
    return Fault(f"{name} from there on" if sticky else name, _ERROR, getattr(errno, name), classes, sticky=sticky)


FAULTS: Final = {
    fault.name: fault
    for fault in (
        Fault("SIGKILL", _SIGNAL, signal.SIGKILL),
        Fault("SIGKILL of all", _SIGNAL, signal.SIGKILL, scope=EVERYONE),
        Fault("SIGKILL of torchsmith", _SIGNAL, signal.SIGKILL, scope=DRIVER),
        Fault("torn write", _TORN, classes=WRITES, scope=EVERYONE),
        Fault("SIGINT", _SIGNAL, signal.SIGINT, scope=EVERYONE),
        Fault("SIGINT twice", _SIGNAL, signal.SIGINT, scope=EVERYONE, twice=3),
        Fault("SIGTERM", _SIGNAL, signal.SIGTERM, scope=DRIVER),
        _error("ENOSPC", SPACE),
        _error("ENOSPC", SPACE, sticky=True),
        _error("EDQUOT", SPACE, sticky=True),
        _error("EIO"),
        _error("EIO", sticky=True),
        _error("EROFS", sticky=True),
        _error("EACCES"),
        _error("EACCES", sticky=True),
        _error("EPERM"),
        _error("EMFILE", OPENS),
        _error("EMFILE", OPENS, sticky=True),
        _error("ENAMETOOLONG"),
        Fault("short write", _SHORT, classes=WRITES),
        Fault("short writes from there on", _SHORT, classes=WRITES, sticky=True),
        _error("EINTR", WRITES | SYNCS),
        Fault("fsync error", _ERROR, errno.EIO, SYNCS),
        Fault("fsync errors from there on", _ERROR, errno.EIO, SYNCS, sticky=True),
    )
}


class Call(NamedTuple):
    """A call of the log, in order; ``data`` is what it wrote."""

    number: int
    name: str
    inode: int
    value: int
    path: str
    second: str
    data: bytes


def compiled() -> Path:
    """The library, compiled anew where its source is newer."""
    target = CACHE / "injector.so"
    if not target.exists() or target.stat().st_mtime <= SOURCE.stat().st_mtime:
        CACHE.mkdir(parents=True, exist_ok=True)
        made = target.with_name(f"injector-{os.getpid()}.so")
        command: list[str | Path] = ["gcc", "-O1", "-Wall", "-shared", "-fPIC", "-o", made, SOURCE, "-ldl"]
        subprocess.run(command, check=True)
        made.replace(target)
    return target


@dataclass(slots=True)
class Injector:
    """One page and what stands in it. Its ``variables`` make a program obey it."""

    root: Path
    folder: Path
    _map: mmap.mmap = field(init=False)
    _page: _Page = field(init=False)

    def __post_init__(self) -> None:
        path = self.folder / "page"
        if not path.exists():
            path.write_bytes(bytes(ctypes.sizeof(_Page)))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._page = _Page.from_buffer(self._map)
        self._page.root = os.fsencode(self.root)
        self._page.log = os.fsencode(self.folder / "log")

    @property
    def variables(self) -> dict[str, str]:
        """For the environment of a program."""
        return {"LD_PRELOAD": str(compiled()), "FI_PAGE": str(self.folder / "page")}

    def arm(self, fault: Fault | None = None, at: int = 0, *, log: bool = False, clock: tuple[int, int] = (0, 0)) -> None:
        """Count from now on; do what the fault says at call ``at`` of its classes. ``clock``: from which call, by seconds."""
        page = self._page
        page.count = page.hits = page.driver = 0
        page.at, page.logging = at, log
        page.clock_at, page.clock_by = clock
        page.order, page.number, page.classes = (fault.order, fault.number, fault.classes) if fault else (_NOTHING, 0, CHANGES)
        page.scope, page.sticky = (fault.scope, fault.sticky) if fault else (0, False)
        page.again = at + fault.twice if fault and fault.twice else 0
        (self.folder / "log").unlink(missing_ok=True)
        page.on = 1

    def driven_by(self, process: int) -> None:
        """Whom a signal to torchsmith itself meets; it leads a process group of its own."""
        self._page.driver = process

    def renumber(self, numbers: dict[int, int]) -> None:
        """From now on an inode bears another number; nothing given: its own."""
        if len(numbers) > _NUMBERS:
            raise ValueError("too many inodes")
        for place, (real, told) in enumerate(numbers.items()):
            self._page.numbers[place], self._page.numbers[_NUMBERS + place] = real, told
        self._page.renumbered = len(numbers)

    def disarm(self) -> None:
        """Nothing happens any more, whoever still runs."""
        self._page.on = 0

    @property
    def count(self) -> int:
        """How many calls of the fault's classes there were."""
        return int(self._page.count)

    @property
    def hits(self) -> int:
        """How often the fault was injected."""
        return int(self._page.hits)

    def calls(self) -> list[Call]:
        """The log of a run that was armed with it."""
        path = self.folder / "log"
        data = path.read_bytes() if path.exists() else b""
        found, at = [], 0
        while at < len(data):
            end = data.index(b"\n", at)
            number, name, inode, value, size, first, second = data[at:end].split(b"\t")
            body = data[end + 1 : end + 1 + int(size)]
            at = end + 1 + int(size)
            path_1, path_2 = (os.path.normpath(os.fsdecode(each)) if each else "" for each in (first, second))
            path_1 = os.fsdecode(first) if name == b"symlink" else path_1
            found.append(Call(int(number), name.decode(), int(inode), int(value), path_1, path_2, body))
        return sorted(found, key=lambda call: call.number)


def made(root: Path) -> Injector:
    """An injector for what lies below a folder, with a page of its own."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="page-", dir=CACHE))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Injector(root.resolve(), folder)

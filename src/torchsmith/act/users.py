"""Who uses an environment at this moment: processes that run its Python, or have its files open or mapped.

Nobody is disturbed, and what may not be looked at (another user's process) is told by its command line alone. This process,
those that started it and those that it started do not count.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from torchsmith.host.redact import without_secrets
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LIMIT = 3.0
"""Seconds for the whole look; what was not reached by then is not told."""
_LONGEST = 120
_MAPS = 8 << 20
"""Bytes of a process's map that are read."""
_FILES = 4096
"""Open files of one process that are looked at."""


@record
class Prefix:
    """An environment's folder by every name that a process may know it by."""

    names: tuple[str, ...]

    def holds(self, path: str) -> bool:
        """Whether a path is the folder or below it."""
        path = path.removesuffix(" (deleted)")
        return any(path == name or path.startswith(name + os.sep) for name in self.names)


def users(prefix: Path) -> tuple[str, ...]:
    """``pid 4711 python train.py`` of each process that uses the environment at ``prefix``, by number."""
    at = Prefix(tuple(dict.fromkeys((os.path.abspath(prefix), os.path.realpath(prefix)))))
    if sys.platform == "win32":
        from torchsmith.act import users_windows

        found = users_windows.using(at)
    elif sys.platform == "darwin":
        found = _by_lsof(at)
    else:
        found = _by_proc(at)
    return tuple(f"pid {pid} {command}".rstrip() for pid, command in sorted(found.items()))


# ---- Linux


def _by_proc(prefix: Prefix, root: str = "/proc") -> dict[int, str]:
    ends = time.monotonic() + LIMIT
    own = _own_tree(root)
    found = {}
    for pid in _processes(root):
        if time.monotonic() > ends:
            break
        if pid not in own and _uses(f"{root}/{pid}", prefix):
            found[pid] = shown(_words(f"{root}/{pid}/cmdline"))
    return found


def _processes(root: str) -> Iterator[int]:
    with suppress(OSError), os.scandir(root) as entries:
        for entry in entries:
            if entry.name.isdigit():
                yield int(entry.name)


def _own_tree(root: str) -> set[int]:
    """This process, those above it, and all that came from it."""
    parents = {pid: _parent(f"{root}/{pid}/stat") for pid in _processes(root)}
    me = os.getpid()
    own, above = {me}, parents.get(me, 0)
    while above and above not in own:
        own.add(above)
        above = parents.get(above, 0)
    for pid in parents:
        line, at = [], pid
        while at and at not in line:
            line.append(at)
            at = parents.get(at, 0)
        if me in line:
            own.add(pid)
    return own


def _parent(stat: str) -> int:
    """The fourth word of /proc/PID/stat; the second is a name in brackets that may hold anything."""
    with suppress(OSError, ValueError, IndexError):
        return int(_read(stat, 4096).rpartition(b")")[2].split()[1])
    return 0


def _uses(process: str, prefix: Prefix) -> bool:
    if not _same_files(process, prefix):
        return False
    if prefix.holds(_link(f"{process}/exe")) or prefix.holds(_link(f"{process}/cwd")):
        return True
    return _started_from(process, prefix) or _mapped(process, prefix) or _opened(process, prefix)


def _same_files(process: str, prefix: Prefix) -> bool:
    """Whether the process sees the same folder by this name: one in a container may not."""
    try:
        if _link(f"{process}/ns/mnt") == _link(f"{process}/../self/ns/mnt"):
            return True
        there, here = os.stat(f"{process}/root{prefix.names[-1]}"), os.stat(prefix.names[-1])
    except OSError:
        return True
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _started_from(process: str, prefix: Prefix) -> bool:
    """Whether its program or script is one of the environment: the Python of a venv is a link to one outside."""
    words = _words(f"{process}/cmdline")[:2]
    folder = _link(f"{process}/cwd")
    for word in words:
        if word.startswith("-"):
            break
        if prefix.holds(os.path.normpath(os.path.join(folder, word))) and os.sep in word:
            return True
    return bool(words) and os.sep not in words[0] and _by_path(process, words[0], prefix)


def _by_path(process: str, name: str, prefix: Prefix) -> bool:
    """Whether a program that was called by its bare name is the environment's, by the PATH of the process."""
    variables = _words(f"{process}/environ")
    path = next((word[5:] for word in variables if word.startswith("PATH=")), "")
    first = next((f for f in path.split(os.pathsep) if f and os.path.exists(os.path.join(f, name))), "")
    if not first or not prefix.holds(os.path.abspath(first)):
        return False
    with suppress(OSError):
        return os.path.samefile(os.path.join(first, name), f"{process}/exe")
    return False


def _mapped(process: str, prefix: Prefix) -> bool:
    text = _read(f"{process}/maps", _MAPS)
    if not any(os.fsencode(name) in text for name in prefix.names):
        return False
    paths = (line.split(None, 5)[-1] for line in text.splitlines() if b"/" in line)
    return any(prefix.holds(os.fsdecode(path)) for path in paths)


def _opened(process: str, prefix: Prefix) -> bool:
    with suppress(OSError), os.scandir(f"{process}/fd") as entries:
        for number, entry in enumerate(entries):
            if number >= _FILES:
                break
            if prefix.holds(_link(entry.path)):
                return True
    return False


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _words(path: str) -> list[str]:
    return [os.fsdecode(word) for word in _read(path, 1 << 20).rstrip(b"\0").split(b"\0") if word]


def _read(path: str, limit: int) -> bytes:
    """The file, as far as it may be read; the kernel gives a page at a time."""
    parts: list[bytes] = []
    with suppress(OSError), open(path, "rb", buffering=0) as file:
        while limit > 0 and (part := file.read(min(limit, 1 << 16))):
            parts.append(part)
            limit -= len(part)
    return b"".join(parts)


def shown(words: Iterable[str]) -> str:
    """A command as one line: the program by its name, without passwords, not longer than a reader bears."""
    first, *rest = [*words] or [""]
    text = without_secrets(" ".join(" ".join((os.path.basename(first), *rest)).split()))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


# ---- macOS


def _by_lsof(prefix: Prefix) -> dict[int, str]:
    from torchsmith.act import tools

    environ = tools.environment(PATH="/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C")
    commands = of_ps(tools.run(("/bin/ps", "-axww", "-o", "pid=,ppid=,command="), LIMIT, environ).out)
    listed = tools.run(("/usr/sbin/lsof", "-nPw", "-F", "pcn"), LIMIT * 3, environ).out
    return of_lsof(listed, prefix, commands, os.getpid())


def of_ps(text: str) -> dict[int, tuple[int, str]]:
    """Of each process its parent and its command, from ``ps -o pid=,ppid=,command=``."""
    found = {}
    for line in text.splitlines():
        words = line.split(None, 2)
        if len(words) > 1 and words[0].isdigit() and words[1].isdigit():
            found[int(words[0])] = (int(words[1]), words[2] if len(words) > 2 else "")
    return found


def of_lsof(text: str, prefix: Prefix, commands: Mapping[int, tuple[int, str]], me: int) -> dict[int, str]:
    """Who has a file of the environment open, from ``lsof -F pcn``: p begins a process, c is its name, n a file."""
    found: dict[int, str] = {}
    pid, name = 0, ""
    for line in text.splitlines():
        kind, value = line[:1], line[1:]
        if kind == "p":
            pid, name = (int(value) if value.isdigit() else 0), ""
        elif kind == "c":
            name = value
        elif kind == "n" and pid and prefix.holds(value):
            found.setdefault(pid, shown((commands.get(pid, (0, ""))[1] or name).split()))
    for other, (_, command) in commands.items():
        if prefix.holds(command.split()[0] if command.split() else ""):
            found.setdefault(other, shown(command.split()))
    own = _line(me, commands) | {other for other in commands if me in _line(other, commands)}
    return {other: command for other, command in found.items() if other not in own and other != me}


def _line(pid: int, commands: Mapping[int, tuple[int, str]]) -> set[int]:
    """A process and all above it."""
    line: set[int] = set()
    while pid and pid not in line:
        line.add(pid)
        pid = commands.get(pid, (0, ""))[0]
    return line

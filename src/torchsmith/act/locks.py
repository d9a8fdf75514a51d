"""Locks with an owner: two runs never change the same environment, project or settings at once.

The kernel gives a lock back when its owner ends, however it ends. Where a file system has no locks, a file that names host, boot,
process and the time it was started stands for one. A program that a run has started holds the lock too, so that nobody tidies
under an installer that outlived us.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from torchsmith.act import files
from torchsmith.model.errors import HeldError, TryAgainError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

_TRIES, _MOMENT = 3, 0.03
OURS = ".torchsmith"
"""The folder beside an environment, or in a project, that is ours: staging, generations, the lock."""


def of_environment(prefix: Path) -> Path:
    """The folder beside an environment for its clones and generations."""
    return prefix.parent / OURS / prefix.name


def own_folder(path: Path) -> Path:
    """Make such a folder; git and whoever looks for sources leave it alone.

    Raises:
        UsageError: something of that name is there that is not ours: a link leads anywhere, and a project may bring one.

    """
    top = next(parent for parent in (path, *path.parents) if parent.name == OURS)
    for folder in (*reversed([each for each in path.parents if each.is_relative_to(top)]), path):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o755)
        if not is_own(folder):
            raise UsageError(f"`{folder}` is not a folder of torchsmith's own: look what it is, and move it away")
    mark = top / ".gitignore"
    with suppress(OSError):  # a courtesy: a disk without a byte left needs no mark
        if not mark.is_symlink() and (not mark.exists() or not mark.stat().st_size):
            files.write(mark, b"*\n", 0o644)
    return path


def is_own(folder: Path) -> bool:
    """Whether it is a folder, no link to one, and belongs to us or to whom the folder around it belongs to."""
    about = folder.lstat()
    owners = {folder.parent.stat().st_uid, os.geteuid()} if hasattr(os, "geteuid") else {about.st_uid}
    # Who could write into a folder that is not ours could exchange what lies there while we look.
    meddled = hasattr(os, "geteuid") and about.st_uid != os.geteuid() and bool(about.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    return stat.S_ISDIR(about.st_mode) and about.st_uid in owners and not meddled


@contextmanager
def held(paths: Sequence[Path]) -> Iterator[None]:
    """Hold these locks; always in the same order, so that two runs cannot wait for each other.

    Raises:
        HeldError: another process holds one.
        TryAgainError: a lock cannot be made here.

    """
    with ExitStack() as stack:
        for path in sorted(set(paths)):
            stack.enter_context(_one(path))
        yield


def owner(path: Path) -> str:
    """Who holds a lock at this moment, in words; empty for nobody. Looking leaves no trace."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return ""
    try:
        return _held(path, _content(descriptor)) if _take(descriptor, shared=True) is False else ""
    finally:
        os.close(descriptor)


@contextmanager
def _one(path: Path) -> Iterator[None]:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise TryAgainError(f"the lock `{path}` cannot be made: {error.strerror or error}") from None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
            raise UsageError(f"the lock `{path}` is no plain file of torchsmith's own: look what it is, and move it away")
        taken = _take(descriptor)
        if taken is None:
            with _by_name(path.with_name(f"{path.name}.held")):
                yield
            return
        if not taken:
            raise HeldError(_held(path, _content(descriptor)))
        with suppress(OSError):  # the kernel's lock counts; who holds it is told where it can be
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, json.dumps(_self()).encode())
        os.set_inheritable(descriptor, True)
        try:
            yield
        finally:
            _give_back(descriptor)
    finally:
        os.close(descriptor)


def _give_back(descriptor: int) -> None:
    """For all that have inherited it too: what an installer leaves running (an agent, a cache) must not hold it for ever."""
    if os.name != "nt":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _take(descriptor: int, *, shared: bool = False) -> bool | None:
    """Whether the lock is ours now; None where there are no locks. Somebody who only looks has it for a moment."""
    if os.name == "nt":
        return _take_on_windows(descriptor)
    import errno
    import fcntl

    for left in range(_TRIES, 0, -1):
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                return None
            if left > 1:
                time.sleep(_MOMENT)
        else:
            return True
    return False


def _take_on_windows(descriptor: int) -> bool:
    import msvcrt

    try:
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # beyond what names the owner, which others read
        getattr(msvcrt, "locking")(descriptor, getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009 - mypy knows them on Windows alone
    except OSError:
        return False
    return True


@contextmanager
def _by_name(path: Path) -> Iterator[None]:
    """A file that exists as long as its owner lives."""
    for _ in range(2):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            told = _parsed(path.read_bytes())
            if not _gone(told):
                raise HeldError(_held(path, json.dumps(told).encode())) from None
            with suppress(FileNotFoundError):
                path.unlink()
            continue
        os.write(descriptor, json.dumps(_self()).encode())
        os.close(descriptor)
        try:
            yield
        finally:
            with suppress(FileNotFoundError):
                path.unlink()
        return
    raise HeldError(f"`{path}` is held by another run")


def _self() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "boot": _boot(), "started": _started(os.getpid())}


def _gone(told: dict[str, Any]) -> bool:
    """Whether the owner surely has ended: on this host, another boot, or no such process that was started then."""
    if not told or told.get("host") != socket.gethostname():
        return False
    pid = told.get("pid")
    return told.get("boot") != _boot() or not isinstance(pid, int) or _started(pid) != told.get("started")


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def _started(pid: int) -> str:
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    return ""


def _content(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, 4096)


def _parsed(data: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        told = json.loads(data)
        return told if isinstance(told, dict) else {}
    return {}


def _held(path: Path, data: bytes) -> str:
    told = _parsed(data)
    pid = told.get("pid")
    if isinstance(pid, int) and _started(pid) == told.get("started"):
        return f"another run of torchsmith (process {pid} on {told.get('host')}) changes `{path.parent}`: wait for its end"
    return (
        f"a program that an earlier run started still works in `{path.parent}` (its owner, process {pid}, has ended): wait for it"
    )

"""Locks with an owner: two runs never change the same environment, project or settings at once.

The kernel gives a lock back when its owner ends, however it ends. Where a file system has no locks, a file that names host, boot,
process and the time it was started stands for one. A program that a run has started holds the lock too, so that nobody tidies
under an installer that outlived us.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from torchsmith.act import files
from torchsmith.model.errors import HeldError, TryAgainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

OURS = ".torchsmith"
"""The folder beside an environment, or in a project, that is ours: staging, generations, the lock."""


def of_environment(prefix: Path) -> Path:
    """The folder beside an environment for its clones and generations."""
    return prefix.parent / OURS / prefix.name


def own_folder(path: Path) -> Path:
    """Make such a folder; git and whoever looks for sources leave it alone."""
    top = next(parent for parent in (path, *path.parents) if parent.name == OURS)
    path.mkdir(mode=0o755, parents=True, exist_ok=True)
    mark = top / ".gitignore"
    with suppress(OSError):  # a courtesy: a disk without a byte left needs no mark
        if not mark.is_file() or not mark.stat().st_size:
            files.write(mark, b"*\n", 0o644)
    return path


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
    """Who holds a lock at this moment, in words; empty for nobody."""
    try:
        with _one(path):
            return ""
    except HeldError as error:
        return str(error)
    except TryAgainError:
        return ""


@contextmanager
def _one(path: Path) -> Iterator[None]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise TryAgainError(f"the lock `{path}` cannot be made: {error.strerror or error}") from None
    try:
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
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool | None:
    """Whether the lock is ours now; None where there are no locks."""
    if os.name == "nt":
        return _take_on_windows(descriptor)
    import errno
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in {errno.EWOULDBLOCK, errno.EACCES} else None
    return True


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

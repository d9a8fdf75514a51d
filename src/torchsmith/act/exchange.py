"""Two folders change places in one step, or a folder moves to where nothing is: what makes a change all or nothing."""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from torchsmith.act.files import sync_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 10.0
"""Seconds that Windows is asked again for a folder in which a virus scanner or an editor holds a file."""
_NO_REPLACE = 1
_EXCHANGE = 2
_SYSTEM_CALL = {"x86_64": 316, "aarch64": 276, "riscv64": 276, "ppc64le": 357, "s390x": 347, "armv7l": 382, "i686": 353}
"""The number of renameat2, for a C library that has no name for it (glibc before 2.28, musl before 1.2.6)."""
_HERE = -100
_RENAMEX_EXCLUDE = 4
_RENAMEX_SWAP = 2
_CANNOT = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY)
_HELD = (5, 32)
"""WinError: access denied, sharing violation."""


class NotAtomicError(OSError):
    """This file system cannot let two folders change places in one step; the message says which one and why."""


def exchange(first: Path, second: Path) -> None:
    """Let two folders (or files) of one file system change places at once: nobody ever sees either path empty.

    Raises:
        NotAtomicError: the system or the file system has no such step; nothing was changed.
        OSError: they cannot be renamed (another file system, a mount point, no right); nothing was changed.

    """
    _renamed(first, second, _EXCHANGE, _RENAMEX_SWAP)
    sync(first, second)


def place(staged: Path, target: Path) -> None:
    """Move to where nothing is; what lies there is never replaced.

    Raises:
        OSError: something is there, or it cannot be renamed; nothing was changed.

    """
    try:
        _renamed(staged, target, _NO_REPLACE, _RENAMEX_EXCLUDE)
    except NotAtomicError:
        # A file renamed on POSIX would replace; a link fails where there is one. Folders replace empty folders only.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        patiently(lambda: staged.rename(target))
    sync(staged, target)


@contextmanager
def tried(folder: Path) -> Iterator[Path]:
    """A folder to try something in. Its name is fixed: what a run that was killed left there, the next one takes away."""
    made = folder / ".torchsmith-probe"
    _emptied(made)
    made.mkdir()
    try:
        yield made
    finally:
        _emptied(made)


def _emptied(made: Path) -> None:
    """Remove the probe by the names that are made in it: whatever else might lie there stays."""
    for name in ("full", "first", "second", "third"):
        with suppress(OSError):
            (made / name).unlink()
    with suppress(OSError):
        made.rmdir()


def movable(folder: Path, beside: Path | None = None) -> str:
    """Why a folder cannot be renamed where it is: empty if it can be. It stays as it is; ``beside`` is where to try.

    Renaming a folder onto one that is not empty always fails; what else is wrong (a mount point, a lower layer of a
    container's image, no right, a folder that may not be changed) is told before that.
    """
    if folder.is_symlink():
        return f"`{folder}` is a symbolic link to `{folder.resolve()}`"
    try:
        with tried(beside or folder.parent) as made:
            (made / "full").touch()
            folder.rename(made)
            made.rename(folder)
    except OSError as error:
        if os.name == "nt":
            return ""  # Windows refuses every rename onto something, in the same words as one that may not be
        reasons = {
            errno.ENOTEMPTY: "",
            errno.EEXIST: "",
            errno.EBUSY: f"`{folder}` is a mount point: it cannot change places with its copy",
            errno.EXDEV: f"`{folder}` is a mount point, or lies in a lower layer of a container's image: it cannot be renamed",
        }
        return reasons.get(error.errno or 0, f"`{folder}` cannot be renamed: {error.strerror or error}")
    return f"`{folder}` cannot be renamed"  # pragma: no cover: the file system replaced a folder that was not empty


def _renamed(first: Path, second: Path, flag: int, flag_of_macos: int) -> None:
    call = _call()
    if call is None:
        raise NotAtomicError(errno.ENOSYS, f"{sys.platform} has no step that exchanges two folders", str(first))
    number = call(os.fsencode(first), os.fsencode(second), flag_of_macos if sys.platform == "darwin" else flag)
    if number in _CANNOT:
        raise NotAtomicError(number, f"the file system has no such step ({os.strerror(number)})", str(first))
    if number:
        raise OSError(number, os.strerror(number), str(first), None, str(second))


def _call() -> Callable[[bytes, bytes, int], int] | None:
    """The system's word for it: takes two paths and a flag, gives an error number or 0."""
    if os.name == "nt":
        return None
    import ctypes
    import platform

    library = ctypes.CDLL(None, use_errno=True)
    number = _SYSTEM_CALL.get(platform.machine())
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return lambda first, second, flag: ctypes.get_errno() if library.renamex_np(first, second, flag) else 0
    if not sys.platform.startswith("linux"):
        return None
    if hasattr(library, "renameat2"):
        return lambda first, second, flag: ctypes.get_errno() if library.renameat2(_HERE, first, _HERE, second, flag) else 0
    if number is None:
        return None
    return lambda first, second, flag: ctypes.get_errno() if library.syscall(number, _HERE, first, _HERE, second, flag) else 0


def patiently(act: Callable[[], object]) -> None:
    """Try again for a while: on Windows a file that somebody looks at cannot be renamed."""
    ends = time.monotonic() + (PATIENCE if os.name == "nt" else 0)
    wait = 0.05
    while True:
        try:
            act()
        except OSError as error:
            if getattr(error, "winerror", None) not in _HELD or time.monotonic() + wait > ends:
                raise
            time.sleep(wait)
            wait *= 2
        else:
            return


def sync(first: Path, second: Path) -> None:
    """Have the names in both folders on the disk."""
    for folder in {first.parent, second.parent}:
        with suppress(FileNotFoundError):
            sync_folder(folder)

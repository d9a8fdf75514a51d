"""A second tree with the same files as an environment, made in a second: the installer works on it, never on the live one.

Files share their data with the live ones: as reflinks where the file system has them, else as hard links, else not (copies).
Through a hard link a program that writes in place would change the live file too. Installers replace files, they do not
write into them; those few files that programs do write into are copied for real, and ``damaged`` finds whoever did it
nevertheless. What was written into a large file that way is lost: nothing else holds the old bytes, and ``owners`` says which
package has to be installed anew.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from torchsmith.act import exchange
from torchsmith.act.fingerprints import MARK, Snapshot, damaged, fingerprint, owners, snapshot
from torchsmith.act.watch import Silent
from torchsmith.model.errors import TorchsmithError, TryAgainError
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from torchsmith.act.watch import Watch

__all__ = ["MARK", "CannotCloneError", "Cloned", "Snapshot", "clone", "damaged", "fingerprint", "owners", "remove", "snapshot"]

REFLINK = "reflink"
HARD_LINK = "hard link"
COPY = "copy"
_FICLONE = 0x40049409
_TOLD_EVERY = 500
_BINARY = getattr(os, "O_BINARY", 0)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_LINK = (errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EACCES, errno.EINVAL)
"""Why a file cannot be linked: another's file (protected_hardlinks), too many links, a mount, a file system without links."""
_PRIVATE_FOLDERS = frozenset({"bin", "Scripts", "conda-meta", "etc"})
"""Of an environment: what is in them is copied for real (up to ``_PRIVATE_BYTES`` each)."""
_PRIVATE_ENDINGS = (".dist-info", ".egg-info", ".data")
_PRIVATE_FILES = (".pth", ".egg-link", ".cfg", ".lock", ".cache", ".compiled")
_PRIVATE_BYTES = 1 << 20
_PRIVATE_SUM = 40 << 20


class CannotCloneError(TorchsmithError):
    """An environment cannot be cloned: what stands in it cannot be read or cannot be copied; nothing was changed."""

    exit_code = 5


@record
class Cloned:
    """How a tree was cloned: ``mode`` is reflink, hard link or copy; how many files; bytes of the disk that it took."""

    mode: str
    files: int
    new_bytes: int


def clone(source: Path, target: Path, watch: Watch | None = None, *, mode: str = "") -> Cloned:
    """Make ``target``, not there yet or empty, a tree of the same files. What was made of it at an error, the caller removes.

    Modes, times, owners, symbolic links and hard links within the tree are kept. ``mode`` asks for a less sharing one (COPY:
    nothing is shared).

    Raises:
        TryAgainError: the disk is full.
        CannotCloneError: something cannot be read, or is neither file, folder nor link.

    """
    work = _Cloning(source, target, watch or Silent(), mode)
    try:
        work.folder(str(source), str(target), private=False)
    except OSError as error:
        path = error.filename2 or error.filename or target
        if error.errno in _FULL:
            raise TryAgainError(f"No room for a copy of `{source}` ({error.strerror}); nothing was changed") from error
        raise CannotCloneError(f"`{source}` cannot be cloned: `{path}`: {error.strerror or error}") from error
    return Cloned(work.mode, work.files, work.new_bytes)


def remove(tree: Path) -> None:
    """Take a tree away, with folders and files that may not be written; one that is not there is no fault."""

    def again(call: Callable[..., object], path: str, error: BaseException) -> None:
        if isinstance(error, FileNotFoundError):
            return
        # Never a file: it may be a second name of one that is live.
        for one in (os.path.dirname(path), path):
            if os.path.isdir(one) and not os.path.islink(one):
                with suppress(OSError):
                    os.chmod(one, os.stat(one).st_mode | stat.S_IRWXU)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            call(path)

    if tree.is_symlink() or tree.is_file():
        tree.unlink()
    elif os.path.lexists(tree):
        shutil.rmtree(tree, onerror=lambda call, path, found: again(call, path, found[1]))


class _Cloning:
    """One clone under way."""

    def __init__(self, source: Path, target: Path, watch: Watch, mode: str) -> None:
        self.watch = watch
        self.files = 0
        self.new_bytes = 0
        self.private_left = _PRIVATE_SUM
        self.inodes: dict[tuple[int, int], str] = {}
        self.root = str(source)
        self.mode = mode or _best_mode(source, target)

    def folder(self, source: str, target: str, *, private: bool) -> None:
        about = os.lstat(source)
        waits = source == self.root and os.path.isdir(target) and {*os.listdir(target)} <= {MARK}
        if not waits:
            os.mkdir(target, 0o700)
        self.new_bytes += 4096
        with os.scandir(source) as found:
            entries = list(found)
        top = source == self.root
        for entry in entries:
            name = entry.name
            to = f"{target}/{name}"
            if entry.is_symlink():
                self._link(entry, to)
            elif entry.is_dir():
                own = private or (top and name in _PRIVATE_FOLDERS) or name.endswith(_PRIVATE_ENDINGS)
                self.folder(entry.path, to, private=own)
            elif entry.is_file():
                self._file(entry, to, private or top or name.endswith(_PRIVATE_FILES))
            else:
                raise CannotCloneError(f"`{entry.path}` is neither file, folder nor link: a copy of it would be none")
        _like(target, about, source)

    def _link(self, entry: os.DirEntry[str], to: str) -> None:
        about = entry.stat(follow_symlinks=False)
        os.symlink(os.readlink(entry.path), to)
        self.files += 1
        if hasattr(os, "lchown") and _foreign(about):
            with suppress(PermissionError):  # whose a link is counts nowhere
                os.lchown(to, about.st_uid, about.st_gid)
        if os.utime in os.supports_follow_symlinks:
            os.utime(to, ns=(about.st_atime_ns, about.st_mtime_ns), follow_symlinks=False)

    def _file(self, entry: os.DirEntry[str], to: str, private: bool) -> None:
        self.files += 1
        if not self.files % _TOLD_EVERY:
            self.watch.advance(self.files, None, "files")
        if self.mode == HARD_LINK and not (private and self._affordable(entry)) and _linked(entry.path, to):
            return
        about = entry.stat(follow_symlinks=False)
        if about.st_nlink > 1 and self._as_before(about, to):
            return
        self._copied(entry.path, to, about)

    def _affordable(self, entry: os.DirEntry[str]) -> bool:
        size = entry.stat(follow_symlinks=False).st_size
        if size > min(_PRIVATE_BYTES, self.private_left):
            return False
        self.private_left -= max(size, 4096)
        return True

    def _as_before(self, about: os.stat_result, to: str) -> bool:
        """A second name of a file that was copied already becomes a second name of the copy."""
        key = about.st_dev, about.st_ino
        first = self.inodes.setdefault(key, to)
        if first == to:
            return False
        os.link(first, to)
        return True

    def _copied(self, source: str, to: str, about: os.stat_result) -> None:
        # Descriptors instead of file objects: with reflinks this is done for each of 26,000 files.
        old = os.open(source, os.O_RDONLY | _BINARY)
        try:
            new = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
            try:
                if self.mode != REFLINK or not _reflinked(old, new):
                    self.new_bytes += _poured(old, new)
                if os.utime in os.supports_fd:
                    _like(new, about, old)
            finally:
                os.close(new)
        finally:
            os.close(old)
        if os.utime not in os.supports_fd:
            _like(to, about, source)


def _best_mode(source: Path, target: Path) -> str:
    """What the file system can, tried with a file beside the target."""
    with suppress(OSError), exchange.tried(target.parent) as made:
        if os.stat(source).st_dev != os.stat(made).st_dev:
            return COPY
        first, second = made / "first", made / "second"
        first.write_bytes(b"x" * 4096)
        with first.open("rb") as old, second.open("wb") as new:
            if _reflinked(old.fileno(), new.fileno()):
                return REFLINK
        return HARD_LINK if _linked(str(first), str(made / "third")) else COPY
    return HARD_LINK


def _linked(source: str, to: str) -> bool:
    """A second name of the file; no for one that must not or cannot have one."""
    try:
        os.link(source, to, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        return False
    return True


def _poured(source: int, target: int) -> int:
    """Copy all bytes; how many of the disk they take."""
    size = 0
    while data := os.read(source, 1 << 20):
        size += len(data)
        view = memoryview(data)
        while view:
            view = view[os.write(target, view) :]
    return size + 4095 & ~4095


def _reflinked(source: int, target: int) -> bool:
    try:
        import fcntl

        fcntl.ioctl(target, _FICLONE, source)
    except (ImportError, OSError):
        return False
    return True


def _foreign(about: os.stat_result) -> bool:
    return hasattr(os, "geteuid") and (about.st_uid != os.geteuid() or about.st_gid != os.getegid())


def _like(path: str | int, about: os.stat_result, model: str | int) -> None:
    """Owner, attributes, mode and times, in this order: changing the owner takes bits of the mode away."""
    if _foreign(about):
        with suppress(PermissionError):
            os.chown(path, about.st_uid, about.st_gid)
    if hasattr(os, "listxattr"):
        with suppress(OSError):
            for name in os.listxattr(model):
                os.setxattr(path, name, os.getxattr(model, name))
    os.chmod(path, stat.S_IMODE(about.st_mode))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))

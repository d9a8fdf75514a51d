"""Single files as a run needs them: whole texts and digests, written so that a power cut leaves all or nothing."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from torchsmith.model.errors import UnreadableInputError
from torchsmith.model.transaction import ENCODING

LIMIT = 32 << 20
"""Bytes of a file that is edited; no project file and no rc file is longer."""


def text(path: str | Path) -> str | None:
    """The whole text of a file, None where there is none.

    Raises:
        UnreadableInputError: it is no regular file, too long, or may not be read.

    """
    data = content(path)
    return None if data is None else data.decode(*ENCODING)


def content(path: str | Path) -> bytes | None:
    """The bytes of a file, None where there is none.

    Raises:
        UnreadableInputError: it is no regular file, too long, or may not be read.

    """
    try:
        about = os.stat(path)
        if not stat.S_ISREG(about.st_mode) or about.st_size > LIMIT:
            raise UnreadableInputError(f"`{path}` is no regular file of at most {LIMIT >> 20} MiB")
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    except OSError as error:
        raise UnreadableInputError(f"`{path}` cannot be read: {error.strerror or error}") from None


def digest(path: str | Path) -> str | None:
    """The SHA-256 of a file's bytes, None where there is none."""
    data = content(path)
    return None if data is None else sha256(data).hexdigest()


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """A new file with these bytes, on the disk when this returns; what lies there goes."""
    with suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)


def write_whole(path: Path, data: bytes) -> None:
    """A file with these bytes at once: before this returns it is absent or as it was, after it whole."""
    aside = path.with_name(f"{path.name}.new")
    write(aside, data)
    os.replace(aside, path)
    sync_folder(path.parent)


def like(path: Path, model: Path) -> None:
    """Give a file the mode, the owner, the times' kind of attributes that another has, as far as we may."""
    about = model.stat()
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(path, about.st_uid, about.st_gid)
    for name in _attributes(model):
        with suppress(OSError):
            os.setxattr(path, name, os.getxattr(model, name))
    path.chmod(stat.S_IMODE(about.st_mode))


def _attributes(path: Path) -> list[str]:
    with suppress(OSError):
        return os.listxattr(path) if hasattr(os, "listxattr") else []
    return []


def copy_exact(source: Path, target: Path) -> None:
    """A copy with mode, owner, times and extended attributes, on the disk when this returns."""
    with suppress(FileNotFoundError):
        target.unlink()
    write(target, source.read_bytes())
    like(target, source)
    shutil.copystat(source, target)
    sync_file(target)


def sync_file(path: Path) -> None:
    """Have the file on the disk."""
    # Windows syncs only what was opened for writing.
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk; Windows has no word for that."""
    if os.name != "nt":
        sync_file(path)


def sync_system(path: Path) -> None:
    """Have all of the file system that a path lies on, on the disk."""
    if not hasattr(os, "sync"):
        return
    import ctypes

    descriptor = os.open(path, os.O_RDONLY)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if not hasattr(library, "syncfs"):
            os.sync()
        elif library.syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)

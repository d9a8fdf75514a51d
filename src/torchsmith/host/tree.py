"""The binaries in a folder and everything below it, found by their names and streamed: a tree may hold millions of files."""

from __future__ import annotations

import os
import stat
import sys

from torchsmith.host.base import Candidate
from torchsmith.model.binary_names import is_binary_name
from torchsmith.model.known import Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NAMES_LIMIT = 1 << 25
"""Names looked at in one walk; a thousand environments with torch have 20 million."""

PASSED_OVER = frozenset({"__pycache__", "include"})
"""Folders of compiled Python and of headers: half of an environment's names, and no binaries."""

FOLDERS_LIMIT = 200_000
"""Folders that wait for their turn, each with its path in memory."""

_REPARSE_POINT = 0x400
"""Windows: a junction is a folder to Python 3.11, and may lead anywhere."""


def is_candidate_name(name: str) -> bool:
    """Whether a file's name says that it is a binary, or a wheel."""
    return is_binary_name(name) or name.endswith(".whl")


def walk(root: str, limit: int = NAMES_LIMIT) -> Iterator[Candidate | Unknown]:
    """Every regular file below the folder ``root`` with a binary's name, and an Unknown for what could not be looked at.

    Folders that hold no binaries (``PASSED_OVER``) are left out.
    No link to a folder is followed: there is no cycle and no way out of the tree. A link to a file is a candidate only where
    it leads out of the tree, to a store that environments share. Devices, pipes and sockets are passed over.
    """
    real = os.path.realpath(root)
    waiting = [root]
    left = limit
    while waiting:
        folder = waiting.pop()
        place = real + folder[len(root) :]  # no link was followed from the root to here
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0:
                        yield Unknown(f"more than {limit} names: the rest was not looked at", (folder,))
                        return
                    if entry.is_dir(follow_symlinks=False):
                        yield from _folder(entry, waiting)
                    elif is_candidate_name(entry.name):
                        yield from _candidate(entry, place, real)
                    elif entry.is_symlink() and entry.is_dir() and not _is_within(_target(entry, place), real):
                        yield Unknown("a link to a folder outside: not followed", (entry.path,))
        except OSError as error:
            yield Unknown(error.strerror or type(error).__name__, (folder,))


def _folder(entry: os.DirEntry[str], waiting: list[str]) -> Iterator[Unknown]:
    """Put a folder with those that wait, or say why not."""
    if _is_junction(entry):
        yield Unknown("a link to another folder: not followed", (entry.path,))
    elif len(waiting) >= FOLDERS_LIMIT:
        yield Unknown(f"more than {FOLDERS_LIMIT} folders wait: not looked at", (entry.path,))
    elif entry.name not in PASSED_OVER:
        waiting.append(entry.path)


def listed(paths: Iterable[str]) -> Iterator[Candidate | Unknown]:
    """The files that were named one by one, whatever their names are, and the binaries of each folder among them."""
    for path in paths:
        try:
            found = os.stat(path)
            kind = found.st_mode
        except (OSError, ValueError) as error:
            yield Unknown(getattr(error, "strerror", None) or str(error), (path,))
            continue
        if stat.S_ISDIR(kind):
            yield from walk(path)
        elif stat.S_ISREG(kind):
            yield _of(path, found)
        else:
            yield Unknown("not a regular file", (path,))


def _candidate(entry: os.DirEntry[str], folder: str, root: str) -> Iterator[Candidate | Unknown]:
    """The candidate that a directory entry with a binary's name is, if it is one."""
    try:
        if entry.is_symlink():
            target = _target(entry, folder)
            if _is_within(target, root) and is_candidate_name(os.path.basename(target)):
                return  # the file that it leads to is met by itself
        # Windows answers a scan without identity: it is asked again.
        found = entry.stat() if sys.platform != "win32" else os.stat(entry.path)
        if stat.S_ISREG(found.st_mode):
            yield _of(entry.path, found)
    except OSError as error:
        yield Unknown(error.strerror or type(error).__name__, (entry.path,))


def _target(link: os.DirEntry[str], folder: str) -> str:
    """What a link names; whether that is a link in turn is not looked at."""
    return os.path.normpath(os.path.join(folder, os.readlink(link.path)))


def _is_within(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _is_junction(entry: os.DirEntry[str]) -> bool:
    return sys.platform == "win32" and bool(entry.stat(follow_symlinks=False).st_file_attributes & _REPARSE_POINT)


def _of(path: str, found: os.stat_result) -> Candidate:
    return Candidate(path, found.st_size, found.st_mtime_ns, found.st_dev, found.st_ino, found.st_nlink)

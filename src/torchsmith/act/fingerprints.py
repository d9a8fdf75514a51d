"""What a tree looks like, in one digest and in detail: whether it was changed, by whom it was not meant to be."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LEFT_OUT = "__pycache__"
"""Python writes there whenever a program imports something: no change of the environment."""


@record
class Snapshot:
    """Every path of a tree, relative, with what ``lstat`` says of it; ``digest`` is the tree's fingerprint."""

    entries: Mapping[str, os.stat_result]
    digest: str


def fingerprint(prefix: Path) -> str:
    """The SHA-256 over every path, its kind, mode, size, time of change and link target; ``__pycache__`` is left out."""
    return snapshot(prefix).digest


def snapshot(prefix: Path) -> Snapshot:
    """Look at every path of a tree; no file is read."""
    entries = dict(_entries(str(prefix)))
    digest = sha256()
    for path in sorted(entries):
        digest.update(_line(str(prefix), path, entries[path]))
    return Snapshot(entries, digest.hexdigest())


def damaged(before: Snapshot, prefix: Path) -> tuple[str, ...]:
    """The paths of a tree, relative, that are not as they were: added, gone, replaced, or written through a hard link.

    ``before`` has to be taken after the tree was cloned: a link that is added tells itself by a time stamp, too.
    """
    now = snapshot(prefix)
    if now.digest == before.digest and now.entries == before.entries:
        return ()
    return tuple(sorted(_changed(before.entries, now.entries, prefix)))


def _changed(before: Mapping[str, os.stat_result], now: Mapping[str, os.stat_result], prefix: Path) -> Iterator[str]:
    yield from before.keys() ^ now.keys()
    unexplained = []
    for path in before.keys() & now.keys():
        old, new = before[path], now[path]
        if _seen(old) != _seen(new):
            yield path
        elif stat.S_ISREG(new.st_mode) and old.st_ctime_ns != new.st_ctime_ns and old.st_nlink == new.st_nlink:
            unexplained.append(path)
    if unexplained:
        told = recorded(prefix)
        yield from (path for path in unexplained if path in told and told[path] != digest_of(prefix / path))


def recorded(prefix: Path) -> dict[str, str]:
    """What the RECORD files of an environment say: relative path to digest as it stands there."""
    import csv

    told: dict[str, str] = {}
    root = str(prefix)
    for record_file in prefix.glob("**/*.dist-info/RECORD"):
        site = str(record_file.parent.parent)
        with record_file.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
            for row in csv.reader(lines):
                if len(row) >= 2 and row[1].startswith("sha256="):
                    path = os.path.normpath(os.path.join(site, row[0]))
                    told[os.path.relpath(path, root)] = row[1]
    return told


def digest_of(path: Path) -> str:
    """A file's digest as a RECORD writes it."""
    import base64
    import hashlib

    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").digest()
    return "sha256=" + base64.urlsafe_b64encode(found).rstrip(b"=").decode()


def _seen(about: os.stat_result) -> tuple[int, ...]:
    if stat.S_ISDIR(about.st_mode):
        return about.st_mode, about.st_uid, about.st_gid
    return about.st_mode, about.st_uid, about.st_gid, about.st_size, about.st_mtime_ns, about.st_ino


def _entries(root: str) -> Iterator[tuple[str, os.stat_result]]:
    waiting = [root]
    cut = len(root) + 1
    while waiting:
        with os.scandir(waiting.pop()) as found:
            for entry in found:
                if entry.name == _LEFT_OUT:
                    continue
                about = entry.stat(follow_symlinks=False)
                yield entry.path[cut:], about
                if stat.S_ISDIR(about.st_mode):
                    waiting.append(entry.path)


def _line(root: str, path: str, about: os.stat_result) -> bytes:
    if stat.S_ISDIR(about.st_mode):
        told = f"{about.st_mode:o}"
    elif stat.S_ISLNK(about.st_mode):
        told = f"{about.st_mode:o} {os.readlink(os.path.join(root, path))}"
    else:
        told = f"{about.st_mode:o} {about.st_size} {about.st_mtime_ns}"
    return f"{path}\0{told}\0".encode("utf-8", "surrogateescape")

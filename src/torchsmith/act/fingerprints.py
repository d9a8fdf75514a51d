"""What a tree looks like, in one digest and in detail: whether it was changed, and what was written that should not have been."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LEFT_OUT = "__pycache__"
"""Python writes there whenever a program imports something: no change of the environment."""
_READ = 16 << 20


@record
class Snapshot:
    """Every path of a tree, relative, with what ``lstat`` says of it; ``digest`` is the tree's fingerprint."""

    entries: Mapping[str, os.stat_result]
    digest: str


MARK = ".torchsmith-clone"
"""A file in a copy that lies among the user's own environments: it proves whose it is, and is no part of the tree."""


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


def damaged(before: Snapshot, prefix: Path, copy: Path | None = None) -> tuple[str, ...]:
    """The paths of a tree, relative, that are not as they were: added, gone, replaced, or written through a hard link.

    ``before`` has to be taken after the tree was cloned, since every link that is added changes the file's ctime. A link that
    an installer takes away in the clone does, too, and tells itself by the count of links. Where neither size nor time nor
    count tells why the ctime changed, the file is read and compared with what the package's own record says of it. With
    ``copy``, the clone: where the installer changed the file's folder there, it may have taken the link away and made it again
    (uv, out of its cache); of those only the smallest are read, ``_READ`` bytes in all.
    """
    return tuple(sorted(_changed(before.entries, dict(_entries(str(prefix))), prefix, copy)))


def owners(prefix: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """The packages, ``name version``, whose records name one of these relative paths: what to install anew."""
    wanted = set(paths)
    found = _recorded(prefix, (path for path, _ in _entries(str(prefix))))
    return tuple(sorted({owner for path, (_, owner) in found.items() if path in wanted}))


def _changed(
    before: Mapping[str, os.stat_result], now: Mapping[str, os.stat_result], prefix: Path, copy: Path | None
) -> Iterator[str]:
    yield from before.keys() ^ now.keys()
    unexplained = []
    for path in before.keys() & now.keys():
        old, new = before[path], now[path]
        if _seen(old) != _seen(new):
            yield path
        elif old.st_ctime_ns != new.st_ctime_ns and old.st_nlink == new.st_nlink and stat.S_ISREG(new.st_mode):
            unexplained.append(path)
    if unexplained:
        told = _recorded(prefix, now)
        # One that no record tells of is not accused: backup programs and indexers change a ctime, too.
        doubtful = [path for path in unexplained if path in told]
        for path in _worth_reading(doubtful, before, copy) if copy is not None else doubtful:
            if told[path][0] not in _digests(prefix / path):
                yield path


def _worth_reading(paths: list[str], before: Mapping[str, os.stat_result], copy: Path) -> Iterator[str]:
    """All whose folder in the clone is as it was cloned, and the smallest of the others."""
    as_cloned: dict[str, bool] = {}
    left = _READ
    for path in sorted(paths, key=lambda each: before[each].st_size):
        folder = os.path.dirname(path)
        if folder not in as_cloned:
            told = before.get(folder)
            with suppress(OSError):
                as_cloned[folder] = told is None or os.stat(copy / folder).st_mtime_ns == told.st_mtime_ns
        if not as_cloned.get(folder, False):
            left -= before[path].st_size
            if left < 0:
                continue
        yield path


def _recorded(prefix: Path, paths: Iterable[str]) -> dict[str, tuple[str, str]]:
    """What the packages of an environment say of their files: relative path to digest, as it stands there, and owner."""
    told: dict[str, tuple[str, str]] = {}
    for path in paths:
        if path.endswith(".dist-info/RECORD"):
            told |= _of_python(prefix, path)
        elif path.startswith("conda-meta") and path.endswith(".json"):
            told |= _of_conda(prefix / path)
    return told


def _of_python(prefix: Path, record_file: str) -> Iterator[tuple[str, tuple[str, str]]]:
    import csv

    info = os.path.dirname(record_file)
    site, owner = os.path.dirname(info), " ".join(os.path.basename(info).removesuffix(".dist-info").rsplit("-", 1))
    with (
        suppress(OSError, csv.Error),
        open(prefix / record_file, encoding="utf-8", errors="surrogateescape", newline="") as lines,
    ):
        for row in csv.reader(lines):
            if len(row) > 1 and row[1].startswith("sha256="):
                path = os.path.join(site, row[0])
                yield os.path.normpath(path) if ".." in path or os.sep != "/" else path, (row[1], owner)


def _of_conda(file: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    import json

    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        package = json.loads(file.read_bytes())
        for path in package["paths_data"]["paths"]:
            digest = path.get("sha256_in_prefix") or path.get("sha256")
            if digest:
                yield os.path.normpath(path["_path"]), (digest, f"{package['name']} {package['version']}")


def _digests(path: Path) -> tuple[str, str]:
    """A file's digest as conda and as a RECORD write it."""
    import base64
    import hashlib

    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return digest.hex(), "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


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
                if entry.name in {_LEFT_OUT, MARK}:
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

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

    ``before`` has to be taken after the tree was cloned, since every link that is added changes the file's ctime. A link that
    an installer takes away in the clone does, too, and tells itself by the count of links. Where neither size nor time nor
    count tells why the ctime changed, the file is read and compared with what the package's own record says of it.
    """
    return tuple(sorted(_changed(before.entries, dict(_entries(str(prefix))), prefix)))


def owners(prefix: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """The packages, ``name version``, whose records name one of these relative paths: what to install anew."""
    wanted = set(paths)
    return tuple(sorted({owner for path, (_, owner) in _recorded(prefix).items() if path in wanted}))


def _changed(before: Mapping[str, os.stat_result], now: Mapping[str, os.stat_result], prefix: Path) -> Iterator[str]:
    yield from before.keys() ^ now.keys()
    unexplained = []
    for path in before.keys() & now.keys():
        old, new = before[path], now[path]
        if _seen(old) != _seen(new):
            yield path
        elif old.st_ctime_ns != new.st_ctime_ns and old.st_nlink == new.st_nlink and stat.S_ISREG(new.st_mode):
            unexplained.append(path)
    if unexplained:
        told = _recorded(prefix)
        # One that no record tells of is not accused: backup programs and indexers change a ctime, too.
        yield from (path for path in unexplained if path in told and told[path][0] != _digest(prefix / path))


def _recorded(prefix: Path) -> dict[str, tuple[str, str]]:
    """What the packages of an environment say of their files: relative path to SHA-256 and owner."""
    told: dict[str, tuple[str, str]] = {}
    for parent, folders, names in os.walk(prefix):
        folders[:] = [name for name in folders if name != _LEFT_OUT]
        if parent.endswith(".dist-info") and "RECORD" in names:
            told |= _of_python(Path(parent), prefix)
        elif parent == str(prefix / "conda-meta"):
            told |= _of_conda(Path(parent))
    return told


def _of_python(folder: Path, prefix: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    import base64
    import csv

    owner = " ".join(folder.name.removesuffix(".dist-info").rsplit("-", 1))
    with suppress(OSError, csv.Error), (folder / "RECORD").open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
        for row in csv.reader(lines):
            if len(row) > 1 and row[1].startswith("sha256="):
                with suppress(ValueError):
                    digest = base64.urlsafe_b64decode(row[1][7:] + "=").hex()
                    yield os.path.relpath(os.path.join(folder.parent, row[0]), prefix), (digest, owner)


def _of_conda(folder: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    import json

    for file in folder.glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            package = json.loads(file.read_bytes())
            for path in package["paths_data"]["paths"]:
                digest = path.get("sha256_in_prefix") or path.get("sha256")
                if digest:
                    yield os.path.normpath(path["_path"]), (digest, f"{package['name']} {package['version']}")


def _digest(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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

"""A clone made right for the place where it is going to live: whatever an installer wrote into it names the clone's path.

Nothing is ever written into a file: the clone may share it with the live tree. A file that changes is written anew and renamed.
"""

from __future__ import annotations

import base64
import os
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from torchsmith.act import rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchsmith.act.rewrite import Move

_LONGEST_TEXT = 4 << 20
_COMPILED = (".pyc", ".pyo")
"""They name where they were compiled; Python puts the true path in their place when it reads them."""


def relocate(clone: Path, live: Path, others: Sequence[tuple[Path, Path]] = ()) -> int:
    """Rewrite what is new in the clone and names its path, so that it is right at ``live``; how many files that were.

    ``others`` are further folders that give way: (the staged copy of the project, the project). Modes and times of a
    rewritten file stay. Digests and sizes follow, in RECORD and in conda's own records.
    """
    moves = _moves(clone, live, others)
    changed: dict[str, tuple[bytes, bytes]] = {}
    for path, about in list(_new(clone, live)):
        if stat.S_ISLNK(about.st_mode):
            _relink(path, about, moves)
        elif stat.S_ISREG(about.st_mode):
            data = _named(path, about, moves)
            if data is not None:
                moved = _moved(path, data, moves)
                if moved != data:
                    _write(path, moved, about)
                    changed[path] = data, moved
    if changed:
        _tell_records(clone, changed)
    return len(changed)


def left(clone: Path, live: Path, others: Sequence[tuple[Path, Path]] = ()) -> tuple[str, ...]:
    """What is new in the clone and still names its path, relative; compiled Python does and may."""
    moves = _moves(clone, live, others)
    return tuple(sorted(os.path.relpath(path, clone) for path, about in _new(clone, live) if _still(path, about, moves)))


def sibling(live: Path) -> Path:
    """A name beside the live one, of equal length, that is not taken: a path in a program can be replaced byte for byte."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    for place in range(len(live.name) - 1, -1, -1):
        for letter in letters:
            other = live.with_name(live.name[:place] + letter + live.name[place + 1 :])
            if not os.path.lexists(other):
                return other
    raise FileExistsError(f"no free name as long as `{live.name}` beside it")


def _moves(clone: Path, live: Path, others: Sequence[tuple[Path, Path]]) -> tuple[Move, ...]:
    return tuple(rewrite.move(str(old), str(new)) for old, new in ((clone, live), *others))


def _new(clone: Path, live: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Files and links of the clone that the live tree has not, or not so."""
    old_root, cut = str(live), len(str(clone))
    waiting = [str(clone)]
    while waiting:
        with os.scandir(waiting.pop()) as found:
            for entry in found:
                about = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(about.st_mode):
                    waiting.append(entry.path)
                elif not _same(about, old_root + entry.path[cut:]):
                    yield entry.path, about


def _same(about: os.stat_result, live: str) -> bool:
    try:
        old = os.lstat(live)
    except OSError:
        return False
    return (old.st_mode, old.st_size, old.st_mtime_ns) == (about.st_mode, about.st_size, about.st_mtime_ns)


def _named(path: str, about: os.stat_result, moves: Sequence[Move]) -> bytes | None:
    """The bytes of a file that names a folder which moves."""
    if about.st_size > _LONGEST_TEXT or path.endswith(_COMPILED):
        return None
    with open(path, "rb") as file:
        data = file.read()
    return data if any(move.within(data) for move in moves) else None


def _moved(path: str, data: bytes, moves: Sequence[Move]) -> bytes:
    del path
    for move in moves:
        data = (move.binary(data) or data) if b"\0" in data[:8192] else move.text(data)
    return data


def _still(path: str, about: os.stat_result, moves: Sequence[Move]) -> bool:
    if stat.S_ISLNK(about.st_mode):
        return any(move.within(os.fsencode(os.readlink(path))) for move in moves)
    return stat.S_ISREG(about.st_mode) and _named(path, about, moves) is not None


def _relink(path: str, about: os.stat_result, moves: Sequence[Move]) -> None:
    old = new = os.fsencode(os.readlink(path))
    for move in moves:
        new = move.text(new)
    if new != old:
        aside = f"{path}.torchsmith"
        os.symlink(os.fsdecode(new), aside)
        if os.utime in os.supports_follow_symlinks:
            os.utime(aside, ns=(about.st_atime_ns, about.st_mtime_ns), follow_symlinks=False)
        os.replace(aside, path)


def _write(path: str, data: bytes, about: os.stat_result) -> None:
    aside = f"{path}.torchsmith"
    with suppress(FileNotFoundError):
        os.unlink(aside)
    with open(aside, "xb") as file:
        file.write(data)
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(aside, about.st_uid, about.st_gid)
    os.chmod(aside, stat.S_IMODE(about.st_mode))
    os.utime(aside, ns=(about.st_atime_ns, about.st_mtime_ns))
    os.replace(aside, path)


def _tell_records(clone: Path, changed: dict[str, tuple[bytes, bytes]]) -> None:
    """Digests and sizes of what changed, where a record spoke of the bytes as they were before."""
    for pattern, told in (("**/*.dist-info/RECORD", _row), ("conda-meta/*.json", _hexadecimal)):
        for file in clone.glob(pattern):
            old = new = file.read_bytes()
            for path, (before, after) in changed.items():
                if os.path.basename(path).encode() in new:
                    new = told(new, before, after)
            if new != old:
                _write(str(file), new, file.lstat())


def _row(record: bytes, before: bytes, after: bytes) -> bytes:
    old, new = (b"," + _digest(data) + b"," + str(len(data)).encode() for data in (before, after))
    return record.replace(old, new)


def _hexadecimal(record: bytes, before: bytes, after: bytes) -> bytes:
    return record.replace(sha256(before).hexdigest().encode(), sha256(after).hexdigest().encode())


def _digest(data: bytes) -> bytes:
    return b"sha256=" + base64.urlsafe_b64encode(sha256(data).digest()).rstrip(b"=")

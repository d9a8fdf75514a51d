"""A clone made to work where it stands, and made right again for the place where it is going to live.

Scripts name their Python by an absolute path: those of a fresh clone the live one, those that an installer wrote since the
clone's. Nothing is ever written into a file, which the clone may share with the live tree: it is written anew and renamed.
"""

from __future__ import annotations

import base64
import os
import re
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from torchsmith.act import launchers, rewrite
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torchsmith.act.rewrite import Move

_LONGEST = 4 << 20
"""Bytes of a file that is looked at; conda's own records name the longer ones in which it wrote the prefix."""
_COMPILED = (".pyc", ".pyo")
"""They name where they were compiled; Python puts the true path in its place when it reads them."""
_SCRIPTS = ("bin", "Scripts")
_ASIDE = ".torchsmith"
_ACTIVATION = re.compile(r"activate(?:_this)?(?:\.\w+)?|Activate\.ps1|pyvenv\.cfg", re.ASCII)


@record
class _File:
    """A file or link of the clone that the live tree has not, or not so."""

    path: str
    about: os.stat_result

    @property
    def link(self) -> bool:
        return stat.S_ISLNK(self.about.st_mode)

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


def adopt(clone: Path, live: Path) -> int:
    """Have the scripts of a fresh clone start the clone's own Python: they would change the live tree. How many that were.

    Links that lead out of the tree by a relative path lead there again. ``relocate`` takes both back, byte for byte.
    """
    count = 0
    moves = _named_moves(live, clone)
    for file, _ in _scripts(clone, live):
        old = _read(file)
        new = _adopted(old, moves)
        if new != old:
            _write(file, new)
            count += 1
    for link, to in list(_leading_out(clone, live)):
        _point(link, to)
        count += 1
    return count


def relocate(clone: Path, live: Path, others: Sequence[tuple[Path, Path]] = ()) -> int:
    """Rewrite what is new in the clone and names its path, so that it is right at ``live``; how many files that were.

    ``live`` is the environment's path as the user names it. ``others`` are further folders that give way: (the staged copy of
    the project, the project). Modes and times stay; digests and sizes follow, in RECORD and in conda's own records.
    """
    # A script of an installer may be the same as one that was adopted: its record tells of the clone's bytes then.
    same = dict(_taken_back(clone, live))
    moves = _moves(clone, live, others)
    fresh = list(_new(clone, live))
    told = [file for file in fresh if _is_record(file)]
    patched = _patched_by_conda(told)
    changed: dict[str, tuple[bytes, bytes]] = {}
    for file in fresh:
        if file.link:
            _relink(file, clone, live, moves)
        elif (old := _naming(file, moves, patched)) is not None:
            new = _moved(file, old, moves, patched)
            if _ACTIVATION.fullmatch(file.name):
                new = _renamed(new, clone.name, live.name)
            if new != old:
                _write(file, new)
                changed[file.path] = old, new
    _tell(told, same | changed)
    return len(changed)


def left(clone: Path, live: Path, others: Sequence[tuple[Path, Path]] = ()) -> tuple[str, ...]:
    """What is new in the clone and names its path still, relative. Compiled Python does and may."""
    moves = _moves(clone, live, others)
    return tuple(sorted(os.path.relpath(file.path, clone) for file in _new(clone, live) if _still(file, moves)))


def sibling(live: Path) -> Path:
    """A free name beside the live one and as long: a path in a program, or in compiled Python, can be replaced byte for byte.

    Raises:
        FileExistsError: there is none.

    """
    name = live.name
    for place in range(len(name) - 1, -1, -1):
        for letter in "0123456789abcdefghijklmnopqrstuvwxyz":
            other = live.with_name(name[:place] + letter + name[place + 1 :])
            if len(os.fsencode(other)) == len(os.fsencode(live)) and not os.path.lexists(other):
                return other
    raise FileExistsError(f"beside `{live}` no name of the same length is free")


# ---- what is new


def _new(clone: Path, live: Path) -> Iterator[_File]:
    cut, root = len(str(clone)), str(live)
    waiting = [str(clone)]
    while waiting:
        with os.scandir(waiting.pop()) as found:
            for entry in found:
                about = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(about.st_mode):
                    waiting.append(entry.path)
                elif not _same(about, root + entry.path[cut:]) and (stat.S_ISREG(about.st_mode) or stat.S_ISLNK(about.st_mode)):
                    yield _File(entry.path, about)


def _same(about: os.stat_result, live: str) -> bool:
    """Whether the live tree has the same file. An installer's own files are of now: no older one has their time."""
    try:
        old = os.lstat(live)
    except OSError:
        return False
    return (old.st_mode, old.st_size, old.st_mtime_ns) == (about.st_mode, about.st_size, about.st_mtime_ns)


def _moves(clone: Path, live: Path, others: Sequence[tuple[Path, Path]]) -> tuple[Move, ...]:
    return tuple(rewrite.move(str(old), str(new)) for old, new in ((clone, live), *others))


def _naming(file: _File, moves: Sequence[Move], patched: Iterable[str] = ()) -> bytes | None:
    """The bytes of a file that names a folder which moves."""
    if file.path not in patched and file.about.st_size > _LONGEST:
        return None
    if file.name.endswith(_COMPILED) and not all(map(_as_long, moves)):
        return None
    data = _read(file)
    return data if _ACTIVATION.fullmatch(file.name) or any(move.within(data) for move in moves) else None


def _still(file: _File, moves: Sequence[Move]) -> bool:
    if file.link:
        return any(move.within(os.fsencode(os.readlink(file.path))) for move in moves)
    data = None if file.name.endswith(_COMPILED) else _naming(file, moves)
    return data is not None and any(move.within(data) for move in moves)


def _as_long(move: Move) -> bool:
    return len(os.fsencode(move.old)) == len(os.fsencode(move.new))


# ---- what becomes of it


def _moved(file: _File, data: bytes, moves: Sequence[Move], patched: Iterable[str]) -> bytes:
    for move in moves:
        data = _one(file, data, move, patched)
    return data


def _one(file: _File, data: bytes, move: Move, patched: Iterable[str]) -> bytes:
    if b"\0" not in data:
        return move.text(data)
    if _as_long(move):
        return move.plain(data)
    if file.path in patched:
        return move.binary(data) or data
    # Of any other program nobody knows what a change of its length would do to it: ``left`` tells it.
    return launchers.moved(data, move) or data


def _renamed(data: bytes, old: str, new: str) -> bytes:
    """The prompt of an environment that was made in the clone's place is the folder's name."""
    return re.sub(rb"(?<![\w.\-/\\])" + re.escape(os.fsencode(old)) + rb"(?![\w.\-/\\])", lambda _: os.fsencode(new), data)


def _relink(file: _File, clone: Path, live: Path, moves: Sequence[Move]) -> None:
    old = os.readlink(file.path)
    new = os.fsencode(old)
    for move in moves:
        new = move.plain(new)
    beside = live / os.path.relpath(file.path, clone)
    if beside.is_symlink() and old == _absolute(str(beside), told := os.readlink(beside)):
        new = os.fsencode(told)  # as ``adopt`` found it
    elif not os.path.isabs(old) and _leads_out(file.path, old, clone):
        new = os.fsencode(os.path.relpath(_absolute(file.path, old), os.path.normpath(beside.parent)))
    if os.fsdecode(new) != old:
        _point(file, os.fsdecode(new))


# ---- first lines and links of a fresh clone


def _scripts(clone: Path, live: Path) -> Iterator[tuple[_File, _File]]:
    """The scripts of the clone that the live tree has, too: both of each."""
    for folder in _SCRIPTS:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(clone / folder) as found:
            for entry in found:
                about = entry.stat(follow_symlinks=False)
                path = str(live / folder / entry.name)
                with suppress(OSError):
                    old = os.lstat(path)
                    if stat.S_ISREG(about.st_mode) and stat.S_ISREG(old.st_mode) and max(about.st_size, old.st_size) <= _LONGEST:
                        yield _File(entry.path, about), _File(path, old)


def _named_moves(old: Path, new: Path) -> tuple[Move, ...]:
    """Scripts name an environment by the path that was used, or by where that leads."""
    return tuple(rewrite.move(name, str(new)) for name in dict.fromkeys((str(old), os.path.realpath(old))))


def _adopted(data: bytes, moves: Sequence[Move]) -> bytes:
    for move in moves:
        if move.within(data):
            data = rewrite.first_line(data, move) if data.startswith(b"#!") else launchers.moved(data, move) or data
    return data


def _taken_back(clone: Path, live: Path) -> Iterator[tuple[str, tuple[bytes, bytes]]]:
    """What ``adopt`` did to the scripts: path, bytes as they were in the clone, and as they are again."""
    moves = _named_moves(live, clone)
    for file, old in _scripts(clone, live):
        data = _read(old)
        adopted = _adopted(data, moves)
        if adopted != data and adopted == _read(file):
            _write(_File(file.path, old.about), data)
            yield file.path, (adopted, data)


def _leading_out(clone: Path, live: Path) -> Iterator[tuple[_File, str]]:
    """Links of a fresh clone that lead out of the tree by a relative path, and where they lead from the live one."""
    waiting = [str(clone)]
    while waiting:
        with os.scandir(waiting.pop()) as found:
            for entry in found:
                if entry.is_symlink():
                    to = os.readlink(entry.path)
                    if not os.path.isabs(to) and _leads_out(entry.path, to, clone):
                        there = str(live / os.path.relpath(entry.path, clone))
                        yield _File(entry.path, entry.stat(follow_symlinks=False)), _absolute(there, to)
                elif entry.is_dir():
                    waiting.append(entry.path)


def _absolute(path: str, to: str) -> str:
    """Where a link at ``path`` leads."""
    return os.path.normpath(os.path.join(os.path.dirname(path), to))


def _leads_out(path: str, to: str, root: Path) -> bool:
    return os.path.relpath(_absolute(path, to), root).split(os.sep)[0] == os.pardir


# ---- records


def _is_record(file: _File) -> bool:
    parent = os.path.basename(os.path.dirname(file.path))
    if file.name == "RECORD":
        return parent.endswith(".dist-info")
    return parent == "conda-meta" and file.name.endswith(".json")


def _patched_by_conda(records: Iterable[_File]) -> frozenset[str]:
    """The programs into which conda wrote the prefix, each string of which keeps its length."""
    import json

    found = set()
    for file in records:
        if file.name.endswith(".json"):
            root = os.path.dirname(os.path.dirname(file.path))
            with suppress(ValueError, KeyError, TypeError):
                for told in json.loads(_read(file))["paths_data"]["paths"]:
                    if told.get("prefix_placeholder") and told.get("file_mode") == "binary":
                        found.add(os.path.join(root, *told["_path"].split("/")))
    return frozenset(found)


def _tell(records: Iterable[_File], changed: dict[str, tuple[bytes, bytes]]) -> None:
    """Digests and sizes of what changed, where a record spoke of the bytes as they were before."""
    for file in records:
        old = new = _read(file)
        for path, (before, after) in changed.items():
            if os.path.basename(path).encode("utf-8", "surrogateescape") in old:
                as_told = _row if file.name == "RECORD" else _hexadecimal
                new = new.replace(as_told(before), as_told(after))
        if new != old:
            _write(file, new)


def _row(data: bytes) -> bytes:
    digest = base64.urlsafe_b64encode(sha256(data).digest()).rstrip(b"=")
    return b",sha256=" + digest + b"," + str(len(data)).encode()


def _hexadecimal(data: bytes) -> bytes:
    return sha256(data).hexdigest().encode()


# ---- files


def _read(file: _File) -> bytes:
    with open(file.path, "rb") as stream:
        return stream.read()


def _write(file: _File, data: bytes) -> None:
    """A file anew, with mode, owner and times of ``about``."""
    aside = _aside(file.path)
    about = file.about
    with open(aside, "xb") as stream:
        stream.write(data)
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(aside, about.st_uid, about.st_gid)
    os.chmod(aside, stat.S_IMODE(about.st_mode))
    os.utime(aside, ns=(about.st_atime_ns, about.st_mtime_ns))
    os.replace(aside, file.path)


def _point(link: _File, to: str) -> None:
    """A link anew, with the times of ``about``."""
    aside = _aside(link.path)
    os.symlink(to, aside)
    if os.utime in os.supports_follow_symlinks:
        os.utime(aside, ns=(link.about.st_atime_ns, link.about.st_mtime_ns), follow_symlinks=False)
    os.replace(aside, link.path)


def _aside(path: str) -> str:
    """A short name in the same folder: the file's own may be as long as a name can be."""
    aside = os.path.join(os.path.dirname(path), _ASIDE)
    with suppress(FileNotFoundError):
        os.unlink(aside)
    return aside

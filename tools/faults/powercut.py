"""Power cuts: from the calls of a run, the disks that a cut may leave, and these disks laid out again.

What was written and not synced may be lost, wholly or in part; names that were made, renamed or removed and whose folder was not
synced may be lost too, in any order. One rename is never half done. ``syncfs`` makes everything before it last.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tools.faults.injector import Call

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WAYS: Final = ("kept", "lost", "torn")
"""What becomes of contents that were not synced: all there, none there, the first half of each write."""


_TIMES: Final = struct.Struct("4q")
"""Two timespecs of a 64-bit machine."""


@dataclass(slots=True, eq=False)
class Node:
    """A file, folder or link of the disk. ``number`` is its inode's."""

    kind: str
    number: int = 0
    mode: int = 0o755
    data: bytes = b""
    times: tuple[int, int] | None = None
    names: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """A call as what it does to nodes: names that are set (or taken, None), contents, or what is made to last."""

    kind: str
    names: tuple[tuple[Node, str, Node | None], ...] = ()
    node: Node | None = None
    value: int = 0
    data: bytes = b""


class State(NamedTuple):
    """Names, contents, modes and times that differ from how the disk was before."""

    names: dict[Node, dict[str, Node]]
    data: dict[Node, bytes]
    modes: dict[Node, int]
    times: dict[Node, tuple[int, int]]


class Disk:
    """A folder as it was before a run, and the steps of that run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._by_number: dict[int, Node] = {}
        self._before: list[tuple[Node, dict[str, Node]]] = []
        self._now: dict[Node, dict[str, Node]] = {}
        self.top = self._read(root)
        self.steps: list[Step] = []

    def _read(self, path: Path) -> Node:
        about = path.lstat()
        known = self._by_number.get(about.st_ino)
        if known is not None and known.kind == "file":
            return known
        node = Node("file", about.st_ino, stat.S_IMODE(about.st_mode), times=(about.st_atime_ns, about.st_mtime_ns))
        self._by_number[about.st_ino] = node
        if stat.S_ISLNK(about.st_mode):
            node.kind, node.data = "link", os.fsencode(path.readlink())
        elif stat.S_ISDIR(about.st_mode):
            node.kind = "folder"
            node.names = {entry.name: self._read(entry) for entry in sorted(path.iterdir())}
        else:
            node.data = path.read_bytes()
        return node

    # ---- what the calls did

    def follow(self, calls: Sequence[Call]) -> None:
        """Turn the log into steps."""
        self._now = {}
        for call in calls:
            step = self._step(call)
            if step is not None:
                for folder, name, node in step.names:
                    self._set(self._names(folder), name, node)
                self.steps.append(step)

    def _names(self, folder: Node) -> dict[str, Node]:
        return self._now.setdefault(folder, dict(folder.names))

    @staticmethod
    def _set(names: dict[str, Node], name: str, node: Node | None) -> None:
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node

    def _folder(self, path: str) -> tuple[Node, str] | None:
        relative = os.path.relpath(path, self.root)
        if relative.startswith(".."):
            return None
        *parents, name = Path(relative).parts
        node = self.top
        for parent in parents:
            found = self._names(node).get(parent)
            if found is None or found.kind != "folder":
                return None
            node = found
        return node, name

    def _at(self, path: str) -> Node | None:
        if os.path.normpath(path) == str(self.root):
            return self.top
        place = self._folder(path)
        return self._names(place[0]).get(place[1]) if place else None

    def _file(self, call: Call) -> Node | None:
        return self._by_number.get(call.inode) or self._at(call.path)

    def _step(self, call: Call) -> Step | None:
        if call.name == "sync":
            return Step("sync")
        if call.name in {"write", "truncate", "fchmod", "fsync"}:
            node = self._at(call.path) if call.name == "fsync" and not self._is_file(call) else self._file(call)
            return (
                Step(call.name.removeprefix("f") if call.name == "fchmod" else call.name, (), node, call.value, call.data)
                if node
                else None
            )
        if call.name == "utime":
            node = self._file(call) if call.inode else self._at(call.path)
            return Step("utime", (), node, 0, call.data) if node and len(call.data) == _TIMES.size else None
        if call.name == "chmod":
            node = self._at(call.path)
            return Step("chmod", (), node, call.value) if node else None
        if call.name in {"open", "create"}:
            return self._opened(call)
        changed = self._renamed(call) if call.name in {"rename", "exchange", "link"} else self._named(call)
        return Step("names", changed) if changed else None

    def _is_file(self, call: Call) -> bool:
        node = self._by_number.get(call.inode)
        return node is not None and node.kind == "file"

    def _opened(self, call: Call) -> Step | None:
        place = self._folder(call.path)
        if place is None:
            return None
        there = self._names(place[0]).get(place[1])
        if there is not None:
            return Step("truncate", (), there, 0) if call.name == "create" else None
        made = self._by_number[call.inode] = Node("file", call.inode, call.value & 0o7777 & ~0o022)
        return Step("names", ((*place, made),))

    def _named(self, call: Call) -> tuple[tuple[Node, str, Node | None], ...]:
        place = self._folder(call.second if call.name == "symlink" else call.path)
        if place is None:
            return ()
        if call.name == "unlink":
            return ((*place, None),)
        if call.name == "mkdir":
            made = self._by_number[call.inode] = Node("folder", call.inode, call.value & 0o7777 & ~0o022)
            return ((*place, made),)
        if call.name == "symlink":
            return ((*place, Node("link", 0, 0o777, os.fsencode(call.path))),)
        return ()

    def _renamed(self, call: Call) -> tuple[tuple[Node, str, Node | None], ...]:
        here, there = self._folder(call.path), self._folder(call.second)
        moved = self._at(call.path)
        if moved is None or there is None or here is None:
            return ()
        if call.name == "link":
            return ((*there, moved),)
        return ((*here, self._at(call.second) if call.name == "exchange" else None), (*there, moved))

    # ---- what a cut may leave

    def lasting(self, cut: int) -> set[int]:
        """The steps before the cut that are surely on the disk."""
        surely: set[int] = set()
        synced: set[Node] = set()
        everything = False
        for number in range(cut - 1, -1, -1):
            step = self.steps[number]
            if step.kind == "sync":
                everything = True
            elif step.kind == "fsync" and step.node:
                synced.add(step.node)
            touched = {step.node} if step.node else {folder for folder, _, _ in step.names}
            if everything or touched & synced:
                surely.add(number)
        return surely

    def cuts(self, cut: int, chance: random.Random, several: int) -> Iterator[tuple[set[int], str]]:
        """Which steps before the cut are on the disk, and what became of contents that were not synced."""
        surely = self.lasting(cut)
        open_ = [number for number in range(cut) if number not in surely and self.steps[number].kind not in {"sync", "fsync"}]
        names = [number for number in open_ if self.steps[number].kind == "names"]
        for way in WAYS:
            yield surely | set(open_), way
        yield surely, "lost"
        yield surely | set(names), "lost"
        yield surely | set(names[: len(names) // 2]), "lost"
        for _ in range(several):
            yield surely | {number for number in open_ if chance.random() < 0.5}, chance.choice(WAYS)

    def after(self, cut: int, kept: set[int], way: str) -> State:
        """What is on that disk."""
        surely = self.lasting(cut)
        names: dict[Node, dict[str, Node]] = {}
        data: dict[Node, bytes] = {}
        modes: dict[Node, int] = {}
        times: dict[Node, tuple[int, int]] = {}
        for number in sorted(kept):
            step = self.steps[number]
            for folder, name, node in step.names:
                self._set(names.setdefault(folder, dict(folder.names)), name, node)
            if step.node is None:
                continue
            if step.kind == "chmod":
                modes[step.node] = step.value & 0o7777
            elif step.kind == "utime":
                seconds, nanos, written, more = _TIMES.unpack(step.data)
                times[step.node] = seconds * 10**9 + nanos, written * 10**9 + more
            elif step.kind == "truncate" and (number in surely or way != "kept"):
                data[step.node] = data.get(step.node, step.node.data)[: step.value].ljust(step.value, b"\0")
            elif step.kind == "truncate":
                data[step.node] = data.get(step.node, step.node.data)[: step.value]
            elif step.kind == "write" and (number in surely or way != "lost"):
                part = step.data if number in surely or way == "kept" else step.data[: len(step.data) // 2]
                before = data.get(step.node, step.node.data).ljust(step.value, b"\0")
                times.pop(step.node, None)
                data[step.node] = before[: step.value] + part + before[step.value + len(part) :]
        return State(names, data, modes, times)

    def lay_out(self, cut: int, kept: set[int], way: str) -> dict[int, int]:
        """Make the folder what that disk holds; real inode numbers -> those that it had."""
        state = self.after(cut, kept, way)
        shutil.rmtree(self.root)
        laid: dict[Node, Path] = {}
        numbers: dict[int, int] = {}
        self._lay(self.top, self.root, state, laid, numbers, 0)
        return numbers

    def _lay(
        self,
        node: Node,
        path: Path,
        state: State,
        laid: dict[Node, Path],
        numbers: dict[int, int],
        depth: int,
    ) -> None:
        names, data, modes, times = state
        if depth > 40:
            return
        if node.kind == "link":
            path.symlink_to(os.fsdecode(node.data))
        elif node.kind == "folder":
            path.mkdir()
            for name, child in names.get(node, node.names).items():
                self._lay(child, path / name, state, laid, numbers, depth + 1)
        elif node in laid:
            os.link(laid[node], path)
            return
        else:
            path.write_bytes(data.get(node, node.data))
            laid[node] = path
        if node.kind != "link":
            path.chmod(modes.get(node, node.mode))
        if when := times.get(node) or (node.times if node not in data else None):
            os.utime(path, ns=when, follow_symlinks=False)
        if node.number:
            numbers[path.lstat().st_ino] = node.number

    def state(self, cut: int, kept: set[int], way: str) -> str:
        """A name for what a disk holds: equal disks are tried once."""
        names, data, modes, times = self.after(cut, kept, way)
        seen: list[str] = []

        def look(node: Node, path: str, depth: int) -> None:
            seen.append(
                f"{path} {node.kind} {modes.get(node, node.mode)} {times.get(node)} {id(node)} {data.get(node, node.data)!r}"
            )
            for name, child in sorted(names.get(node, node.names).items()):
                if depth < 40:
                    look(child, f"{path}/{name}", depth + 1)

        look(self.top, "", 0)
        return "\n".join(seen)

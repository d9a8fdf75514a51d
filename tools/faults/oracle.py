"""The judge: what lies there is exactly what was before, exactly what was promised, or broken, and why."""

from __future__ import annotations

import hashlib
import stat
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from tools.faults.wheels import VERSIONS

LEFT_OUT: Final = frozenset({"__pycache__"})


class Verdict(StrEnum):
    """What an environment or a file is."""

    OLD = "OLD"
    NEW = "NEW"
    BROKEN = "BROKEN"


class Found(NamedTuple):
    """One path of a tree: its kind, mode and owner, its content or where it leads, and when it was last written."""

    kind: str
    mode: int
    owner: int
    content: str
    written: int


Snapshot = dict[str, Found]


def snapshot(root: Path) -> Snapshot:
    """Everything at and below a path; empty where nothing is. Times of access do not count, compiled modules neither."""
    found: Snapshot = {}
    _look(root, "", found)
    return found


def _look(path: Path, name: str, found: Snapshot) -> None:
    try:
        about = path.lstat()
    except OSError:
        return
    mode, content, kind = about.st_mode, "", "other"
    if stat.S_ISLNK(mode):
        kind, content = "link", str(path.readlink())
    elif stat.S_ISDIR(mode):
        kind = "folder"
    elif stat.S_ISREG(mode):
        kind, content = "file", hashlib.sha256(path.read_bytes()).hexdigest()
    found[name] = Found(kind, stat.S_IMODE(mode), about.st_uid, content, about.st_mtime_ns)
    if kind == "folder":
        for entry in sorted(path.iterdir()):
            if entry.name not in LEFT_OUT:
                _look(entry, f"{name}/{entry.name}", found)


def differences(before: Snapshot, now: Snapshot, *, times: bool = False) -> list[str]:
    """What is not equal, in words."""
    told = [f"gone: {name}" for name in before if name not in now] + [f"more: {name}" for name in now if name not in before]
    for name in before.keys() & now.keys():
        one, other = before[name], now[name]
        if one[:4] != other[:4]:
            told.append(f"other: {name} {_differing(one, other)}")
        elif times and one.kind == "file" and one.written != other.written:
            told.append(f"touched: {name}")
    return sorted(told)


def _differing(one: Found, other: Found) -> str:
    return ", ".join(field for field, a, b in zip(Found._fields[:4], one, other, strict=False) if a != b)


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and why where it is BROKEN."""

    verdict: Verdict
    why: str = ""


class Oracle:
    """Knows what things were before and what they are after an undisturbed run; ``things`` are names and paths."""

    def __init__(self, things: dict[str, Path]) -> None:
        self.things = things
        self.old: dict[str, Snapshot] = {}
        self.new: dict[str, Snapshot] = {}

    def take_old(self) -> None:
        """As it is now is OLD."""
        self.old = {name: snapshot(path) for name, path in self.things.items()}

    def take_new(self) -> None:
        """As it is now is NEW."""
        self.new = {name: snapshot(path) for name, path in self.things.items()}

    def judge(self, name: str) -> Judged:
        """One thing, exactly."""
        now, timed = snapshot(self.things[name]), not name.startswith("registry")
        if not differences(self.old[name], now, times=timed):
            return Judged(Verdict.OLD)
        if not differences(self.new[name], now):
            return Judged(Verdict.NEW)
        from_old, from_new = differences(self.old[name], now, times=timed), differences(self.new[name], now)
        nearer = min(("OLD", from_old), ("NEW", from_new), key=lambda pair: len(pair[1]))
        return Judged(Verdict.BROKEN, f"{name}: {len(nearer[1])} differences from {nearer[0]}: {'; '.join(nearer[1][:4])}")

    def all(self) -> dict[str, Judged]:
        """Every thing by itself."""
        return {name: self.judge(name) for name in self.things}

    def changing(self) -> tuple[str, ...]:
        """The things that are not the same before and after."""
        return tuple(name for name in self.things if differences(self.old[name], self.new[name]))


def together(judged: dict[str, Judged], changing: tuple[str, ...]) -> Judged:
    """All things at once: one verdict, BROKEN where some are old and some new."""
    broken = [each.why for each in judged.values() if each.verdict is Verdict.BROKEN]
    if broken:
        return Judged(Verdict.BROKEN, " | ".join(broken))
    verdicts = {judged[name].verdict for name in changing}
    if len(verdicts) > 1:
        return Judged(Verdict.BROKEN, "mixed: " + ", ".join(f"{name} {judged[name].verdict}" for name in changing))
    return Judged(verdicts.pop() if verdicts else Verdict.OLD)


# ---- an environment by what it does, for installers that make no promise about every byte

_ASK: Final = """
import importlib, importlib.metadata as metadata, os, pkgutil, re, sys
site = sys.argv[1]
sys.path.insert(0, site)
for name in sys.argv[2:]:
    said = []
    try:
        module = importlib.import_module(name)
        said.append(module.__version__)
        for part in pkgutil.walk_packages(module.__path__, name + "."):
            said.append(importlib.import_module(part.name).VERSION)
    except BaseException as error:
        said.append("!" + type(error).__name__)
    records = [entry for entry in os.listdir(site) if re.fullmatch(re.escape(name) + r"-.+[.]dist-info", entry)]
    listed = []
    for entry in records:
        try:
            lines = open(os.path.join(site, entry, "RECORD")).read().splitlines()
            paths = [os.path.join(site, line.rsplit(",", 2)[0]) for line in lines if line]
            listed.append(metadata.version(name) if all(map(os.path.exists, paths)) else "!gone")
        except OSError:
            listed.append("!RECORD")
    print(name, ",".join(sorted(set(said))), ",".join(listed) or "!none", sep="|")
print("left", *(entry for entry in os.listdir(site) if entry.startswith(("~", ".tmp"))), sep="|")
"""


class Behaviour(NamedTuple):
    """OLD, NEW, or one of mixed, metadata (it does not say what is installed), unimportable; and whether trash was left."""

    state: str
    trash: bool
    why: str


def behaviour(python: Path, site: Path) -> Behaviour:
    """An environment by import, the versions in its modules and its metadata."""
    command: list[str | Path] = [python, "-I", "-S", "-B", "-c", _ASK, site, *VERSIONS]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode:
        return Behaviour("unimportable", trash=False, why=asked.stderr.strip()[-200:])
    *lines, left = asked.stdout.splitlines()
    states, why = [], []
    for line in lines:
        name, said, records = line.split("|")
        state = _state(name, said.split(","), records.split(","))
        states.append(state)
        if state not in {"OLD", "NEW"}:
            why.append(line)
    worst = next((each for each in ("unimportable", "mixed", "metadata") if each in states), "")
    state = worst or (states[0] if len(set(states)) == 1 else "mixed")
    return Behaviour(state, "|" in left, "; ".join(why))


def _state(name: str, said: list[str], records: list[str]) -> str:
    if any(each.startswith("!") for each in said):
        return "unimportable"
    if len(said) != 1:
        return "mixed"
    if records != said:
        return "metadata"
    return "NEW" if said[0] == VERSIONS[name][1] else "OLD" if said[0] == VERSIONS[name][0] else "mixed"

"""What torchsmith remembers of its runs: a folder for each, with its plan, its journal and copies of the files it replaced.

``open`` holds one empty file per run that has not come to its end: a look at that folder tells whether one was cut.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from torchsmith.act import files
from torchsmith.act.journal import Journal
from torchsmith.model.errors import TorchsmithError, TryAgainError, UsageError
from torchsmith.model.record import plain, record
from torchsmith.model.transaction import (
    Edit,
    Effect,
    Environment,
    Expected,
    Past,
    RegistryEdit,
    Run,
    Shown,
    Transaction,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

ENDED = ("done", "discarded", "failed")
"""The kinds of records after which nothing is left to do."""


BY_HAND = "a former environment lies whole in `.torchsmith` beside the present one, and can be moved back by hand"


class DamagedError(TorchsmithError):
    """What a run has left is not what its journal says: nothing is changed by it any more."""

    exit_code = 2


@record
class Entry:
    """A run in the store: its number, its folder, its journal."""

    number: int
    folder: Path
    journal: Journal

    @property
    def backups(self) -> Path:
        """Where copies of replaced files lie."""
        return self.folder / "backup"

    @property
    def decided(self) -> bool:
        """Whether it has to be finished rather than taken back."""
        return self.journal.last("commit") is not None

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.journal.last(*ENDED) is not None


class Store:
    """The runs of one user."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._runs, self._open = root / "runs", root / "open"

    def begin(self, transaction: Transaction, undoes: int = 0) -> Entry:
        """A new run, which is on the disk when this returns.

        Raises:
            TryAgainError: the store cannot be written.

        """
        try:
            for folder in (*reversed(self.root.parents), self.root, self._runs, self._open):
                if not folder.is_dir():
                    folder.mkdir(mode=0o700, exist_ok=True)
                    files.sync_folder(folder.parent)
            number = max(self._numbers(), default=0) + 1
            made = self._runs / f"{number:06}"
            made.mkdir(mode=0o700)
            entry = Entry(number, made, Journal(made / "journal"))
            entry.backups.mkdir(mode=0o700)
            told = _json(plain(transaction))
            files.write_whole(made / "transaction.json", told)
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            entry.journal.add("begin", title=transaction.title, begun=now, undoes=undoes, plan=sha256(told).hexdigest())
            (self._open / made.name).touch(mode=0o600)  # not before: whoever tidies removes a mark without a journal
            for folder in (made, self._runs, self._open, self.root):
                files.sync_folder(folder)
        except OSError as error:
            raise TryAgainError(f"the journal in `{self.root}` cannot be written: {error.strerror or error}") from None
        return entry

    def close(self, entry: Entry) -> None:
        """The run has come to its end."""
        with suppress(FileNotFoundError):
            (self._open / entry.folder.name).unlink()

    def entry(self, number: int) -> Entry:
        """A run by its number.

        Raises:
            UsageError: there is none.

        """
        folder = self._runs / f"{number:06}"
        if not (folder / "journal").is_file():
            raise UsageError(f"there is no run {number}; `torchsmith history` lists them")
        return Entry(number, folder, Journal(folder / "journal"))

    def entries(self) -> tuple[Entry, ...]:
        """All runs that were begun, oldest first."""
        found = (Entry(number, folder, Journal(folder / "journal")) for number, folder in self._folders())
        return tuple(entry for entry in found if entry.journal.records)

    def unreadable(self) -> tuple[int, ...]:
        """The numbers of runs that are there and whose journal says nothing any more."""
        known = {entry.number for entry in self.entries()}
        return tuple(n for n, folder in self._folders() if n not in known and (folder / "transaction.json").exists())

    def cut(self) -> tuple[Entry, ...]:
        """Runs that have not come to their end; a trace of one that was never begun is removed."""
        found = []
        for name in _names(self._open):
            folder = self._runs / name
            entry = Entry(int(name), folder, Journal(folder / "journal")) if name.isdecimal() else None
            if entry is not None and entry.journal.records and not entry.ended:
                found.append(entry)
        return tuple(found)

    def tidy(self) -> None:
        """Remove the marks of runs that ended, or were never begun, just before they could say so."""
        cut = {entry.folder.name for entry in self.cut()}
        for name in _names(self._open):
            if name not in cut:
                with suppress(OSError):
                    (self._open / name).unlink()

    def transaction(self, entry: Entry) -> Transaction:
        """What the run was to change.

        Raises:
            DamagedError: that is not there any more.

        """
        data = files.content(entry.folder / "transaction.json") or b""
        begun = entry.journal.last("begin")
        if begun is None or begun.get("plan") != sha256(data).hexdigest():
            raise DamagedError(f"`{entry.folder}` is damaged: its plan does not agree with its journal")
        try:
            return transaction_of(json.loads(data))
        except (TypeError, KeyError, AttributeError, ValueError, RecursionError):
            raise DamagedError(f"`{entry.folder}` is damaged: its plan cannot be read") from None

    def keep_effects(self, entry: Entry, kind: str, effects: Sequence[Effect]) -> None:
        """Write down what is to be done, then the decision to do it: ``kind`` is commit or reverse."""
        data = _json([plain(effect) for effect in effects])
        files.write_whole(entry.folder / f"{kind}.json", data)
        entry.journal.add(kind, effects=sha256(data).hexdigest())

    def effects(self, entry: Entry, kind: str = "commit") -> tuple[Effect, ...]:
        """What the run decided to do.

        Raises:
            DamagedError: that is not there any more, or somebody changed it.

        """
        told = entry.journal.last(kind)
        data = files.content(entry.folder / f"{kind}.json") or b""
        if told is None or told.get("effects") != sha256(data).hexdigest():
            raise DamagedError(f"`{entry.folder}` is damaged: what the run decided does not agree with its journal; {BY_HAND}")
        return tuple(effect_of(each) for each in json.loads(data))

    def history(self) -> tuple[Past, ...]:
        """Every run, oldest first."""
        entries = self.entries()
        undone = active_undos(entries)
        broken = (Past(number, "its journal cannot be read", "", "damaged") for number in self.unreadable())
        found = (*(self._past(entry, undone) for entry in entries), *broken)
        return tuple(sorted(found, key=lambda past: past.number))

    def pending(self) -> tuple[Past, ...]:
        """The runs that were cut."""
        return tuple(self._past(entry, frozenset()) for entry in self.cut())

    def _past(self, entry: Entry, undone: frozenset[int]) -> Past:
        begun = entry.journal.records[0]
        last = entry.journal.last("done", "discarded", "failed", "commit") or begun
        states = {"done": "done", "discarded": "discarded", "failed": "failed", "commit": "committed"}
        state = "undone" if entry.number in undone else states.get(last["kind"], "staging")
        try:
            paths = tuple(dict.fromkeys(effect.path for effect in self.effects(entry))) if entry.decided else ()
        except DamagedError:
            paths, state = (), "damaged"
        problem = str((entry.journal.last("failed", "discarded") or {}).get("problem", ""))
        return Past(
            entry.number, str(begun.get("title", "")), str(begun.get("begun", "")), state, paths, undoes_of(entry), problem
        )

    def _numbers(self) -> tuple[int, ...]:
        return tuple(number for number, _ in self._folders())

    def _folders(self) -> tuple[tuple[int, Path], ...]:
        return tuple(sorted((int(name), self._runs / name) for name in _names(self._runs) if name.isdecimal()))


def opened(environ: Mapping[str, str] | None = None) -> Store:
    """The store of this user: below XDG_STATE_HOME, or where the system keeps such things.

    Raises:
        UsageError: there is no folder for it.

    """
    return Store(root(os.environ if environ is None else environ))


def root(environ: Mapping[str, str]) -> Path:
    """The folder of the store.

    Raises:
        UsageError: neither XDG_STATE_HOME nor a home folder is set.

    """
    if os.name == "nt":
        base = environ.get("LOCALAPPDATA", "")
        found = Path(base) if base else None
    else:
        state, home = environ.get("XDG_STATE_HOME", ""), environ.get("HOME", "")
        below = "Library/Application Support" if sys.platform == "darwin" else ".local/state"
        found = Path(state) if state.startswith("/") else Path(home) / below if home.startswith("/") else None
    if found is None or not found.is_absolute():
        name = "LOCALAPPDATA" if os.name == "nt" else "XDG_STATE_HOME"
        raise UsageError(f"there is no home folder for the journal: set {name} to a folder that can be written")
    return found / "torchsmith"


def undoes_of(entry: Entry) -> int:
    """The number of the run that it takes back, 0 for none."""
    return int(entry.journal.records[0].get("undoes") or 0)


def active_undos(entries: Sequence[Entry]) -> frozenset[int]:
    """The numbers of runs that are taken back at present; one whose undoing was itself undone is not."""
    undone: set[int] = set()
    for entry in sorted(entries, key=lambda each: each.number, reverse=True):
        number = undoes_of(entry)
        if number and entry.number not in undone and entry.journal.last("done") is not None:
            undone.add(number)
    return frozenset(undone)


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(os.listdir(folder)))
    except (FileNotFoundError, NotADirectoryError):
        return ()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


# ---- back from JSON


def transaction_of(told: Any) -> Transaction:
    """A transaction from its plain form."""
    told = dict(told)
    place = told.get("environment")
    return Transaction(
        **told
        | {
            "environment": Environment(**place | {"create": tuple(place["create"])}) if place else None,
            "edits": tuple(Edit(**each) for each in told["edits"]),
            "runs": tuple(_run(each) for each in told["runs"]),
            "registry": tuple(_registry(each) for each in told["registry"]),
            "shown": tuple(Shown(tuple(each["argv"]), each["why"]) for each in told["shown"]),
            "expected": _expected(told["expected"]),
            "rests_on": tuple((name, digest) for name, digest in told["rests_on"]),
            **{name: tuple(told[name]) for name in ("notes", "indexes", "users")},
        }
    )


def _run(told: Any) -> Run:
    pairs = {field: tuple((name, value) for name, value in told[field]) for field in ("variables", "given")}
    return Run(**told | {"argv": tuple(told["argv"]), "writes": tuple(told["writes"])} | pairs)


def _registry(told: Any) -> RegistryEdit:
    kept = {name: tuple(told[name]) if told[name] is not None else None for name in ("before", "after")}
    return RegistryEdit(**told | kept)


def _expected(told: Any) -> Expected:
    packages = tuple((name, version) for name, version in told["packages"])
    return Expected(**told | {"packages": packages, "absent": tuple(told["absent"])})


def effect_of(told: Any) -> Effect:
    """An effect from its plain form."""
    value = _registry(told["setting"]) if told.get("setting") else None
    return Effect(**told | {"inodes": tuple(told["inodes"]), "setting": value})

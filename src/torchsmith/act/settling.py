"""Runs brought to their end, whatever cut them: back where nothing was decided, forward where it was.

What somebody else has changed in the meantime is never overwritten: then a run that was decided is taken back as far as what
is there is still its own.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path

from torchsmith.act import backups, effects, files, locks, prepare, signals
from torchsmith.act.store import DamagedError
from torchsmith.model.errors import StaleError, TryAgainError, UnreadableInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from torchsmith.act.registry import Registry
    from torchsmith.act.store import Entry, Store
    from torchsmith.model.transaction import Effect, Transaction


@contextmanager
def spoken() -> Iterator[None]:
    """Before anything is begun: what the system refuses becomes a word of ours.

    Raises:
        TryAgainError: a file, a folder or a value cannot be read or written.

    """
    try:
        yield
    except OSError as error:
        raise TryAgainError(f"nothing was changed: {prepare.told(error)}") from None


def discard(store: Store, entry: Entry, kind: str = "discarded", problem: str = "") -> None:
    """Remove what a run prepared. What is live was not touched by it."""
    with suppress(OSError):  # what cannot be removed or written now is left to the next run, which finds no decision
        prepare.remove_copies(entry)
        prepare.remove_folders(entry)
        entry.journal.add(kind, problem=problem[:500])
        store.close(entry)


def done(store: Store, entry: Entry) -> None:
    """All effects are in place: remove what is not needed any more, and say so.

    Raises:
        OSError: that cannot be written now; the next run does it.

    """
    prepare.remove_scraps(entry)
    entry.journal.add("done")
    store.close(entry)


def take_back(
    store: Store,
    entry: Entry,
    wanted: Sequence[Effect],
    problem: str,
    registry: Registry | None = None,
    kind: str = "failed",
) -> None:
    """Undo what a decided run has done so far, within the same run; what is somebody else's by now stays.

    Raises:
        OSError: that cannot be done now; the next run does it.

    """
    if not entry.decided:
        discard(store, entry, kind, problem)
        return
    # The intent first: copies of old contents are made on the way, and whoever comes next must not go forward over them.
    if entry.journal.last("back") is None:
        for effect in wanted:
            if effect.setting is None:
                entry.journal.add("file", staged=str(backups.staged_name(Path(effect.path), entry.number, back=True)))
        entry.journal.add("back", ended=kind, problem=problem[:500])
    made = backups.back(entry, wanted, entry.number, registry, forgiving=True)
    for folder in {Path(effect.staged).parent for effect in made if effect.staged}:
        files.sync_folder(folder)
    store.keep_effects(entry, "reverse", made)
    _finish_back(store, entry, problem, registry, kind)


def _finish_back(store: Store, entry: Entry, problem: str, registry: Registry | None, kind: str) -> None:
    try:
        effects.perform(store.effects(entry, "reverse"), registry)
    except (StaleError, effects.ForeignError) as error:
        # Somebody has changed something since: what is still ours goes back, and what is theirs stays.
        problem = f"{problem}; {error}, and was left".removeprefix("; ")
        store.keep_effects(entry, "reverse", backups.back(entry, store.effects(entry), entry.number, registry, forgiving=True))
        effects.perform(store.effects(entry, "reverse"), registry)
    prepare.remove_copies(entry)
    prepare.remove_folders(entry)
    entry.journal.add(kind, problem=problem[:500])
    store.close(entry)


def settle(store: Store, entry: Entry, registry: Registry | None = None, *, discard: bool = False) -> str:
    """Bring a run that was cut to its end; its state then: done, failed or discarded.

    Raises:
        TryAgainError: the disk or the rights do not allow it now.

    """
    try:
        with signals.deaf():
            _settle(store, entry, registry, back=discard)
    except (OSError, UnreadableInputError) as error:
        problem = f"run {entry.number} was cut, and cannot be brought to its end now: {prepare.told(error)}"
        raise TryAgainError(f"{problem}; make that possible, then `torchsmith resume`") from None
    last = entry.journal.last("done", "failed", "discarded")
    return str(last["kind"]) if last else "discarded"


def _settle(store: Store, entry: Entry, registry: Registry | None, *, back: bool) -> None:
    if entry.ended:
        store.close(entry)
    elif entry.journal.last("reverse") is not None:
        _finish_back(store, entry, "cut while it was taken back; that was finished", registry, "failed")
    elif (intent := entry.journal.last("back")) is not None:
        take_back(store, entry, store.effects(entry), str(intent["problem"]), registry, str(intent["ended"]))
    elif not entry.decided or effects.void(store.effects(entry)):
        discard(store, entry)
    elif back:
        take_back(store, entry, store.effects(entry), "", registry, "discarded")
    else:
        try:
            effects.perform(store.effects(entry), registry, late=True)
        except (StaleError, effects.ForeignError) as error:
            take_back(store, entry, store.effects(entry), f"cut, and then taken back: {error}", registry)
        else:
            done(store, entry)


def settle_others(store: Store, wanted: Sequence[Path], registry: Registry | None) -> None:
    """Runs that were cut on the same things are brought to their end before anything new begins.

    Raises:
        HeldError: one of them is under way.
        TryAgainError: one of them cannot be brought to its end now.

    """
    for entry in store.cut():
        try:
            transaction = store.transaction(entry)
        except DamagedError:  # what it was about is not known: `torchsmith resume --discard` forgets it
            continue
        if set(wanted) & set(prepare.lock_paths(transaction, store)):
            with held(transaction, store):
                settle(store, store.entry(entry.number), registry)  # read again: its owner may just have ended
    with suppress(OSError):
        store.tidy()


def forget(store: Store, entry: Entry) -> None:
    """Close a run whose plan cannot be read any more; what it made is removed, what is live stays as it is."""
    prepare.remove_copies(entry)
    entry.journal.add("failed", problem="its plan could not be read any more: what is live was left as it is")
    store.close(entry)


def held(transaction: Transaction, store: Store) -> AbstractContextManager[None]:
    """Hold the locks of all that a transaction changes."""
    wanted = prepare.lock_paths(transaction, store)
    try:
        for path in wanted:
            if locks.OURS in path.parts:
                locks.own_folder(path.parent)
            else:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise TryAgainError(f"`{error.filename or store.root}` cannot be made: {error.strerror}") from None
    return locks.held(wanted)

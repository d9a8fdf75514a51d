"""Runs taken back: the same machinery with the effects reversed, after a look whether all is still as the run left it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from torchsmith.act import backups, effects, files, intended, prepare, settling, signals
from torchsmith.act.store import active_undos, undoes_of
from torchsmith.act.transaction import failed
from torchsmith.model.errors import TorchsmithError, UsageError
from torchsmith.model.record import replace
from torchsmith.model.transaction import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchsmith.act.registry import Registry
    from torchsmith.act.store import Entry, Store
    from torchsmith.act.transaction import Verify
    from torchsmith.act.watch import Watch
    from torchsmith.model.transaction import Effect


def undo(
    store: Store,
    number: int | None,
    verify: Verify,
    watch: Watch,
    *,
    discard_changes: bool = False,
    registry: Registry | None = None,
) -> tuple[Outcome, ...]:
    """Take a run back, the last one where no number is given; later runs that changed the same go first, one by one.

    Raises:
        UsageError: there is nothing to be taken back.
        StaleError: something was changed since; ``discard_changes`` takes the run back all the same.
        DamagedError: what was kept of the state before is not whole any more.
        HeldError: another run changes the same.
        EndedError: this process was told to end.

    """
    del verify  # what is put back was live before
    outcomes = []
    with signals.told_to_end():
        with settling.spoken():
            wanted = order(store, number)
            for entry in wanted:
                if missing := backups.lost(entry, store.effects(entry), over_changes=discard_changes):
                    raise backups.refuse_lost(missing)
        for entry in wanted:
            outcomes.append(_one(store, entry, watch, registry, discard_changes=discard_changes))
            if outcomes[-1].status != "undone":
                break
    return tuple(outcomes)


def order(store: Store, number: int | None) -> tuple[Entry, ...]:
    """The runs that have to be taken back, the latest first, so that the one with this number is.

    Raises:
        UsageError: there is no such run, or nothing of it is left to be taken back.

    """
    entries = store.entries()
    undone = active_undos(entries)
    can = [entry for entry in entries if entry.journal.last("done") is not None and entry.number not in undone]
    if number is None:
        plain = [entry for entry in can if not undoes_of(entry)]
        if not plain:
            raise UsageError("there is no run to be taken back; `torchsmith history` lists them")
        first = plain[-1]
    else:
        first = store.entry(number)
        if number not in {entry.number for entry in can}:
            state = "is taken back already" if number in undone else "changed nothing"
            raise UsageError(f"run {number} {state}; `torchsmith history` lists what can be taken back")
    wanted, paths = [first], _paths(store, first)
    # A later run on the same things stands on this one. Pairs of a run and the one that took it back cancel each other.
    for entry in can:
        stands = entry.number > first.number and not (undoes_of(entry) and undoes_of(entry) != first.number)
        if stands and not undoes_of(entry) and _overlap(paths, _paths(store, entry)):
            wanted.append(entry)
            paths |= _paths(store, entry)
    return tuple(sorted(wanted, key=lambda entry: -entry.number))


def _overlap(paths: set[str], others: set[str]) -> bool:
    """Whether one of these is, lies in, or holds one of those."""
    pairs = ((f"{one}{os.sep}", f"{other}{os.sep}") for one in paths for other in others)
    return any(one.startswith(other) or other.startswith(one) for one, other in pairs)


def _one(store: Store, taken: Entry, watch: Watch, registry: Registry | None, *, discard_changes: bool) -> Outcome:
    begun = time.monotonic()
    was = store.transaction(taken)
    transaction = replace(was, title=f"take back run {taken.number}: {was.title}")
    settling.settle_others(store, prepare.lock_paths(transaction, store), registry)
    with settling.held(transaction, store):
        if taken.number in active_undos(store.entries()):
            raise UsageError(f"run {taken.number} was taken back just now, by another process")
        done = store.effects(taken)
        watch.phase("look whether all is as it was left")
        with settling.spoken():
            if missing := backups.lost(taken, done, over_changes=discard_changes):
                raise backups.refuse_lost(missing)
            if not discard_changes and (changed := backups.changed_since(done, registry)):
                raise backups.explain(changed)
        entry = store.begin(transaction, undoes=taken.number)
        try:
            made = _prepared(taken, entry, done, registry, discard_changes=discard_changes)
        except BaseException as error:  # noqa: BLE001 - whatever it was, the copies go
            with signals.deaf():
                settling.discard(store, entry, "failed", str(error))
            return failed(error, entry, begun)
        watch.phase("put back what was there before")
        with signals.deaf(last=True):
            return _put_back(store, taken, entry, made, registry, begun)


def _prepared(
    taken: Entry, entry: Entry, done: Sequence[Effect], registry: Registry | None, *, discard_changes: bool
) -> tuple[Effect, ...]:
    """The old contents beside the files that they replace, and copies of what is there now."""
    for effect in done:
        if effect.setting is None and not os.path.isdir(effect.path):
            intended.make_folders(Path(effect.path).parent, entry)
            entry.journal.add("file", staged=str(backups.staged_name(Path(effect.path), entry.number, back=True)))
    made = backups.back(taken, done, entry.number, registry, over_changes=discard_changes)
    for effect in made:
        if effect.kind == "replace" or (effect.kind == "remove" and not os.path.isdir(effect.path)):
            backups.keep(entry, Path(effect.path))
    for folder in {entry.backups, entry.folder, *(Path(effect.staged).parent for effect in made if effect.staged)}:
        files.sync_folder(folder)
    return made


def _put_back(
    store: Store, taken: Entry, entry: Entry, made: tuple[Effect, ...], registry: Registry | None, begun: float
) -> Outcome:
    try:
        store.keep_effects(entry, "commit", made)
        said = effects.perform(made, registry)
        prepare.remove_scraps(entry)
        prepare.remove_folders(taken)
        entry.journal.add("done")
        store.close(entry)
    except (OSError, TorchsmithError) as error:
        problem = prepare.told(error) if isinstance(error, OSError) else str(error)
        if not entry.decided:
            settling.discard(store, entry, "failed", problem)
            return failed(error, entry, begun)
        return Outcome("cut", entry.number, f"{problem}: `torchsmith resume` brings it to an end", exit_code=75)
    return Outcome("undone", entry.number, "", said, made, seconds=time.monotonic() - begun)


def _paths(store: Store, entry: Entry) -> set[str]:
    return {effect.path for effect in store.effects(entry)}

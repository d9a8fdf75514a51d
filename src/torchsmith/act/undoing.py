"""Runs taken back: the same machinery with the effects reversed, after a look whether all is still as the run left it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from torchsmith.act import backups, effects, files, prepare, signals
from torchsmith.act.store import active_undos, undoes_of
from torchsmith.act.transaction import discard, held, settle_others
from torchsmith.model.errors import UsageError
from torchsmith.model.record import replace
from torchsmith.model.transaction import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.act.registry import Registry
    from torchsmith.act.store import Entry, Store
    from torchsmith.act.transaction import Verify
    from torchsmith.act.watch import Watch


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
        for entry in order(store, number):
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
        if stands and not undoes_of(entry) and paths & _paths(store, entry):
            wanted.append(entry)
            paths |= _paths(store, entry)
    return tuple(sorted(wanted, key=lambda entry: -entry.number))


def _one(store: Store, taken: Entry, watch: Watch, registry: Registry | None, *, discard_changes: bool) -> Outcome:
    begun = time.monotonic()
    was = store.transaction(taken)
    title = f"take back run {taken.number}: {was.title}"
    transaction = replace(was, title=title)
    wanted_locks = prepare.lock_paths(transaction, store)
    settle_others(store, wanted_locks, registry)
    with held(transaction, store):
        done = store.effects(taken)
        watch.phase("look whether all is as it was left")
        if missing := backups.lost(taken, done):
            raise backups.refuse_lost(missing)
        if not discard_changes and (changed := backups.changed_since(done, registry)):
            raise backups.explain(changed)
        entry = store.begin(transaction, undoes=taken.number)
        try:
            for effect in done:
                if effect.setting is None and not os.path.isdir(effect.path):
                    entry.journal.add("file", staged=str(backups.staged_name(Path(effect.path), entry.number)))
            made = backups.back(taken, done, entry.number, over_changes=discard_changes)
            for effect in made:
                if effect.kind == "replace" or (effect.kind == "remove" and not os.path.isdir(effect.path)):
                    backups.keep(entry, Path(effect.path))
            for effect in made:
                if effect.staged:
                    files.sync_folder(Path(effect.staged).parent)
        except BaseException as error:
            with signals.deaf():
                discard(store, entry, "failed", str(error))
            raise
        watch.phase("put back what was there before")
        with signals.deaf():
            store.keep_effects(entry, "commit", made)
            effects.perform(made, registry)
            entry.journal.add("done")
            prepare.remove_scraps(entry)
            store.close(entry)
    return Outcome("undone", entry.number, effects=made, seconds=time.monotonic() - begun)


def _paths(store: Store, entry: Entry) -> set[str]:
    return {effect.path for effect in store.effects(entry)}

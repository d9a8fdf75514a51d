"""A transaction carried out: everything is prepared on copies, decided by one record of the journal, done in steps that repeat.

Until the record ``commit`` is on the disk nothing that is live has changed: a run that ends before it, however it ends, leaves
copies behind that the next one removes. After it the run is finished forward, by whoever comes next; if what is live then does
not work, the same way back.
"""

from __future__ import annotations

import os
import time

from torchsmith.act import effects, locks, prepare, settling, signals
from torchsmith.act.store import DamagedError, undoes_of
from torchsmith.model.errors import EndedError, FailedError, TorchsmithError
from torchsmith.model.record import replace
from torchsmith.model.transaction import Outcome, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchsmith.act.prepare import Prepared
    from torchsmith.act.registry import Registry
    from torchsmith.act.store import Entry, Store
    from torchsmith.act.watch import Watch
    from torchsmith.model.transaction import Effect

    Checks = tuple[tuple[str, bool, str], ...]
    Verify = Callable[[str, Transaction, bool], Checks]
    """Checks an environment by its Python against what is expected; the flag says that it is the live one."""


def carry_out(transaction: Transaction, store: Store, verify: Verify, watch: Watch, registry: Registry | None = None) -> Outcome:
    """Change what the transaction says, or nothing.

    Runs that were cut before on the same things are settled first.

    Raises:
        StaleError: what is there is not what the transaction was made for.
        HeldError: another run changes the same.
        TryAgainError: the journal cannot be written.
        EndedError: this process was told to end; everything is as it was.

    """
    if transaction.empty:
        return Outcome("nothing")
    with signals.told_to_end():
        with settling.spoken():
            settling.settle_others(store, prepare.lock_paths(transaction, store), registry)
        with settling.held(transaction, store):
            with settling.spoken():
                prepare.check(transaction, registry)
            entry = store.begin(transaction)
            return _carried_out(transaction, store, entry, verify, watch, registry)


def _carried_out(
    transaction: Transaction, store: Store, entry: Entry, verify: Verify, watch: Watch, registry: Registry | None
) -> Outcome:
    begun = time.monotonic()
    try:
        prepared = prepare.prepared(transaction, entry, verify, watch, registry)
    except BaseException as error:  # noqa: BLE001 - whatever it was, the copies go
        with signals.deaf():
            settling.discard(
                store, entry, "discarded" if isinstance(error, EndedError | KeyboardInterrupt) else "failed", str(error)
            )
        return failed(error, entry, begun)
    if not prepared.effects:
        with signals.deaf(last=True):
            settling.discard(store, entry, "discarded", "there was nothing to change")
        return Outcome("nothing", entry.number, checks=prepared.checks, seconds=time.monotonic() - begun)
    outcome = _decided(transaction, store, entry, prepared, verify, watch, registry)
    return replace(outcome, mode=prepared.mode, seconds=time.monotonic() - begun)


def _decided(
    transaction: Transaction,
    store: Store,
    entry: Entry,
    prepared: Prepared,
    verify: Verify,
    watch: Watch,
    registry: Registry | None,
) -> Outcome:
    """The decision and what follows it. Told to end, it takes back what it has done."""
    watch.phase("put the changes in place")
    try:
        with signals.deaf():
            said = _commit(store, entry, prepared.effects, registry)
        watch.phase("check what is live now")
        checks = (*prepared.checks, *_live(transaction, verify))
        prepare.passed(checks, "the change does not work where it is live")
    except BaseException as error:  # noqa: BLE001 - whatever it was, what is live goes back
        try:
            with signals.deaf():
                settling.take_back(store, entry, prepared.effects, str(error), registry)
        except (OSError, TorchsmithError) as second:
            problem = f"{error}; taking it back was stopped ({prepare.told(second)}): `torchsmith resume` brings it to an end"
            return Outcome("cut", entry.number, problem, exit_code=75)
        return failed(error, entry, time.monotonic())
    problem = ""
    with signals.deaf(last=True):
        try:
            settling.done(store, entry)
        except OSError as error:
            problem = f"all is done, but the journal could not say so ({prepare.told(error)}): the next run will"
    return Outcome("done", entry.number, problem, said, prepared.effects, checks)


def _commit(store: Store, entry: Entry, wanted: Sequence[Effect], registry: Registry | None) -> tuple[str, ...]:
    store.keep_effects(entry, "commit", wanted)
    return effects.perform(wanted, registry)


def _live(transaction: Transaction, verify: Verify) -> Checks:
    from torchsmith.act import fresh_shell

    place = transaction.environment
    moved = place is not None and (transaction.runs or place.create)
    own = verify(place.python, transaction, True) if moved and place is not None else ()
    return (*own, *fresh_shell.checks(transaction, os.environ))


def failed(error: BaseException, entry: Entry, begun: float) -> Outcome:
    """What a run says that failed and left everything as it was; who was told to end hears it as that.

    Raises:
        EndedError: the process was told to end.

    """
    if isinstance(error, KeyboardInterrupt):
        error = EndedError("interrupted")
    if isinstance(error, EndedError):
        raise EndedError(f"{error}; everything is as it was before run {entry.number}", error.exit_code) from None
    if not isinstance(error, TorchsmithError | OSError):
        raise error
    seconds = time.monotonic() - begun
    if isinstance(error, OSError):
        return Outcome(
            "failed", entry.number, prepare.told(error), seconds=seconds, exit_code=75 if prepare.may_pass(error) else 5
        )
    code = 75 if error.exit_code == 75 else 5
    said, checks = (error.said, error.checks) if isinstance(error, FailedError) else ((), ())
    return Outcome("failed", entry.number, str(error), said, checks=checks, seconds=seconds, exit_code=code)


def resume(
    store: Store, verify: Verify, watch: Watch, *, discard: bool = False, registry: Registry | None = None
) -> tuple[Outcome, ...]:
    """Bring every run that was cut to its end.

    One that had decided is finished, one that had not is tried again; with ``discard`` both are taken back.

    Raises:
        HeldError: a run is not cut, but under way in another process.
        TryAgainError: the disk or the rights do not allow it now.

    """
    outcomes = []
    with signals.told_to_end():
        for number in [entry.number for entry in store.cut()]:
            try:
                transaction = store.transaction(store.entry(number))
            except DamagedError as error:
                outcomes.append(_unreadable(store, number, str(error), forget=discard))
                continue
            with settling.held(transaction, store):
                entry = store.entry(number)  # read under its lock: its owner may just have ended
                if entry.ended:
                    continue
                undecided = not entry.decided
                state = settling.settle(store, entry, registry, discard=discard)
            if undecided and not discard:
                outcomes.append(_again(entry, transaction, store, verify, watch, registry))
            else:
                problem = str((entry.journal.last("failed") or {}).get("problem", ""))
                checks = _live(transaction, verify) if state == "done" and not undoes_of(entry) else ()
                wrong = [f"{name}: {found}" for name, passed, found in checks if not passed]
                if wrong:
                    problem = f"it was finished, and does not work: {wrong[0]}; `torchsmith undo` takes it back"
                code = 5 if state == "failed" or wrong else 0
                outcomes.append(Outcome(state, number, problem, checks=checks, exit_code=code))
        store.tidy()
    return tuple(outcomes)


def _unreadable(store: Store, number: int, problem: str, *, forget: bool) -> Outcome:
    if not forget:
        return Outcome("failed", number, f"{problem}; `torchsmith resume --discard` forgets the run", exit_code=2)
    settling.forget(store, store.entry(number))
    return Outcome("discarded", number, "its plan could not be read any more: what is live was left as it is")


def _again(
    entry: Entry, transaction: Transaction, store: Store, verify: Verify, watch: Watch, registry: Registry | None
) -> Outcome:
    from torchsmith.act import undoing

    number = undoes_of(entry)
    if number:
        return undoing.undo(store, number, verify, watch, registry=registry)[-1]
    return carry_out(transaction, store, verify, watch, registry)


def under_way(store: Store, number: int) -> str:
    """Which process carries a run out at this moment; empty for none."""
    try:
        transaction = store.transaction(store.entry(number))
    except TorchsmithError:
        return ""
    return next((said for path in prepare.lock_paths(transaction, store) if path.exists() and (said := locks.owner(path))), "")

"""``undo``, ``resume`` and ``history``: what was done before, taken back, brought to its end, or told."""

from __future__ import annotations

from torchsmith.act import generations, store, target, transaction, undoing, verify
from torchsmith.app import apply
from torchsmith.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.act.store import Store
    from torchsmith.act.watch import Watch
    from torchsmith.model.transaction import Outcome, Past


def undo(number: int | None, watch: Watch, *, discard_changes: bool = False) -> tuple[Outcome, ...]:
    """Take a run back, the last one if none is named, and before it those that stand on it.

    Raises:
        StaleError: something was changed since.
        UsageError: there is nothing to take back.

    """
    here = store.opened()
    number = number or _last_here(here)
    return undoing.undo(here, number, verify.verify, watch, discard_changes=discard_changes, registry=apply.registry())


def _last_here(here: Store) -> int | None:
    """The last run that changed something of this folder, of the active environment or of the user; None where none is left.

    Raises:
        UsageError: the runs that can be taken back are all of other places.

    """
    can = [past for past in here.history() if past.state == "done" and not past.undoes]
    found = [past for past in can if not past.paths or any(map(target.is_here, past.paths))]
    if can and not found:
        last = can[-1]
        raise UsageError(
            f"nothing was changed in this folder or the active environment; the last run of all, {last.number} ({last.title}), "
            f"changed {last.paths[0]}: `torchsmith undo {last.number}` takes it back"
        )
    return found[-1].number if found else None


def would(number: int | None) -> tuple[Past, ...]:
    """The runs that would be taken back, in that order.

    Raises:
        UsageError: there is nothing to take back.

    """
    here = store.opened()
    past = {each.number: each for each in here.history()}
    return tuple(past[entry.number] for entry in undoing.order(here, number or _last_here(here)))


def resume(watch: Watch, *, discard: bool = False) -> tuple[Outcome, ...]:
    """Bring every run that was cut to its end.

    Raises:
        HeldError: it is not cut, but under way.

    """
    return transaction.resume(store.opened(), verify.verify, watch, discard=discard, registry=apply.registry())


def history() -> tuple[tuple[Past, ...], dict[int, int], dict[int, str]]:
    """Every run, oldest first; what the former environment takes that is kept for it; who carries it out at this moment."""
    here = store.opened()
    owners = ((past.number, transaction.under_way(here, past.number)) for past in here.pending())
    return here.history(), generations.sizes(here), {number: owner for number, owner in owners if owner}


def titles() -> dict[int, str]:
    """What each run did, by its number."""
    return {past.number: past.title for past in store.opened().history()}


def prune(keep: int) -> tuple[int, ...]:
    """Remove all but the newest ``keep`` former environments of each; the last one that worked always stays.

    Raises:
        HeldError: a run is under way on one of them.

    """
    gone = generations.prune(store.opened(), keep)
    generations.sweep(store.opened())
    return gone

"""What runs keep of environments: the tree that was live before each, until newer ones make it dispensable."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from torchsmith.act import clone, locks
from torchsmith.act.store import DamagedError, active_undos, undoes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.act.store import Entry, Store
    from torchsmith.model.transaction import Effect

_GONE = ".gone"
"""The end of the name of a tree that is about to be deleted: half of one must not pass for a generation."""


def kept(store: Store) -> dict[int, tuple[str, Path]]:
    """For each run whose old environment is still there: the environment's path, and where the old tree lies."""
    found = {}
    for entry in store.entries():
        if entry.journal.last("done") is None or undoes_of(entry):
            continue
        try:
            effects = store.effects(entry)
        except DamagedError:
            continue
        for effect in effects:
            if effect.kind in {"exchange", "place"} and effect.staged and os.path.isdir(effect.staged):
                found[entry.number] = (effect.path, Path(effect.staged))
    return found


def _effects(store: Store, entry: Entry) -> tuple[Effect, ...]:
    """What a run that was cut has decided to do, and still needs its trees for."""
    with suppress(DamagedError):
        return store.effects(entry) if entry.decided else ()
    return ()


def sizes(store: Store) -> dict[int, int]:
    """Bytes that removing the kept tree of each run would free: files that no other tree shares."""
    found = {}
    for number, (_, tree) in kept(store).items():
        size = 0
        for parent, _, names in os.walk(tree):
            for name in names:
                with suppress(FileNotFoundError):
                    about = os.lstat(os.path.join(parent, name))
                    size += about.st_size if about.st_nlink == 1 else 0
        found[number] = size
    return found


def prune(store: Store, keep: int) -> tuple[int, ...]:
    """Remove all but the newest kept trees of each environment; the numbers of the runs that cannot be taken back any more.

    The tree that the latest run replaced always stays: it is the last that is known to have worked.

    Raises:
        HeldError: a run is under way on one of the environments.

    """
    needed = {effect.staged for entry in store.cut() for effect in _effects(store, entry)}
    trees = {number: found for number, found in kept(store).items() if str(found[1]) not in needed}
    undone = active_undos(store.entries())
    paths = {path for path, _ in trees.values()}
    removed = []
    for path in sorted(paths):
        # What was taken back already is dispensable first.
        order = sorted((number for number in trees if trees[number][0] == path), key=lambda each: (each not in undone, each))
        gone = order[: max(0, len(order) - max(keep, 1))]
        if not gone:
            continue
        lock = locks.of_environment(Path(path)) / "lock"
        if lock.parent.is_dir():
            with locks.held((lock,)):
                _remove(trees, gone)
        else:
            _remove(trees, gone)
        removed += gone
    return tuple(sorted(removed))


def _remove(trees: dict[int, tuple[str, Path]], numbers: list[int]) -> None:
    """Out of the way at once; ``sweep`` takes the time that deleting needs."""
    for number in numbers:
        tree = trees[number][1]
        tree.rename(tree.with_name(f"{tree.name}{_GONE}"))


def sweep(store: Store) -> None:
    """Delete what was put out of the way beside the environments that runs have changed; what resists stays for the next time."""
    folders = set()
    for entry in store.entries():
        with suppress(DamagedError):
            folders |= {Path(effect.staged).parent for effect in store.effects(entry) if effect.kind in {"exchange", "place"}}
    for folder in folders:
        if locks.OURS in folder.parts and folder.is_dir() and locks.is_own(folder) and locks.is_own(folder.parent):
            for tree in folder.glob(f"run-*{_GONE}"):
                with suppress(OSError):
                    clone.remove(tree)

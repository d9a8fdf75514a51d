"""The steps after the decision. Each finds out by itself whether it was done, so that all can be repeated after a crash."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from torchsmith.act import clone, exchange, files
from torchsmith.model.errors import TorchsmithError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchsmith.act.registry import Registry
    from torchsmith.model.transaction import Effect

_RENAMES = 4
"""Steps that the longest way between two states takes."""


class ForeignError(TorchsmithError):
    """What is there is neither what it was nor what it was to become: somebody else changed it, and it is left alone."""

    exit_code = 5


def perform(effects: Sequence[Effect], registry: Registry | None = None, *, late: bool = False) -> tuple[str, ...]:
    """Do what is not done yet, in order; what there is to say of it. ``late`` says that it was decided some time ago.

    Raises:
        OSError: one cannot be done; those before it are.
        ForeignError: somebody else has changed what one is about.
        StaleError: somebody else has changed a value of the registry.

    """
    said = []
    for effect in effects:
        if late and not _untouched(effect):
            raise ForeignError(f"`{effect.path}` was changed by somebody else meanwhile")
        said.append(_KINDS[effect.kind](effect, registry))
    if registry is not None and any(effect.setting is not None for effect in effects):
        said.append(registry.broadcast())
    return tuple(filter(None, said))


def _numbers(effect: Effect) -> tuple[int, int]:
    """The inode numbers of the old tree and of the new one; if neither is known both were copied since, and the content tells."""
    now, beside = inode(effect.path), inode(effect.staged)
    if {now, beside} & set(effect.inodes) or not now or not beside:
        return effect.inodes
    here, there = (clone.fingerprint(Path(path)) for path in (effect.path, effect.staged))
    if (here, there) == (effect.before, effect.after):
        return now, beside
    return (beside, now) if (here, there) == (effect.after, effect.before) else effect.inodes


def void(effects: Sequence[Effect]) -> bool:
    """Whether nothing of it was done, nor can be: the copies were removed, since the decision did not reach the disk in time."""
    made = [effect for effect in effects if effect.staged and effect.kind in {"exchange", "place", "replace"}]
    return bool(made) and all(not inode(effect.staged) and not _done(effect) for effect in made)


def _done(effect: Effect) -> bool:
    if effect.kind == "replace":
        return files.digest(effect.path) == effect.after
    return inode(effect.path) == effect.inodes[1]


def inode(path: str | Path) -> int:
    """The number that a file or folder keeps when it is renamed; 0 where there is none."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return os.lstat(path).st_ino
    return 0


def _exchange(effect: Effect, registry: Registry | None) -> None:
    """From whatever state a cut has left: where the two trees cannot change places in one step, one of them waits aside."""
    del registry
    live, staged = Path(effect.path), Path(effect.staged)
    aside = aside_of(effect)
    old, new = _numbers(effect)
    for _ in range(_RENAMES):
        here, beside, waits = inode(live), inode(staged), inode(aside)
        if here == new and waits != old:
            break
        if here == new:
            exchange.patiently(lambda: aside.rename(staged))
        elif here == old and beside == new:
            try:
                exchange.exchange(live, staged)
            except exchange.NotAtomicError:
                exchange.patiently(lambda: live.rename(aside))
        elif here == old and waits == new and not beside:
            exchange.patiently(lambda: live.rename(staged))
        elif not here and beside == new:
            exchange.patiently(lambda: staged.rename(live))
        elif not here and waits == new:
            exchange.patiently(lambda: aside.rename(live))
        else:
            break
    if inode(live) != new:
        raise ForeignError(f"`{live}` is neither what it was nor what it was to become: somebody changed it meanwhile")
    exchange.sync(live, staged)


def aside_of(effect: Effect) -> Path:
    """Where a tree waits for a moment."""
    return Path(f"{effect.staged}.aside")


def _untouched(effect: Effect) -> bool:
    """Whether what is about to give way is still what the run found; a cut may be days old."""
    path = Path(effect.path)
    if effect.kind == "exchange" and inode(path) == effect.inodes[0]:
        return clone.fingerprint(path) == effect.before
    if effect.kind == "remove" and path.is_dir():
        return clone.fingerprint(path) == effect.before
    return True


def _place(effect: Effect, registry: Registry | None) -> None:
    del registry
    live, staged = Path(effect.path), Path(effect.staged)
    if inode(live) == effect.inodes[1] and not inode(staged):
        return
    if inode(staged) != effect.inodes[1]:
        raise ForeignError(f"`{staged}` is not there any more")
    exchange.place(staged, live)
    exchange.sync(live, staged)


def _remove(effect: Effect, registry: Registry | None) -> None:
    del registry
    live, staged = Path(effect.path), Path(effect.staged)
    if not inode(live):
        return
    same = inode(live) == effect.inodes[0] if live.is_dir() else files.digest(live) == effect.before
    if not same:
        raise ForeignError(f"`{live}` was changed by somebody else meanwhile")
    exchange.place(live, staged)
    exchange.sync(live, staged)


def _replace(effect: Effect, registry: Registry | None) -> None:
    del registry
    live, staged = Path(effect.path), Path(effect.staged)
    if inode(staged) and files.digest(live) == effect.after:
        staged.unlink()  # done already, or never undone: nothing that could be held up
    elif inode(staged):
        if files.digest(live) not in {effect.before, effect.after}:
            raise ForeignError(f"`{live}` was changed by somebody else meanwhile")
        if files.digest(staged) != effect.after:
            raise ForeignError(f"`{staged}` is not what was written there")
        exchange.patiently(lambda: os.replace(staged, live))
    elif files.digest(live) == effect.before != effect.after:
        raise ForeignError(f"`{staged}` is not there any more")
    # Otherwise it was put in place, and is somebody's to edit since.
    files.sync_folder(live.parent)


def _registry(effect: Effect, registry: Registry | None) -> None:
    from torchsmith.act import registry as values

    if registry is None or effect.setting is None:
        raise ForeignError("there is no registry here")
    values.change(registry, effect.setting)


def _registry_back(effect: Effect, registry: Registry | None) -> str | None:
    from torchsmith.act import registry as values

    if registry is None or effect.setting is None:
        return None
    return values.taken_back(registry, effect.setting)


_KINDS: dict[str, Callable[[Effect, Registry | None], str | None]] = {
    "exchange": _exchange,
    "place": _place,
    "remove": _remove,
    "replace": _replace,
    "registry": _registry,
    "registry back": _registry_back,
}

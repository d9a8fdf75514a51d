"""The steps after the decision. Each finds out by itself whether it was done, so that all can be repeated after a crash."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from torchsmith.act import clone, exchange, files
from torchsmith.model.errors import TorchsmithError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchsmith.act.registry import Registry
    from torchsmith.model.transaction import Effect

PATIENCE = 10.0
"""Seconds that Windows is asked again for a file that a virus scanner or an editor holds."""


class ForeignError(TorchsmithError):
    """What is there is neither what it was nor what it was to become: somebody else changed it, and it is left alone."""

    exit_code = 5


def perform(effects: Sequence[Effect], registry: Registry | None = None) -> tuple[str, ...]:
    """Do what is not done yet, in order; what there is to say of it.

    Raises:
        OSError: one cannot be done; those before it are.
        ForeignError: somebody else has changed what one is about.
        StaleError: somebody else has changed a value of the registry.

    """
    for effect in effects:
        _KINDS[effect.kind](effect, registry)
    if registry is not None and any(effect.setting is not None for effect in effects):
        return tuple(filter(None, (registry.broadcast(),)))
    return ()


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
    del registry
    live, staged = Path(effect.path), Path(effect.staged)
    aside = staged.with_name(f"{staged.name}.aside")
    old, new = _numbers(effect)
    if inode(live) == old and inode(staged) == new:
        try:
            exchange.exchange(live, staged)
        except exchange.NotAtomicError:
            _patiently(lambda: live.rename(aside))
    if inode(aside) == old and not inode(live):
        _patiently(lambda: staged.rename(live))
    if inode(aside) == old and inode(live) == new:
        _patiently(lambda: aside.rename(staged))
    if inode(live) != new:
        raise ForeignError(f"`{live}` is neither what it was nor what it was to become: somebody changed it meanwhile")
    _sync(live, staged)


def _place(effect: Effect, registry: Registry | None) -> None:
    del registry
    live, staged = Path(effect.path), Path(effect.staged)
    if inode(live) == effect.inodes[1] and not inode(staged):
        return
    if inode(staged) != effect.inodes[1]:
        raise ForeignError(f"`{staged}` is not there any more")
    exchange.place(staged, live)
    _sync(live, staged)


def _remove(effect: Effect, registry: Registry | None) -> None:
    del registry
    live, staged = Path(effect.path), Path(effect.staged)
    if inode(live) and inode(live) == effect.inodes[0]:
        exchange.place(live, staged)
        _sync(live, staged)


def _replace(effect: Effect, registry: Registry | None) -> None:
    del registry
    live, staged = Path(effect.path), Path(effect.staged)
    if inode(staged) and files.digest(live) == effect.after:
        staged.unlink()  # done already, or never undone: nothing that could be held up
    elif inode(staged):
        if files.digest(live) not in {effect.before, effect.after}:
            raise ForeignError(f"`{live}` was changed by somebody else meanwhile")
        _patiently(lambda: os.replace(staged, live))
    if files.digest(live) != effect.after:
        raise ForeignError(f"`{live}` is not what it was to become: somebody changed it meanwhile")
    files.sync_folder(live.parent)


def _registry(effect: Effect, registry: Registry | None) -> None:
    from torchsmith.act import registry as values

    if registry is None or effect.setting is None:
        raise ForeignError("there is no registry here")
    values.change(registry, effect.setting)


def _registry_back(effect: Effect, registry: Registry | None) -> None:
    from torchsmith.act import registry as values

    if registry is not None and effect.setting is not None:
        values.taken_back(registry, effect.setting)


_KINDS: dict[str, Callable[[Effect, Registry | None], None]] = {
    "exchange": _exchange,
    "place": _place,
    "remove": _remove,
    "replace": _replace,
    "registry": _registry,
    "registry back": _registry_back,
}


def _sync(*paths: Path) -> None:
    for folder in {path.parent for path in paths}:
        files.sync_folder(folder)


def _patiently(act: Callable[[], object]) -> None:
    """Try again for a while: on Windows a file that somebody looks at cannot be renamed."""
    ends = time.monotonic() + (PATIENCE if os.name == "nt" else 0)
    wait = 0.05
    while True:
        try:
            act()
        except PermissionError:
            if time.monotonic() + wait > ends:
                raise
            time.sleep(wait)
            wait *= 2
        else:
            return

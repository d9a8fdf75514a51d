"""Copies of the files that a run replaces, and the effects that take a run back."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from torchsmith.act import clone, files
from torchsmith.act.effects import aside_of, inode
from torchsmith.act.store import DamagedError
from torchsmith.model.errors import StaleError
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchsmith.act.registry import Registry
    from torchsmith.act.store import Entry
    from torchsmith.model.transaction import Effect


def keep(entry: Entry, path: Path) -> None:
    """A copy of a file in the folder of the run, on the disk when this returns."""
    files.copy_exact(path, _copy(entry, str(path)))


def staged_name(path: Path, number: int, *, back: bool = False) -> Path:
    """Where the new content of a file waits, or the old one on the way back: beside it, so that a rename puts it in its place."""
    return path.with_name(f".{path.name[:200]}.torchsmith-{number}{'-back' if back else ''}")


def changed_since(effects: Sequence[Effect], registry: Registry | None) -> tuple[str, ...]:
    """What is not any more as the run left it, in words."""
    found = []
    for effect in effects:
        if effect.setting is not None:
            now = registry.read(effect.setting.key, effect.setting.name) if registry is not None else None
            if now != effect.setting.after:
                found.append(f"HKEY_CURRENT_USER\\{effect.setting.key}: {effect.setting.name}")
        elif effect.kind in {"replace", "remove"} or not os.path.isdir(effect.path):
            if _digest(effect.path) != effect.after:
                found.append(effect.path)
        elif clone.fingerprint(Path(effect.path)) != effect.after:
            found.append(effect.path)
    return tuple(found)


def lost(entry: Entry, effects: Sequence[Effect], *, over_changes: bool = False) -> tuple[str, ...]:
    """What the run kept of what was there before and is not as it was kept, in words.

    ``over_changes`` says that a tree that was changed will do: a file that it shares with the live one may have been edited.
    """
    found = []
    for effect in effects:
        if effect.kind == "exchange":
            staged = Path(effect.staged)
            if not staged.is_dir() or (not over_changes and clone.fingerprint(staged) != effect.before):
                found.append(effect.staged)
        elif effect.kind == "remove" and Path(effect.staged).is_dir():
            if not over_changes and clone.fingerprint(Path(effect.staged)) != effect.before:
                found.append(effect.staged)
        elif effect.kind in {"replace", "remove"} and effect.setting is None:
            copy = _copy(entry, effect.path)
            if _digest(str(copy)) != effect.before:
                found.append(str(copy))
    return tuple(found)


def back(
    entry: Entry,
    effects: Sequence[Effect],
    number: int,
    registry: Registry | None = None,
    *,
    over_changes: bool = False,
    forgiving: bool = False,
) -> tuple[Effect, ...]:
    """The effects that take a run back, in opposite order; old contents are put where they wait for it.

    ``number`` is that of the run that takes back. ``over_changes`` says that what is there now gives way, whatever it is;
    ``forgiving``, for a run that takes itself back, that what is somebody else's by now stays, and does not stop the rest.
    """
    return tuple(
        replace(effect, kind="registry back")
        if forgiving and effect.setting is not None
        else _one(entry, effect, number, registry, over_changes=over_changes, forgiving=forgiving)
        for effect in reversed(effects)
        if not (forgiving and _foreign(effect))
    )


def _foreign(effect: Effect) -> bool:
    """Whether what is there is neither what the run found nor what it made."""
    if effect.setting is not None:
        return False
    known = {effect.before, effect.after}
    path = Path(effect.path)
    if effect.kind == "exchange" and not inode(path):  # between two renames, one tree waits aside
        return inode(aside_of(effect)) not in effect.inodes
    if effect.kind in {"exchange", "place"} and path.is_dir():
        return clone.fingerprint(path) not in known
    return _digest(effect.path) not in known


def _one(entry: Entry, effect: Effect, number: int, registry: Registry | None, *, over_changes: bool, forgiving: bool) -> Effect:
    if effect.setting is not None:
        now = effect.setting.after
        if over_changes and registry is not None:
            now = registry.read(effect.setting.key, effect.setting.name)
        value = replace(effect.setting, before=now, after=effect.setting.before)
        return replace(effect, setting=value)
    if effect.kind == "exchange":
        return _exchanged_back(effect, over_changes=over_changes, forgiving=forgiving)
    folder = os.path.isdir(effect.path)
    was = _digest(effect.path) if over_changes and not folder else effect.after
    if effect.kind == "place":
        staged = effect.staged if folder else str(staged_name(Path(effect.path), number, back=True))
        return replace(effect, kind="remove", staged=staged, before=was, after=None, inodes=(inode(effect.path), 0))
    path = Path(effect.path)
    if effect.kind == "remove" and (path.is_dir() or Path(effect.staged).is_dir()):
        # A folder waits where it was moved to; still at its place, it has never been away.
        return replace(effect, kind="place", before=None, after=effect.before, inodes=(0, effect.inodes[0]))
    staged_file = staged_name(path, number, back=True)
    files.copy_exact(_copy(entry, effect.path), staged_file)
    kind = "replace" if inode(path) else "place"
    waiting = (inode(path), inode(staged_file))
    return replace(effect, kind=kind, staged=str(staged_file), before=was, after=effect.before, inodes=waiting)


def _exchanged_back(effect: Effect, *, over_changes: bool, forgiving: bool) -> Effect:
    if forgiving:  # within the run itself: whichever of the two trees is live
        return replace(effect, before=effect.after, after=effect.before, inodes=(effect.inodes[1], effect.inodes[0]))
    if not inode(effect.path):  # somebody removed the environment, the very moment to ask for the one before
        return replace(effect, kind="place", before=None, after=effect.before, inodes=(0, inode(effect.staged)))
    now = clone.fingerprint(Path(effect.path)) if over_changes else effect.after
    return replace(effect, before=now, after=effect.before, inodes=(inode(effect.path), inode(effect.staged)))


def explain(changed: Sequence[str]) -> StaleError:
    """The refusal to take back what somebody has changed since."""
    shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
    return StaleError(
        f"changed since that run: {shown}; `torchsmith undo --discard-changes` takes the run back all the same"
        " (what is there now is kept)"
    )


def refuse_lost(missing: Sequence[str]) -> DamagedError:
    """The refusal to take back what was not kept whole."""
    return DamagedError(
        f"what was there before was changed or removed, and is not put back: {', '.join(missing[:5])};"
        " where it was only changed, `torchsmith undo --discard-changes` puts it back as it is now"
    )


def _copy(entry: Entry, path: str) -> Path:
    return entry.backups / f"{sha256(os.fsencode(path)).hexdigest()[:16]}-{Path(path).name[:100]}"


def _digest(path: str) -> str | None:
    with suppress(IsADirectoryError):
        return files.digest(path)
    return None

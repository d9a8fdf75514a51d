"""What a transaction comes to once everything is made: the effects, each with what is there before and after it."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from torchsmith.act import backups, clone, files, staging
from torchsmith.act.effects import inode
from torchsmith.model.errors import FailedError
from torchsmith.model.transaction import ENCODING, Effect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.act.staging import Copies
    from torchsmith.act.store import Entry
    from torchsmith.model.transaction import Transaction


def exchange(live: Path, copy: Path) -> tuple[Effect, ...]:
    """The environment's copy takes its place, or comes to where none is."""
    after = clone.fingerprint(copy)
    if not live.is_dir():
        return (Effect("place", str(live), str(copy), None, after, (0, inode(copy))),)
    before = clone.fingerprint(live)
    if before == after:  # the programs found nothing to do
        return ()
    return (Effect("exchange", str(live), str(copy), before, after, (inode(live), inode(copy))),)


def files_of(
    transaction: Transaction, entry: Entry, copies: Copies, kept: dict[str, str | None], *, project: bool
) -> tuple[Effect, ...]:
    """The files of the project, or all others, with their new contents beside them and copies of the old ones."""
    new: dict[str, bytes | None] = {}
    modes: dict[str, int] = {}
    for edit in transaction.edits:
        path = os.path.realpath(edit.path)
        if _inside(path, transaction, copies):
            continue
        new[path], modes[path] = edit.text.encode(*ENCODING) if edit.text is not None else None, edit.mode
    for path in kept:
        made = files.content(copies.mapped(path))
        if made is not None:
            new[path] = staging.as_if_live(made, Path(copies.mapped(path)).parent, Path(path).parent)
    inside = {path for path in new if path in kept or (copies.project and copies.mapped(path) != path)}
    wanted = [path for path in new if (path in inside) == project]
    return tuple(effect for path in wanted for effect in _file(path, new[path], modes.get(path, 0o644), entry))


def _inside(path: str, transaction: Transaction, copies: Copies) -> bool:
    """Whether a file lies in the environment that changes as a whole, and changes with it."""
    place = transaction.environment
    return place is not None and bool(copies.environment) and Path(path).is_relative_to(os.path.realpath(place.prefix))


def edit_inside(transaction: Transaction, copies: Copies) -> None:
    """Edits of files in the environment, made in its copy."""
    for edit in transaction.edits:
        path = os.path.realpath(edit.path)
        if not _inside(path, transaction, copies):
            continue
        target = Path(copies.mapped(path))
        if edit.text is None:
            target.unlink(missing_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o7777 if target.exists() else edit.mode
        files.write(target, edit.text.encode(*ENCODING), mode)  # a file of its own, never through a hard link


def make_folders(folder: Path, entry: Entry) -> None:
    """Folders for a new file; the journal knows which were made, so that they go with it."""
    missing = [each for each in (folder, *folder.parents) if not each.is_dir()]
    for each in reversed(missing):
        entry.journal.add("folder", path=str(each))
        each.mkdir()


def _file(path: str, data: bytes | None, mode: int, entry: Entry) -> Iterator[Effect]:
    live, staged = Path(path), backups.staged_name(Path(path), entry.number)
    before = files.digest(live)
    after = sha256(data).hexdigest() if data is not None else None
    if before == after:
        return
    entry.journal.add("file", staged=str(staged))
    if before is not None:
        if live.stat().st_nlink > 1:
            raise FailedError(f"`{path}` has a second name (a hard link), which a safe replacement would part: edit it by hand")
        backups.keep(entry, live)
    if data is None:
        yield Effect("remove", path, str(staged), before, None, (inode(live), 0))
        return
    make_folders(live.parent, entry)
    files.write(staged, data, mode if before is None else 0o600)
    if before is not None:
        files.like(staged, live)
    yield Effect("replace" if before is not None else "place", path, str(staged), before, after, (inode(live), inode(staged)))

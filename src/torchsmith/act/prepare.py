"""Everything that a run does before its decision: copies, programs on the copies, checks, backups."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from torchsmith.act import clone, files, intended, locks, preflight, programs, relocate, staging, tools
from torchsmith.act import registry as values
from torchsmith.act.effects import inode
from torchsmith.host import redact
from torchsmith.model.errors import FailedError, StaleError, TorchsmithError, UsageError
from torchsmith.model.record import record
from torchsmith.model.transaction import Effect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from torchsmith.act.registry import Registry
    from torchsmith.act.staging import Copies
    from torchsmith.act.store import Entry, Store
    from torchsmith.act.transaction import Checks, Verify
    from torchsmith.act.watch import Watch
    from torchsmith.model.transaction import Environment, Transaction

_PASS = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ETXTBSY, errno.EBUSY}
_LAST_LINES = 20


class ChangedError(FailedError):
    """Somebody else changed the same things while the change was prepared."""


@record
class Prepared:
    """What is ready: the effects that make it live, the checks that the copy passed, how the environment was cloned."""

    effects: tuple[Effect, ...]
    checks: tuple[tuple[str, bool, str], ...]
    mode: str


def check(transaction: Transaction, registry: Registry | None = None) -> None:
    """Whether everything is still as the transaction found it.

    Raises:
        StaleError: it is not.
        UsageError: it cannot be carried out here.

    """
    if wrong := preflight.problems(transaction, registry):
        raise UsageError(wrong[0])
    kept = [(edit.path, edit.before) for edit in transaction.edits]
    for path, before in (*kept, *transaction.rests_on):
        if files.digest(path) != before:
            raise StaleError(f"`{path}` has changed since the plan was made: ask for a new plan")
    check_values(transaction, registry)
    place = transaction.environment
    if place is None:
        return
    there = os.path.isdir(place.prefix)
    prefix = Path(os.path.realpath(place.prefix))
    if why := preflight.tried(prefix, locks.of_environment(prefix)):
        raise UsageError(why)
    if not there and not place.create:
        raise StaleError(f"there is no environment at `{place.prefix}` any more: ask for a new plan")
    if there and transaction.fingerprint and clone.fingerprint(Path(os.path.realpath(place.prefix))) != transaction.fingerprint:
        raise StaleError(f"the environment `{place.prefix}` has changed since the plan was made: ask for a new plan")


def check_values(transaction: Transaction, registry: Registry | None) -> None:
    """Whether the values of the registry are still as the transaction found them.

    Raises:
        StaleError: they are not.

    """
    for value in transaction.registry:
        found = registry.read(value.key, value.name) if registry is not None else None
        if registry is None or found != value.before:
            name = f"HKEY_CURRENT_USER\\{value.key}\\{value.name}"
            raise StaleError(f"{name} is {values.told(found)} now, not as the plan found it: ask for a new plan")


def prepared(transaction: Transaction, entry: Entry, verify: Verify, watch: Watch, registry: Registry | None = None) -> Prepared:
    """Everything made, checked and on the disk, beside what is live.

    Raises:
        FailedError: a program failed, or the result is not what was expected.
        OSError: a file cannot be read or written.

    """
    place = transaction.environment
    moved = place is not None and bool(transaction.runs or place.create)
    live = Path(os.path.realpath(place.prefix)) if place is not None else Path()
    kept = {path: files.digest(path) for path in _written(transaction)}
    copies, mode = _copies(transaction, entry, live, moved=moved, watch=watch)
    copy = Path(copies.environment)
    # Taken when the copy is there: a hard link changes what the system says of a file.
    before = clone.snapshot(live) if moved and live.is_dir() else None
    if before is not None and place is not None and not place.create:
        if clone.fingerprint(copy) != before.digest:
            raise ChangedError(f"`{live}` was changed while it was copied")
        relocate.adopt(copy, live)
    if moved:
        intended.edit_inside(transaction, copies)
    _runs(transaction, copies, entry, watch)
    checks: Checks = ()
    if moved and place is not None:
        intended.edit_inside(transaction, copies)
        relocate.relocate(copy, Path(place.prefix), _project(transaction, copies))
        copies = _at_rest(place, copies, entry)
        copy = Path(copies.environment)
        watch.phase("check the copy")
        checks = _checked(transaction, copies.mapped(place.python), verify)
    made = (*intended.files_of(transaction, entry, copies, kept, project=True), *(intended.exchange(live, copy) if moved else ()))
    made = (*made, *intended.files_of(transaction, entry, copies, kept, project=False))
    values = (Effect("registry", f"HKEY_CURRENT_USER\\{each.key}\\{each.name}", setting=each) for each in transaction.registry)
    watch.phase("write everything to the disk")
    folders = {entry.folder, *(Path(effect.staged).parent for effect in made if effect.staged)}
    for folder in {os.stat(folder).st_dev: folder for folder in folders}.values():
        files.sync_system(folder)
    # The last look before the decision: writing took its time.
    _unchanged(transaction, live, before, kept, copy)
    if registry is not None:
        check_values(transaction, registry)
    if moved and not any(effect.kind in {"exchange", "place"} and effect.staged == str(copy) for effect in made):
        clone.remove(copy)  # the programs found nothing to do in it
    return Prepared((*made, *values), checks, mode)


def _at_rest(place: Environment, copies: Copies, entry: Entry) -> Copies:
    """Where the copy stays. That of a conda environment was made where conda would take it for one of its own."""
    made = Path(copies.environment)
    rest = staging.resting_place(place, entry.number)
    if made.parent == rest.parent:
        return copies
    entry.journal.add("copies", clone=str(rest), project="", inode=inode(made))
    locks.own_folder(rest.parent)
    made.rename(rest)
    (rest / clone.MARK).unlink(missing_ok=True)
    pairs = tuple((live, str(rest) if copy == str(made) else copy) for live, copy in copies.pairs)
    return staging.Copies(pairs, str(rest), copies.project)


def _project(transaction: Transaction, copies: Copies) -> tuple[tuple[Path, Path], ...]:
    """The copy of the project and what it stands for, where there is one."""
    folder = next((run.folder for run in transaction.runs if run.folder), "")
    return ((Path(copies.project), Path(os.path.realpath(folder))),) if folder else ()


# ---- copies


def _copies(transaction: Transaction, entry: Entry, live: Path, *, moved: bool, watch: Watch) -> tuple[Copies, str]:
    place = transaction.environment
    folder = next((run.folder for run in transaction.runs if run.folder), "")
    copy = staging.environment_folder(place, entry.number) if moved and place is not None else None
    project = staging.project_folder(folder, entry.number) if folder else None
    if copy is not None and locks.OURS in copy.parts:
        locks.own_folder(copy.parent)
    if copy is not None and not (place and place.create and place.kind == "conda"):  # which wants to make its folder itself
        copy.mkdir(mode=0o700)
    # What was made stands in the journal before anything is in it: whoever comes next removes that, and nothing of its name.
    entry.journal.add("copies", clone=str(copy or ""), project=str(project or ""), inode=inode(copy) if copy else 0)
    if copy is not None and locks.OURS not in copy.parts and copy.is_dir():
        files.write(copy / clone.MARK, _nonce(entry))  # among environments of the user: the number alone may be given again
    mode = ""
    if copy is not None and place is not None:
        mode = _made(place, live, copy, entry, watch)
    staged = staging.project(folder, transaction, project) if project is not None else None
    pairs = [(str(live), str(copy))] if copy is not None else []
    if place is not None and copy is not None and place.prefix != str(live):
        pairs.append((place.prefix, str(copy)))
    if staged is not None:
        pairs += [(name, str(staged)) for name in dict.fromkeys((folder, os.path.realpath(folder)))]
    pairs.sort(key=lambda pair: -len(pair[0]))
    return staging.Copies(tuple(pairs), str(copy or ""), str(staged or "")), mode


def _made(place: Environment, live: Path, copy: Path, entry: Entry, watch: Watch) -> str:
    """The environment's copy, or a new one."""
    if not place.create:
        watch.phase("copy the environment")
        return clone.clone(live, copy, watch).mode
    watch.phase("make the environment")
    words = tuple(str(copy) if os.path.abspath(word) == str(live) or word == place.prefix else word for word in place.create)
    with tools.folder() as nowhere:
        # A Python that uv has to fetch for it stands in the plan; whether it may is the user's own setting.
        fetch = (("UV_PYTHON_DOWNLOADS", os.environ.get("UV_PYTHON_DOWNLOADS", "automatic")),)
        try:
            _run(words, "make the environment", nowhere, fetch, 1800.0, entry, watch)
        finally:
            if copy.is_dir() and locks.OURS not in copy.parts:
                files.write(copy / clone.MARK, _nonce(entry))
            entry.journal.add("copies", clone=str(copy), project="", inode=inode(copy))
    return "new"


def _runs(transaction: Transaction, copies: Copies, entry: Entry, watch: Watch) -> None:
    for run in transaction.runs:
        watch.phase(run.why)
        argv = tuple(map(copies.mapped, run.argv))
        variables = tuple((name, copies.mapped(value)) for name, value in run.variables)
        if run.folder:
            at = Path(copies.mapped(os.path.realpath(run.folder)))
            with staging.given(at, run.given):
                _run(argv, run.why, at, variables, run.limit, entry, watch)
            continue
        with tools.folder() as nowhere:
            (nowhere / "uv.toml").touch()  # or uv goes on looking in the folders above
            _run(argv, run.why, nowhere, variables, run.limit, entry, watch)


def _run(
    argv: tuple[str, ...],
    why: str,
    folder: Path,
    variables: tuple[tuple[str, str], ...],
    limit: float,
    entry: Entry,
    watch: Watch,
) -> None:
    """Run a program to its end.

    Raises:
        FailedError: it cannot be run, or fails.

    """
    ended, lines = programs.run(argv, folder, dict(variables), limit, watch)
    _log(entry, argv, lines)
    if ended.lost or ended.status:
        passes, line = programs.cause(ended, lines)
        raise FailedError(f"a step failed ({why}): {line}", tuple(lines[-_LAST_LINES:]), passes=passes)


def _log(entry: Entry, argv: tuple[str, ...], lines: list[str]) -> None:
    """What was run and what it said, for its owner alone and without passwords."""
    told = redact.without_secrets("\n".join((f"$ {' '.join(argv)}", *lines, "")))
    with suppress(OSError):
        descriptor = os.open(entry.folder / "said.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "a", encoding="utf-8", errors="surrogateescape") as log:
            log.write(told)


def _checked(transaction: Transaction, python: str, verify: Verify) -> Checks:
    checks = verify(python, transaction, False)
    passed(checks, "what was installed is not what was expected")
    return checks


def passed(checks: Checks, otherwise: str) -> None:
    """Go on where every check passed.

    Raises:
        FailedError: one did not; the message begins with ``otherwise``.

    """
    wrong = [f"{name}: {found}" for name, right, found in checks if not right]
    if wrong:
        raise FailedError(f"{otherwise}: {wrong[0]}", checks=checks)


def _written(transaction: Transaction) -> Iterator[str]:
    """The files that programs may write."""
    for run in transaction.runs:
        for name in run.writes:
            yield os.path.join(os.path.realpath(run.folder), name)


def _unchanged(transaction: Transaction, live: Path, before: Any, kept: dict[str, str | None], copy: Path) -> None:
    """Nobody else, and no program through a hard link, has changed what is live.

    Raises:
        ChangedError: somebody has.

    """
    if before is not None and (found := clone.damaged(before, live, copy)):
        shown = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        whose = clone.owners(live, found)
        again = f"; install {', '.join(whose[:5])} anew" if whose else ""
        raise ChangedError(f"the live environment was changed while its copy was: {shown}{again}")
    edited = {os.path.realpath(edit.path): edit.before for edit in transaction.edits}
    for path, was in (edited | kept | dict(transaction.rests_on)).items():
        if files.digest(path) != was:
            raise ChangedError(f"`{path}` was changed while the change was prepared")


# ---- tidying


def remove_copies(entry: Entry) -> None:
    """Remove what this run made beside what is live, and nothing else: the number of a folder proves that it is the one."""
    for told in entry.journal.records:
        if told["kind"] == "copies" and told["clone"] and told.get("inode") and inode(told["clone"]) == told["inode"]:
            made = Path(told["clone"])
            if locks.OURS in made.parts or files.content(made / clone.MARK) == _nonce(entry):
                clone.remove(made)
    remove_scraps(entry)


def remove_scraps(entry: Entry) -> None:
    """Remove all copies but the environment's, which is a generation once the run is done."""
    for told in entry.journal.records:
        if told["kind"] == "copies" and told["project"]:
            shutil.rmtree(told["project"], ignore_errors=True)
        elif told["kind"] == "file":
            with suppress(FileNotFoundError):
                os.unlink(told["staged"])


def _nonce(entry: Entry) -> bytes:
    """What no other folder holds: of this run, in this store."""
    return str(entry.journal.records[0]["plan"]).encode() + str(entry.folder).encode(errors="surrogateescape")


def remove_folders(entry: Entry) -> None:
    """Remove the folders that were made for new files, where nothing is in them."""
    for told in reversed(entry.journal.records):
        if told["kind"] == "folder":
            with suppress(OSError):
                os.rmdir(told["path"])


def may_pass(error: BaseException) -> bool:
    """Whether the same may succeed later: a full disk, too many open files."""
    return isinstance(error, OSError) and error.errno in _PASS


def told(error: OSError | TorchsmithError) -> str:
    """What the system says, with the path that it is about."""
    if not isinstance(error, OSError):
        return str(error)
    path = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or error}{path}"


def short(name: str) -> str:
    """A name for a lock file."""
    return sha256(os.fsencode(name)).hexdigest()[:16]


def lock_paths(transaction: Transaction, store: Store) -> tuple[Path, ...]:
    """The lock beside the environment, and one in the store for each folder whose files change, and for the settings."""
    place = transaction.environment
    own = [locks.of_environment(Path(os.path.realpath(place.prefix))) / "lock"] if place is not None else []
    own += [
        locks.of_environment(found) / "lock"
        for edit in transaction.edits
        if (found := _around(Path(os.path.realpath(edit.path))))
    ]
    folders = {os.path.dirname(os.path.realpath(edit.path)) for edit in transaction.edits}
    folders |= {os.path.realpath(run.folder) for run in transaction.runs if run.folder}
    folders |= {"registry"} if transaction.registry else set()
    return (*own, *(store.root / "locks" / short(folder) for folder in sorted(folders)))


def _around(path: Path) -> Path | None:
    """The environment that a file lies in, None for any other file."""
    marks = ("pyvenv.cfg", "conda-meta")
    return next((folder for folder in path.parents if any((folder / mark).exists() for mark in marks)), None)

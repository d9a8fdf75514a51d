"""Everything that a run does before its decision: copies, programs on the copies, checks, backups."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from torchsmith.act import backups, clone, files, locks, preflight, programs, relocate, staging, tools
from torchsmith.act import registry as values
from torchsmith.act.effects import inode
from torchsmith.model.errors import StaleError, TorchsmithError, UsageError
from torchsmith.model.record import record
from torchsmith.model.transaction import ENCODING, Effect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from torchsmith.act.registry import Registry
    from torchsmith.act.staging import Copies
    from torchsmith.act.store import Entry, Store
    from torchsmith.act.transaction import Checks, Verify
    from torchsmith.act.watch import Watch
    from torchsmith.model.transaction import Environment, Transaction

_PASS = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ETXTBSY, errno.EBUSY}
_LAST_LINES = 20


class FailedError(TorchsmithError):
    """The change cannot be made, and everything is as it was.

    ``said`` are the last lines of the program that failed; ``passes`` tells that the network or the disk was in its way.
    """

    exit_code = 5

    def __init__(self, message: str, said: tuple[str, ...] = (), checks: Checks = (), *, passes: bool = False) -> None:
        super().__init__(message)
        self.said = said
        self.checks = checks
        self.exit_code = 75 if passes else 5


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
    _runs(transaction, copies, entry, watch)
    checks: Checks = ()
    if moved and place is not None:
        _edited_inside(transaction, copies)
        relocate.relocate(copy, Path(place.prefix), _project(transaction, copies))
        watch.phase("check the copy")
        checks = _checked(transaction, copies.mapped(place.python), verify)
    made = (*_files(transaction, entry, copies, kept, project=True), *(_moved(live, copy) if moved else ()))
    made = (*made, *_files(transaction, entry, copies, kept, project=False))
    values = (Effect("registry", f"HKEY_CURRENT_USER\\{each.key}\\{each.name}", setting=each) for each in transaction.registry)
    watch.phase("write everything to the disk")
    for effect in made:
        if effect.staged:
            files.sync_system(Path(effect.staged).parent)
    files.sync_system(entry.folder)
    # The last look before the decision: writing took its time.
    _unchanged(transaction, live, before, kept)
    if registry is not None:
        check_values(transaction, registry)
    return Prepared((*made, *values), checks, mode)


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
    # What is about to be made stands in the journal first: then whoever comes next knows what may be removed.
    entry.journal.add("copies", clone=str(copy or ""), project=str(project or ""))
    mode = ""
    if copy is not None and place is not None:
        if copy.parent.name != live.parent.name:
            locks.own_folder(copy.parent)
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
        _run(words, "make the environment", nowhere, fetch, 1800.0, entry, watch)
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
    with suppress(OSError), (entry.folder / "said.log").open("a", encoding="utf-8") as log:
        log.write("\n".join((f"$ {' '.join(argv)}", *lines, "")))
    if ended.lost or ended.status:
        passes, line = programs.cause(ended, lines)
        raise FailedError(f"could not {why}: {line}", tuple(lines[-_LAST_LINES:]), passes=passes)


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


def _unchanged(transaction: Transaction, live: Path, before: Any, kept: dict[str, str | None]) -> None:
    """Nobody else, and no program through a hard link, has changed what is live.

    Raises:
        ChangedError: somebody has.

    """
    if before is not None and (found := clone.damaged(before, live)):
        shown = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        raise ChangedError(f"the live environment was changed while its copy was: {shown}")
    edited = {os.path.realpath(edit.path): edit.before for edit in transaction.edits}
    for path, was in (edited | kept | dict(transaction.rests_on)).items():
        if files.digest(path) != was:
            raise ChangedError(f"`{path}` was changed while the change was prepared")


# ---- what makes it live


def _moved(live: Path, copy: Path) -> tuple[Effect, ...]:
    after = clone.fingerprint(copy)
    if not live.is_dir():
        return (Effect("place", str(live), str(copy), None, after, (0, inode(copy))),)
    return (Effect("exchange", str(live), str(copy), clone.fingerprint(live), after, (inode(live), inode(copy))),)


def _files(
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


def _edited_inside(transaction: Transaction, copies: Copies) -> None:
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
    live.parent.mkdir(parents=True, exist_ok=True)
    files.write(staged, data, mode)
    if before is not None:
        files.like(staged, live)
    yield Effect("replace" if before is not None else "place", path, str(staged), before, after, (inode(live), inode(staged)))


# ---- tidying


def remove_copies(entry: Entry, decided: Sequence[Effect] = ()) -> None:
    """Remove what this run made beside what is live, and nothing else.

    Of a run that was decided and taken back, what lies there is the new tree; the old one is never removed.
    """
    olds = {effect.staged for effect in decided if effect.kind == "exchange" and inode(effect.staged) != effect.inodes[1]}
    for told in entry.journal.records:
        if told["kind"] == "copies" and told["clone"] and told["clone"] not in olds:
            clone.remove(Path(told["clone"]))
    remove_scraps(entry)


def remove_scraps(entry: Entry) -> None:
    """Remove all copies but the environment's, which is a generation once the run is done."""
    for told in entry.journal.records:
        if told["kind"] == "copies" and told["project"]:
            shutil.rmtree(told["project"], ignore_errors=True)
        elif told["kind"] == "file":
            with suppress(FileNotFoundError):
                os.unlink(told["staged"])


def may_pass(error: BaseException) -> bool:
    """Whether the same may succeed later: a full disk, too many open files."""
    return isinstance(error, OSError) and error.errno in _PASS


def told(error: OSError) -> str:
    """What the system says, with the path that it is about."""
    path = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or error}{path}"


def short(name: str) -> str:
    """A name for a lock file."""
    return sha256(os.fsencode(name)).hexdigest()[:16]


def lock_paths(transaction: Transaction, store: Store) -> tuple[Path, ...]:
    """The lock beside the environment, and one in the store for each folder whose files change, and for the settings."""
    place = transaction.environment
    own = [locks.of_environment(Path(os.path.realpath(place.prefix))) / "lock"] if place is not None else []
    folders = {os.path.dirname(os.path.realpath(edit.path)) for edit in transaction.edits}
    folders |= {os.path.realpath(run.folder) for run in transaction.runs if run.folder}
    folders |= {"registry"} if transaction.registry else set()
    return (*own, *(store.root / "locks" / short(folder) for folder in sorted(folders)))

"""A uv project is changed: pyproject.toml by an edit that can be seen before, the lock and the environment by uv itself.

Measured with uv 0.13: ``uv lock --upgrade-package torch==X`` holds a range of pyproject.toml to X in the lock and nowhere else;
``uv sync --inexact --no-install-local`` leaves the project's own editable installs alone, which name the live folder.
"""

from __future__ import annotations

from torchsmith.managers import declaring, places, project_change, transactions, uv_sources
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits import toml
from torchsmith.managers.edits.base import EditError
from torchsmith.model.record import replace
from torchsmith.model.transaction import Run, Shown, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.managers.edits.toml_spans import Path
    from torchsmith.model.choice import Option, Place
    from torchsmith.model.transaction import Environment

    Files = Mapping[str, str]

LOCAL = ("--no-install-project", "--no-install-workspace", "--no-install-local")
_LEVELS = 6
"""Folders above the project that are looked at for a workspace."""
_LOCK_VERSION = 1
"""The newest format of uv.lock that is known."""


def wanted(option: Option, place: Place, files: Files) -> tuple[str, ...]:
    """The project's files, and those of the workspace that it may be in."""
    del option
    folder = transactions.here(place)
    if not folder:
        return ()
    above = [folder, *_above(folder)]
    names = ("pyproject.toml", "uv.lock", "uv.toml", ".venv/pyvenv.cfg", *transactions.MERGES)
    own = tuple(f"{each}/{name}" for each in (folder, _root(folder, files)) for name in names)
    return tuple(dict.fromkeys((*own, *(f"{each}/pyproject.toml" for each in above))))


def change(option: Option, place: Place, files: Files) -> Transaction:
    """Torch and its companions bound to one explicit index, the lock refreshed for them alone, and installed.

    Raises:
        CannotDo: the project or its lock is of a kind that this does not change.

    """
    folder = transactions.root(place)
    root = _root(folder, files)
    path = f"{folder}/pyproject.toml"
    _check(root, path, place, files)
    environment = _environment(option, place, root, files)
    if place.goal == transactions.UPDATE_OTHERS:
        return _others(option, place, files, root, environment)
    declaring.refuse_what_no_lock_holds(option)
    try:
        for name in {path, f"{root}/pyproject.toml"} & files.keys():
            declaring.refuse_odd(files[name])
        if uv_sources.binds(tuple(files[name] for name in (path, f"{root}/pyproject.toml") if name in files)):
            option = declaring.explicit(option, place)
        texts = uv_sources.edited(
            {name: files[name] for name in {path, f"{root}/pyproject.toml"} if name in files}, path, option, place
        )
        extras = uv_sources.extra_of(texts[path], option)
        groups = _chosen(texts[path], option, place)
        settled = texts.items() <= files.items() and declaring.locked(option, place, files.get(f"{root}/uv.lock"))
    except EditError as error:
        raise CannotDo(f"`{path}`: {error}; mend it first") from None
    if settled and places.nothing_to_do(option, place) and not environment.create:
        return Transaction(transactions.title(option))
    why = f"{option.candidate.torch} of {option.index or 'the default index'} is what the project asks for"
    edits = tuple(each for name, text in sorted(texts.items()) for each in transactions.edit(name, text, files, why))
    held = tuple(word for pin in option.packages for word in ("--upgrade-package", f"{pin.name}=={declaring.version_of(pin)}"))
    lock = Run(
        ("uv", "lock", *held),
        "the lock takes exactly these versions; all others stay as they are",
        root,
        ("uv.lock",),
        _variables(environment),
    )
    return Transaction(
        transactions.title(option),
        environment,
        edits,
        (*(() if settled else (lock,)), _sync(option, place, root, environment, (*_member(root, path, files), *extras, *groups))),
        expected=transactions.expected(option, place),
        notes=transactions.notes(
            transactions.merging(root, files), _told(option, place, edits), uv_sources.staying(texts, option, place)
        ),
        indexes=transactions.indexes(option),
        shown=_of_itself(texts[path], environment),
        rests_on=transactions.read((f"{root}/uv.lock",), files),
    )


def _others(option: Option, place: Place, files: Files, root: str, environment: Environment) -> Transaction:
    """Everything but torch and its companions is brought up to date."""
    made = project_change.others("uv", place, environment)
    path, lock = f"{transactions.root(place)}/pyproject.toml", f"{root}/uv.lock"
    try:
        declaring.refuse_odd(files[path])
        declaring.refuse_other_locked(files.get(lock, ""), place)
        chosen = _chosen(files[path], option, place)
    except EditError as error:
        raise CannotDo(f"a file of the project cannot be read: {error}") from None
    held = tuple(word for pin in project_change.held(place) for word in ("--upgrade-package", pin.partition("+")[0]))
    update = Run(
        ("uv", "lock", "--upgrade", *held),
        "all that is locked becomes newer, torch and its companions stay",
        root,
        ("uv.lock",),
        _variables(environment),
    )
    sync = _sync(option, place, root, environment, (*_member(root, path, files), *chosen))
    return replace(made, runs=(update, sync), rests_on=transactions.read((path, lock), files))


# ---- the project


def _above(folder: str) -> tuple[str, ...]:
    parts = folder.split("/")
    return tuple("/".join(parts[:-level]) for level in range(1, min(_LEVELS, len(parts) - 1) + 1) if parts[:-level] != [""])


def _root(folder: str, files: Files) -> str:
    """The workspace that has the folder as a member, else the folder itself."""
    from fnmatch import fnmatchcase

    for above in (folder, *_above(folder)):
        text = files.get(f"{above}/pyproject.toml")
        workspace = _quietly(text, ("tool", "uv", "workspace")) if text is not None else None
        if not isinstance(workspace, dict):
            continue
        inside = folder[len(above) :].strip("/")
        members, left_out = (workspace.get(key) or [] for key in ("members", "exclude"))
        if not inside or (
            any(fnmatchcase(inside, str(each).rstrip("/")) for each in members)
            and not any(fnmatchcase(inside, str(each).rstrip("/")) for each in left_out)
        ):
            return above
    return folder


def _quietly(text: str, path: Path) -> Any:
    try:
        return toml.read(text, path)
    except EditError:
        return None


def _check(root: str, path: str, place: Place, files: Files) -> None:
    """Refuse what cannot be changed: no project, no uv, a lock of a newer uv."""
    if path not in files:
        raise CannotDo(f"there is no project in {path.rpartition('/')[0]}: begin one by `uv init --bare`, then ask again")
    if place.tools and not transactions.tool(place, "uv"):
        raise CannotDo("uv is not at hand: install it, then ask again")
    lock = files.get(f"{root}/uv.lock")
    if lock is None:
        return
    try:
        number = toml.read(lock, ("version",), 0)
    except EditError as error:
        raise CannotDo(f"`{root}/uv.lock` cannot be read: {error}; `uv lock` makes it anew") from None
    if isinstance(number, int) and number > _LOCK_VERSION:
        raise CannotDo(f"uv.lock has format {number}, of a newer uv than is known here: `uv self update`, then ask again")


def _environment(option: Option, place: Place, root: str, files: Files) -> Environment:
    """The project's own: the one that is there, else `.venv` of the project, which uv makes."""
    prefix = rf"{root}/.venv" if place.os != "windows" else f"{root}/.venv".replace("/", "\\")
    own = place.interpreter is not None and _same(place.interpreter.prefix, prefix, place)
    if not place.fresh and (own or places.manager_of(place) == "uv-project"):
        there = transactions.environment(place)
        if place.goal != transactions.CLEAN:
            return there
        words = ("uv", "venv", "--python", option.candidate.python, there.prefix)
        return transactions.environment(place, there.prefix, words)
    if f"{root}/.venv/pyvenv.cfg" not in files:
        return transactions.environment(place, prefix, ("uv", "venv", "--python", option.candidate.python, prefix))
    if place.fresh:
        raise CannotDo(
            f"the project's environment has another Python than {option.candidate.python}: move {prefix} away"
            f" and pin the Python by `uv python pin {option.candidate.python}`, then ask again"
        )
    return transactions.environment(place, prefix)


def _same(one: str, other: str, place: Place) -> bool:
    def plain(path: str) -> str:
        path = path.replace("\\", "/").rstrip("/")
        return path.lower() if place.os == "windows" else path

    return plain(one) == plain(other)


def _variables(environment: Environment) -> tuple[tuple[str, str], ...]:
    # Without UV_PYTHON, a .python-version of the project would have uv make the environment anew.
    return ("UV_PROJECT_ENVIRONMENT", environment.prefix), ("UV_PYTHON", environment.python)


def _member(root: str, path: str, files: Files) -> tuple[str, ...]:
    """The words that name the project in its workspace."""
    name = _quietly(files[path], ("project", "name"))
    if path != f"{root}/pyproject.toml":
        return ("--package", str(name))
    return () if name else ("--all-packages",)


def _sync(option: Option, place: Place, root: str, environment: Environment, more: tuple[str, ...]) -> Run:
    again: tuple[str, ...] = ()
    if place.broken and places.same_release(option, place):
        again = tuple(word for pin in declaring.of_family(option) for word in ("--reinstall-package", pin.name))
    return Run(
        ("uv", "sync", "--frozen", "--inexact", *LOCAL, *more, *again),
        "what the lock says is installed; nothing else is removed",
        root,
        (),
        _variables(environment),
    )


def _of_itself(text: str, environment: Environment) -> tuple[Shown, ...]:
    """An environment that is made has all but the project: a copy would be installed in its place, by the copy's path."""
    package = toml.read(text, ("tool", "uv", "package"), bool(toml.read(text, ("build-system",))))
    if not environment.create or not package:
        return ()
    return (Shown(("uv", "sync", "--inexact"), "the project itself comes into the new environment, where it is"),)


def _chosen(text: str, option: Option, place: Place) -> tuple[str, ...]:
    """The words for extras and groups that are installed or have what the option brings, and against groups that are neither."""
    have, new = declaring.installed(place), {pin.name for pin in option.packages}
    found: list[str] = []
    for name, own in _lists(text, ("project", "optional-dependencies")):
        if (own <= have or own & new) and not _by_extra(text, name):
            found += ["--extra", name]
    defaults = toml.read(text, ("tool", "uv", "default-groups"), ["dev"])
    for name, own in _lists(text, ("dependency-groups",)):
        default = defaults == "all" or name in defaults
        if default and have and not own & (have | new):
            found += ["--no-group", name]
        elif not default and (own <= have or own & new):
            found += ["--group", name]
    return tuple(found)


def _lists(text: str, path: Path) -> tuple[tuple[str, frozenset[str]], ...]:
    """Each extra or group with the names of its packages; an empty one is passed over."""
    tables = toml.read(text, path, {})
    lists = {name: entries for name, entries in tables.items() if isinstance(entries, list)} if isinstance(tables, dict) else {}
    return tuple((name, own) for name, entries in lists.items() if (own := declaring.names(entries)))


def _by_extra(text: str, extra: str) -> bool:
    """Whether the extra excludes others: then it is chosen by torch's build alone."""
    conflicts = toml.read(text, ("tool", "uv", "conflicts"), [])
    return any({"extra": extra} == {key: one.get(key) for key in ("extra",)} for each in conflicts for one in each)


def _told(option: Option, place: Place, edits: tuple[Any, ...]) -> tuple[str, ...]:
    """What is to be known besides."""
    told = []
    if option.index and any(pin.name in places.FAMILY for pin in option.packages):
        told.append("from now on `uv lock`, `uv sync` and `uv add` take torch from this index alone, and nothing else from it")
    if edits and place.torch and not place.fresh and place.goal != transactions.CLEAN:
        told.append("`uv sync` without --inexact removes what the older build leaves behind")
    return tuple(told)

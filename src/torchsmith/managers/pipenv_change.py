"""A Pipenv project is changed: Pipfile by our own edits, then ``pipenv lock`` and ``pipenv sync``.

Pipenv changes the environment that ``VIRTUAL_ENV`` names, as long as it is not told to ignore it and the project's ``.env``,
which it would load, does not name another; and the lock beside the file that ``PIPENV_PIPFILE`` names, wherever it starts.
``pipenv sync`` takes 2.8.0+cu128 for the 2.8.0+cu129 that is locked. Its own ``pipenv install torch==V+cu128`` and
``pipenv upgrade`` write the version without its label; ours keeps it. The hash of Pipfile in the lock is made of what it says,
so the order of keys is free.
"""

from __future__ import annotations

from torchsmith.managers import locked, places, project_change, transactions
from torchsmith.managers.base import CannotDo, index_name, name_of
from torchsmith.managers.edits import toml
from torchsmith.managers.edits.base import normalised
from torchsmith.managers.places import FAMILY
from torchsmith.model.record import replace
from torchsmith.model.transaction import Run, Transaction
from torchsmith.model.versions import public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from torchsmith.managers.edits.toml_spans import Path
    from torchsmith.managers.locked import Lock
    from torchsmith.managers.transactions import Files
    from torchsmith.model.choice import Option, Place
    from torchsmith.model.transaction import Environment

FILE, LOCK = "Pipfile", "Pipfile.lock"
_SOURCE: Path = ("source",)
_NOT_PACKAGES = frozenset({"source", "requires", "scripts", "pipenv"})
_LOCAL = frozenset({"path", "file"})
_ALL_ANEW = (
    "Pipenv has no word that leaves the other packages as they are locked: those that Pipfile leaves open move to their newest"
)


def wanted(option: Option, place: Place, files: Files) -> tuple[str, ...]:
    """The files that are looked at."""
    del option, files
    folder = transactions.here(place)
    return (f"{folder}/{FILE}", f"{folder}/{LOCK}") if folder else ()


def change(option: Option, place: Place, files: Files) -> Transaction:
    """Torch bound to its source, pinned with its label, locked and installed.

    Raises:
        CannotDo: there is no Pipfile, or it installs the project's own folder, or the build needs more than torch from its index.

    """
    if project_change.triton(option):
        raise CannotDo(f"this build needs a triton of its own: name it in Pipfile with the source of {option.index}")
    root = transactions.root(place)
    environment = project_change.environment(option, place, root)
    path, locks = f"{root}/{FILE}", f"{root}/{LOCK}"
    with project_change.of_file(FILE):
        text = files.get(path)
        if text is None:
            raise CannotDo(f"there is no Pipfile yet: `pipenv --python {option.candidate.python} install` begins one")
        _refuse_own(text)
        if project_change.updates(place):
            return _others(place, root, environment, text, files)
        changed = text if option.declared else _for_python(_bound(text, option, place), option, place)
        asked = tuple(_asked(text))
        groups = _groups(changed, {pin.name for pin in option.packages})
    with project_change.of_file(LOCK):
        lock = locked.pipfile(files[locks]) if locks in files else None
    edits = transactions.edit(path, changed, files, "torch pinned with its build, and bound to the source that serves it")
    runs = _runs(option, place, root, environment, lock, groups, changed=bool(edits))
    if not runs and not edits:
        return Transaction(transactions.title(option))
    relocked = any(LOCK in run.writes for run in runs)
    return Transaction(
        transactions.title(option),
        environment,
        edits,
        runs,
        shown=project_change.compiled(option, ("pipenv", "run", "python", "-m", "pip", "install", "--no-build-isolation")),
        expected=project_change.expected(option, place),
        notes=transactions.notes(
            (*locked.remarks(LOCK, lock, asked, "Pipenv"), _ALL_ANEW if lock is not None else "") if relocked else (),
            places.not_in_the_lock(option, "Pipenv"),
        ),
        indexes=transactions.indexes(option),
        rests_on=transactions.read((locks,), files),
    )


def _runs(
    option: Option,
    place: Place,
    root: str,
    environment: Environment,
    lock: Lock | None,
    groups: tuple[str, ...],
    *,
    changed: bool,
) -> tuple[Run, ...]:
    """Lock, then install what is locked, which removes nothing; before it goes what pip would take for the new torch."""
    held = lock is not None if option.declared else locked.holds(lock, project_change.pins(option, place))
    mistaken = _mistaken(option, place)
    anew = changed or not held
    if not anew and not mistaken and project_change.installed(option, place):
        return ()
    gone = (environment.python, "-m", "pip", "uninstall", "-y", *mistaken)
    return (
        *((_lock(root, environment, "Pipfile.lock with this torch"),) if anew else ()),
        *((Run(gone, "Pipenv would take what is installed for what is locked"),) if mistaken else ()),
        _sync(root, environment, groups),
    )


def _others(place: Place, root: str, environment: Environment, text: str, files: Files) -> Transaction:
    """All that Pipfile leaves open at its newest; torch is pinned there where it was open, since the lock follows it alone.

    Raises:
        CannotDo: there is no torch to be held.

    """
    made = project_change.others("Pipenv", place, environment)
    changed = text
    bound = [str(asked["index"]) for _, each in _categories(text) for own, asked in each.items() if _is_torch(own, asked)]
    for name, version in sorted(made.expected.packages):
        there = [(group, own) for group, each in _categories(text) for own in each if normalised(own) == name]
        for path in there or ([("packages", name)] if name == "torch" else []):
            asked = toml.read(changed, path)
            beside = bound[0] if bound and "+" in version else ""  # only the index of torch has its builds
            changed = _put(changed, path, f"=={version}", str(asked["index"]) if _has(asked, "index") else beside)
    with project_change.of_file(LOCK):
        lock = locked.pipfile(files[f"{root}/{LOCK}"]) if f"{root}/{LOCK}" in files else None
    newest = _lock(root, environment, "all that Pipfile leaves open at its newest, torch as it is")
    return replace(
        made,
        edits=transactions.edit(f"{root}/{FILE}", changed, files, "torch held at what is installed"),
        runs=(newest, _sync(root, environment, _groups(text, {name for name, _ in made.expected.packages}))),
        notes=transactions.notes(locked.remarks(LOCK, lock, _asked(text), "Pipenv")),
        rests_on=transactions.read(tuple(f"{root}/{name}" for name in (FILE, LOCK)), files),
    )


def _lock(root: str, environment: Environment, why: str) -> Run:
    return Run(("pipenv", "lock"), why, root, (LOCK,), _variables(root, environment))


def _sync(root: str, environment: Environment, groups: tuple[str, ...]) -> Run:
    argv = ("pipenv", "sync", *groups)
    return Run(argv, "what is locked, into the environment", root, (), _variables(root, environment))


def _variables(root: str, environment: Environment) -> tuple[tuple[str, str], ...]:
    return (
        ("VIRTUAL_ENV", environment.prefix),
        ("PIPENV_PIPFILE", f"{root}/{FILE}"),
        ("PIPENV_IGNORE_VIRTUALENVS", "0"),
        ("PIPENV_DONT_LOAD_ENV", "1"),
        ("PIPENV_VERBOSITY", "-1"),
        ("PIPENV_YES", "1"),
    )


def _mistaken(option: Option, place: Place) -> tuple[str, ...]:
    """What ``pipenv sync`` would leave as it is: the same release in another build, whatever label is locked, or broken."""
    if place.fresh:
        return ()
    if place.packages is None:
        return tuple(map(name_of, places.wanted(option, place))) if places.same_release(option, place) else ()
    found = []
    for word in places.wanted(option, place):
        name, _, version = word.partition("==")
        have = place.packages.version(name) or ""
        if have and public(have) == public(version) and (have != version or (place.broken and name == "torch")):
            found.append(name)
    return tuple(found)


def _categories(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables that name packages: packages, dev-packages and the project's own."""
    for name, held in toml.read(text).items():
        if name not in _NOT_PACKAGES and isinstance(held, dict):
            yield name, held


def _refuse_own(text: str) -> None:
    for group, held in _categories(text):
        for name, asked in held.items():
            place = next((str(asked[key]) for key in _LOCAL & set(asked)), "") if isinstance(asked, dict) else ""
            if place and "://" not in place and normalised(name) not in FAMILY:
                raise CannotDo(
                    f"Pipfile installs {name} from the project's own folder ([{group}] {name} = {place!r}), which Pipenv would"
                    " build there anew; `torchsmith plan` has the commands"
                )


def _bound(text: str, option: Option, place: Place) -> str:
    """Each package at its exact version wherever it is named, else among the packages; those of the index bound to it.

    Raises:
        CannotDo: a source that is not the index bears its name.

    """
    here = _source(text, option) if option.index else ""
    before = {str(asked["index"]) for _, held in _categories(text) for asked in held.values() if _has(asked, "index")}
    at_index = {word.partition("==")[0] for word in places.wanted(option, place)}
    for word in project_change.pins(option, place):
        name, _, version = word.partition("==")
        there = [(group, own) for group, held in _categories(text) for own in held if normalised(own) == name]
        for group, own in there or [("packages", name)]:
            text = _put(text, (group, own), f"=={version}", here if name in at_index else "")
    if here:
        entry = {"name": here, "url": option.index, "verify_ssl": not (option.index or "").startswith("http://")}
        known = any(str(source.get("name")) == here for source in toml.entries(text, _SOURCE))
        text = text if known else toml.put_entry(text, _SOURCE, entry)
    return _without_unused(text, before)


def _put(text: str, path: Path, version: str, index: str) -> str:
    """A package at a version; markers and extras stay, an address or a repository in its place does not."""
    asked = toml.read(text, path)
    if isinstance(asked, dict) and not {*_LOCAL, "git"} & set(asked):
        text = toml.put(text, (*path, "version"), version)
        return toml.put(text, (*path, "index"), index) if index else toml.remove(text, (*path, "index"))
    return toml.put(text, path, {"version": version, "index": index} if index else version)


def _source(text: str, option: Option) -> str:
    """The name of the index in Pipfile: its own where it is there."""
    own = index_name(option.candidate.build)
    for source in toml.entries(text, _SOURCE):
        if str(source.get("url", "")).rstrip("/") == (option.index or "").rstrip("/"):
            return str(source.get("name", own))
        if source.get("name") == own:
            raise CannotDo(f"Pipfile has a source {own} at another address than {option.index}: give it another name")
    return own


def _without_unused(text: str, before: set[str]) -> str:
    """Sources that packages were bound to and none is any more; the first one serves all that is bound to none."""
    now = {str(asked["index"]) for _, held in _categories(text) for asked in held.values() if _has(asked, "index")}
    for source in toml.entries(text, _SOURCE)[1:]:
        name = str(source.get("name", ""))
        if name in before - now:
            text = toml.remove_entry(text, _SOURCE, name)
    return text


def _for_python(text: str, option: Option, place: Place) -> str:
    """The Python that the project requires, where the option needs another."""
    if not place.fresh or not toml.read(text, ("requires",), {}):
        return text
    text = toml.remove(text, ("requires", "python_full_version"))
    return toml.put(text, ("requires", "python_version"), option.candidate.python.rstrip("t"))


def _asked(text: str) -> Iterator[tuple[str, str, str]]:
    """(package, specifier, where) of all that has no marker, so that the lock has to hold it."""
    for _, held in _categories(text):
        for name, asked in held.items():
            if isinstance(asked, str):
                yield normalised(name), asked, "pipenv"
            elif isinstance(asked, dict) and not set(asked) - {"version", "index", "extras"}:
                yield normalised(name), str(asked.get("version", "*")), "pipenv"


def _groups(text: str, names: set[str]) -> tuple[str, ...]:
    """The words for the tables besides [packages] that name one of the packages."""
    found = [group for group, held in _categories(text) if names & set(map(normalised, held)) and group != "packages"]
    if not found:
        return ()
    return ("--dev",) if found == ["dev-packages"] else ("--categories", " ".join(("packages", *found)))


def _has(asked: Any, key: str) -> bool:
    return isinstance(asked, dict) and key in asked


def _is_torch(name: str, asked: Any) -> bool:
    return normalised(name) == "torch" and _has(asked, "index")

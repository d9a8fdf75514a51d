"""A PDM project is changed: pyproject.toml by our own edits, then ``pdm lock`` and ``pdm sync``.

PDM changes the environment of the interpreter that ``PDM_PYTHON`` names, before ``.pdm-python``, an active environment and the
project's own ``.venv``. The project itself is not installed anew (``--no-self``): its editable installation names the folder.
"""

from __future__ import annotations

from torchsmith.managers import locked, places, project_change, transactions
from torchsmith.managers.base import CannotDo, index_name
from torchsmith.managers.edits import toml, toml_requirements
from torchsmith.managers.edits.base import normalised
from torchsmith.managers.places import FAMILY
from torchsmith.model.record import replace
from torchsmith.model.transaction import Run, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.managers.edits.toml_spans import Path
    from torchsmith.managers.locked import Lock
    from torchsmith.managers.transactions import Files
    from torchsmith.model.choice import Option, Place
    from torchsmith.model.transaction import Edit, Environment

FILE, LOCK, SAVED = "pyproject.toml", "pdm.lock", ".pdm-python"
OTHER_LOCK = "pylock.toml"
_SOURCES: Path = ("tool", "pdm", "source")
_OVERRIDES: Path = ("tool", "pdm", "resolution", "overrides")


def wanted(option: Option, place: Place, files: Files) -> tuple[str, ...]:
    """The files that are looked at."""
    del option, files
    folder = transactions.here(place)
    return tuple(f"{folder}/{name}" for name in (FILE, LOCK, SAVED, OTHER_LOCK)) if folder else ()


def change(option: Option, place: Place, files: Files) -> Transaction:
    """Torch bound to its source, pinned with its label, locked and installed.

    Raises:
        CannotDo: the project declares torch in a way that no edit of ours keeps.

    """
    root = transactions.root(place)
    environment = project_change.environment(option, place, root)
    path, locks = f"{root}/{FILE}", f"{root}/{LOCK}"
    if locks not in files and f"{root}/{OTHER_LOCK}" in files:
        raise CannotDo(f"PDM locks this project in {OTHER_LOCK}, which is not changed here; `torchsmith plan` has the commands")
    if project_change.updates(place):
        return _others(place, root, environment, files)
    with project_change.of_file(FILE):
        text = files.get(path) or _begun(option, root)
        changed = text if option.declared else _bound(_pinned(text, project_change.pins(option, place)), option, place)
        asked = tuple(_asked(text))
    with project_change.of_file(LOCK):
        lock = locked.pdm(files[locks]) if locks in files else None
    edits = (
        *transactions.edit(path, changed, files, "torch pinned with its build, and the source that alone serves it"),
        *_saved(environment, root, files),
    )
    runs = _runs(
        option, place, root, environment, lock, _groups(changed, tuple(pin.name for pin in option.packages)), changed=bool(edits)
    )
    if not runs and not edits:
        return Transaction(transactions.title(option))
    return Transaction(
        transactions.title(option),
        environment,
        edits,
        runs,
        shown=project_change.compiled(option, ("pdm", "add", "--no-isolation")),
        expected=project_change.expected(option, place),
        notes=transactions.notes(
            locked.remarks(LOCK, lock, asked, "PDM") if any(LOCK in run.writes for run in runs) else (), _of_itself(text)
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
    """Lock, which leaves all else as it is locked; install what is locked, which removes nothing."""
    held = lock is not None if option.declared else locked.holds(lock, project_change.pins(option, place))
    again = place.broken and places.same_release(option, place)
    anew = changed or not held
    if not anew and not again and project_change.installed(option, place):
        return ()
    return (
        *((_lock(root, environment, "the lock with this torch, all else as it is", reuse=lock is not None),) if anew else ()),
        _sync(root, environment, *groups, *(("--reinstall",) if again else ())),
    )


def _others(place: Place, root: str, environment: Environment, files: Files) -> Transaction:
    """All that is open at its newest; locked first with torch held in place of what the project says, then with that.

    Raises:
        CannotDo: there is no torch to be held.

    """
    made = project_change.others("PDM", place, environment)
    with project_change.of_file(FILE):
        text = files.get(f"{root}/{FILE}", "")
        exact = _pinned(text, project_change.held(place))
        groups = _groups(text, tuple(name for name, _ in made.expected.packages))
        asked = tuple(_asked(text))
    with project_change.of_file(LOCK):
        lock = locked.pdm(files[f"{root}/{LOCK}"]) if f"{root}/{LOCK}" in files else None
    first = _lock(root, environment, "all that is open at its newest, torch as it is", ((FILE, exact),) if exact != text else ())
    again = (_lock(root, environment, "the same for what pyproject.toml says", reuse=True),) if exact != text else ()
    return replace(
        made,
        runs=(first, *again, _sync(root, environment, *groups)),
        notes=transactions.notes(locked.remarks(LOCK, lock, asked, "PDM")),
        rests_on=transactions.read(tuple(f"{root}/{name}" for name in (FILE, LOCK)), files),
    )


def _lock(root: str, environment: Environment, why: str, given: tuple[tuple[str, str], ...] = (), *, reuse: bool = False) -> Run:
    words = ("pdm", "lock", *(("--update-reuse",) if reuse else ()))
    return Run(words, why, root, (LOCK,), _variables(environment), given=given)


def _sync(root: str, environment: Environment, *words: str) -> Run:
    argv = ("pdm", "sync", "--no-self", *words)
    return Run(argv, "what is locked, into the environment", root, (), _variables(environment))


def _variables(environment: Environment) -> tuple[tuple[str, str], ...]:
    return ("PDM_PYTHON", environment.python), ("PDM_CHECK_UPDATE", "0")


def _begun(option: Option, root: str) -> str:
    python = option.candidate.python.rstrip("t")
    return (
        f'[project]\nname = "{project_change.name_of(root)}"\nversion = "0.1.0"\nrequires-python = "=={python}.*"\n'
        "dependencies = []\n\n[tool.pdm]\ndistribution = false\n"
    )


# ---- what is asked for


def _arrays(text: str) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Where requirements stand, and the words by which ``pdm sync`` takes them as well."""
    yield ("project", "dependencies"), ()
    for name in toml.read(text, ("project", "optional-dependencies"), {}):
        yield ("project", "optional-dependencies", name), ("-G", name)
    for name in toml.read(text, ("dependency-groups",), {}):
        yield ("dependency-groups", name), ()
    for name in toml.read(text, ("tool", "pdm", "dev-dependencies"), {}):
        yield ("tool", "pdm", "dev-dependencies", name), ()


def _pinned(text: str, pins: tuple[str, ...]) -> str:
    """Each package at its exact version wherever the project names it, else among its dependencies.

    Raises:
        CannotDo: it is named for several systems, or not in this file.

    """
    if "dependencies" in toml.read(text, ("project", "dynamic"), []):
        raise CannotDo("pyproject.toml leaves its dependencies to the build backend (`dynamic`): pin torch where that reads them")
    overrides = toml.read(text, _OVERRIDES, {})
    for word in pins:
        name, _, version = word.partition("==")
        there = [(path, toml_requirements.named(text, path, name)) for path, _ in _arrays(text)]
        for path, found in there:
            if len(found) > 1:
                raise CannotDo(f"pyproject.toml names {name} {len(found)} times, for several systems: pin `{word}` there by hand")
            if found:
                text = toml_requirements.put_requirement(text, path, word)
        if not any(found for _, found in there):
            text = toml_requirements.put_requirement(text, ("project", "dependencies"), word)
        for own in overrides:
            if normalised(own) == name:  # it wins over every requirement
                text = toml.put(text, (*_OVERRIDES, own), f"=={version}")
    return text


def _asked(text: str) -> Iterator[tuple[str, str, str]]:
    """(package, specifier, where) of every requirement without a marker, so that a lock has to hold it."""
    for path, words in _arrays(text):
        for each in toml.read(text, path, []):
            if isinstance(each, str) and not words:
                name, _, specifier, marker = toml_requirements.parts(each)
                if not marker and not specifier.startswith("@"):
                    yield normalised(name), specifier, "project"


def _groups(text: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The extras that name one of the packages: ``pdm sync`` would leave them out."""
    found = (words for path, words in _arrays(text) if any(toml_requirements.named(text, path, name) for name in names))
    return tuple(word for words in found for word in words)


# ---- where it comes from


def _bound(text: str, option: Option, place: Place) -> str:
    """The index as a source of these packages and of no other; older sources of theirs lose them, or go."""
    mine = project_change.at_index(option, place) if option.index else ()
    taken = {*mine, *(pin.name for pin in option.packages if pin.name in FAMILY)}
    own = index_name(option.candidate.build)
    there = toml.entries(text, _SOURCES)
    for at, entry in reversed(tuple(enumerate(there))):
        included = [str(name) for name in entry.get("include_packages", ())]
        if option.index and _same(str(entry.get("url", "")), option.index):
            own = str(entry.get("name", own))
            mine = tuple(dict.fromkeys((*included, *mine)))
            continue
        left = [name for name in included if normalised(name) not in taken]
        if included and not left:
            text = toml.remove(text, (*_SOURCES, at))
        elif left != included:
            text = toml.put(text, (*_SOURCES, at, "include_packages"), left)
    if not option.index:
        return text
    entry = {"name": own, "url": option.index, "include_packages": list(mine), "exclude_packages": ["*"]}
    if any(str(each.get("name")) == own and _same(str(each.get("url", "")), option.index) for each in there):
        del entry["url"]  # as it is written there
    return toml.put_entry(text, _SOURCES, entry)


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


# ---- what else it says


def _saved(environment: Environment, root: str, files: Files) -> tuple[Edit, ...]:
    """The interpreter that PDM keeps for the project, where a new environment takes its place or PDM would not look for it."""
    path, known = f"{root}/{SAVED}", environment.prefix == f"{root}/.venv"
    if not environment.create or (path not in files and known) or files.get(path, "").strip() == environment.python:
        return ()
    return transactions.edit(path, environment.python, files, "the new environment is the project's from now on")


def _of_itself(text: str) -> tuple[str, ...]:
    """PDM installs a project that is a distribution; its metadata name the old requirements until it does so again."""
    if not toml.read(text, ("tool", "pdm", "distribution"), "build-system" in toml.read(text)):
        return ()
    return ("the project itself is left as it is installed; `pdm install` renews what its metadata say of torch",)

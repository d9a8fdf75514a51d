"""A Poetry project is changed: pyproject.toml by an edit that can be seen before, the lock and the environment by Poetry itself.

Measured with Poetry 1.8.5 and 2.5.1, in a folder that Poetry has not seen: VIRTUAL_ENV decides which environment is changed,
unless CONDA_DEFAULT_ENV is base; ``--no-root --no-directory`` leaves editable installs alone, which name the live folders;
Poetry 1 removes the packages of extras that are not named. To hold a range of pyproject.toml to one version in the lock, it is
locked twice: with the version in place of the range, then with the range, which keeps what is locked.
"""

from __future__ import annotations

from torchsmith.managers import declaring, places, poetry_sources, project_change, transactions
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits import toml
from torchsmith.managers.edits.base import EditError, normalised
from torchsmith.model.pattern import pattern
from torchsmith.model.record import replace
from torchsmith.model.transaction import Run, Shown, Transaction
from torchsmith.model.versions import at_least, key, major, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchsmith.model.choice import Option, Place
    from torchsmith.model.transaction import Edit, Environment

    Files = Mapping[str, str]

_WRITTEN_BY = pattern(r"by Poetry (\d{1,4}(?:\.\d{1,4}){1,3})")
_HEADER = 400
_OLDEST = "1.5"
"""The first Poetry that knows explicit sources."""
_HELD = ("nvidia-", "triton", "pytorch-triton", "cuda-bindings", "cuda-pathfinder")
"""How the names of what comes with torch begin; torch pins most of them."""
INSTALL = ("poetry", "install", "--no-root", "--no-directory")


def wanted(option: Option, place: Place, files: Files) -> tuple[str, ...]:
    """The project's files."""
    del option, files
    folder = transactions.here(place)
    names = ("pyproject.toml", "poetry.lock", ".venv/pyvenv.cfg", *transactions.MERGES)
    return tuple(f"{folder}/{name}" for name in names) if folder else ()


def change(option: Option, place: Place, files: Files) -> Transaction:
    """Torch and its companions declared at one explicit source, the lock refreshed for them alone, and installed.

    Raises:
        CannotDo: the project or its lock is of a kind that this does not change.

    """
    root = transactions.root(place)
    path = f"{root}/pyproject.toml"
    number = _poetry(root, place, files)
    environment = _environment(option, place, root, files)
    if place.goal == transactions.UPDATE_OTHERS:
        return _others(option, place, files, number, environment)
    declaring.refuse_what_no_lock_holds(option)
    try:
        declaring.refuse_odd(files[path])
        if poetry_sources.binds(files[path], option, place):
            option = declaring.explicit(option, place)
        text = poetry_sources.edited(files[path], number, option, place)
        exact = poetry_sources.edited(files[path], number, option, place, exact=True)
        chosen = _chosen(text, option, place)
        settled = text == files[path] and declaring.locked(option, place, files.get(f"{root}/poetry.lock"))
    except EditError as error:
        raise CannotDo(f"`{path}`: {error}; mend it first") from None
    if settled and places.nothing_to_do(option, place) and not environment.create:
        return Transaction(transactions.title(option))
    why = f"{option.candidate.torch} of {option.index or 'the default index'} is what the project asks for"
    edits = transactions.edit(path, text, files, why)
    held = () if exact == text else (_lock(root, environment, number, (("pyproject.toml", exact),)),)
    locks = () if settled else (*held, _lock(root, environment, number))
    return Transaction(
        transactions.title(option),
        environment,
        edits,
        (*locks, _install(root, environment, chosen), *_again(option, place, environment)),
        expected=transactions.expected(option, place),
        notes=transactions.notes(
            transactions.merging(root, files),
            _told(option, place, files, edits, number),
            poetry_sources.staying(text, option, place),
        ),
        indexes=transactions.indexes(option),
        shown=_of_itself(text, environment),
        rests_on=transactions.read((f"{root}/poetry.lock",), files),
    )


def _others(option: Option, place: Place, files: Files, number: int, environment: Environment) -> Transaction:
    """Everything but torch, its companions and what comes with them is brought up to date."""
    root = transactions.root(place)
    lock = files.get(f"{root}/poetry.lock")
    if lock is None:
        raise CannotDo("there is no poetry.lock yet that says what is to be held: `poetry lock`, then ask again")
    made = project_change.others("Poetry", place, environment)
    try:
        declaring.refuse_odd(files[f"{root}/pyproject.toml"])
        declaring.refuse_other_locked(lock, place)
        locked = {normalised(str(each.get("name", ""))) for each in toml.entries(lock, ("package",))}
        chosen = _chosen(files[f"{root}/pyproject.toml"], option, place)
    except EditError as error:
        raise CannotDo(f"a file of the project cannot be read: {error}") from None
    names = sorted(name for name in locked if name and name not in places.FAMILY and not name.startswith(_HELD))
    if not names:
        return Transaction(made.title)
    update = Run(
        ("poetry", "update", "--lock", *names),
        "all that is locked becomes newer, torch and what comes with it stay",
        root,
        ("poetry.lock",),
        _variables(environment),
    )
    return replace(
        made,
        runs=(update, _install(root, environment, chosen)),
        notes=transactions.notes(_of_the_lock(lock, place, number)),
        rests_on=transactions.read((f"{root}/pyproject.toml", f"{root}/poetry.lock"), files),
    )


# ---- programs


def _variables(environment: Environment) -> tuple[tuple[str, str], ...]:
    return ("VIRTUAL_ENV", environment.prefix), ("CONDA_DEFAULT_ENV", "")


def _lock(root: str, environment: Environment, number: int, given: tuple[tuple[str, str], ...] = ()) -> Run:
    return Run(
        ("poetry", "lock", *(("--no-update",) if number < 2 else ())),
        "hold torch to this version in the lock" if given else "refresh the lock; all others stay as they are",
        root,
        ("poetry.lock",),
        _variables(environment),
        given=given,
    )


def _install(root: str, environment: Environment, chosen: tuple[str, ...]) -> Run:
    return Run((*INSTALL, *chosen), "install what the lock says", root, (), _variables(environment))


def _again(option: Option, place: Place, environment: Environment) -> tuple[Run, ...]:
    """The same release once more where it is broken: Poetry has no word for that."""
    if not (place.broken and places.same_release(option, place)):
        return ()
    words = tuple(word for word in places.wanted(option, place) if word.partition("==")[0] in places.FAMILY)
    index = ("--index-url", option.index) if option.index else ()
    first = ("-m", "pip", "install", "--force-reinstall", "--no-deps", *index)
    return (Run((environment.python, *first, *words), "install torch anew: what is there is broken"),)


def _of_itself(text: str, environment: Environment) -> tuple[Shown, ...]:
    """An environment that is made has all but the project: a copy would be installed in its place, by the copy's path."""
    if not environment.create or toml.read(text, (*poetry_sources.POETRY, "package-mode"), default=True) is False:
        return ()
    return (Shown(("poetry", "install"), "the project itself comes into the new environment, where it is"),)


def _chosen(text: str, option: Option, place: Place) -> tuple[str, ...]:
    """The words for extras that are installed or have what the option brings, and for and against groups."""
    have, new = declaring.installed(place), {pin.name for pin in option.packages}
    found: list[str] = []
    for table in (("project", "optional-dependencies"), (*poetry_sources.POETRY, "extras")):
        for name, entries in toml.read(text, table, {}).items():
            own = declaring.names(entries)
            if own and (own <= have or own & new) and name not in found:
                found += ["--extras", name]
    for name, group in _groups(text).items():
        own, optional = group
        if own and optional and (own <= have or own & new):
            found += ["--with", name]
        elif own and have and not optional and not own & (have | new):
            found += ["--without", name]
    return tuple(found)


def _groups(text: str) -> dict[str, tuple[frozenset[str], bool]]:
    """The packages of each group but the main one, and whether it is optional."""
    groups: dict[str, tuple[frozenset[str], bool]] = {}
    for name, entries in toml.read(text, ("dependency-groups",), {}).items():
        groups[name] = (declaring.names(entries), False)
    for name, group in toml.read(text, (*poetry_sources.POETRY, "group"), {}).items():
        own, optional = groups.get(name, (frozenset(), False))
        more = frozenset(map(normalised, group.get("dependencies") or {}))
        groups[name] = own | more, optional or bool(group.get("optional"))
    if dev := toml.read(text, (*poetry_sources.POETRY, "dev-dependencies"), {}):
        groups["dev"] = frozenset(map(normalised, dev)) | groups.get("dev", (frozenset(), False))[0], False
    return groups


# ---- Poetry's version, its environment


def _poetry(root: str, place: Place, files: Files) -> int:
    """The major version of the Poetry that works here.

    Raises:
        CannotDo: there is no project or no Poetry, or the lock was written by a newer one.

    """
    if f"{root}/pyproject.toml" not in files:
        raise CannotDo(f"there is no project in {root}: begin one by `poetry init`, then ask again")
    at_hand, writer = transactions.tool(place, "poetry"), _writer(files.get(f"{root}/poetry.lock", ""))
    if place.tools and not at_hand:
        raise CannotDo("Poetry is not at hand: install it, then ask again")
    if at_hand and not at_least(at_hand, _OLDEST):
        raise CannotDo(f"Poetry {at_hand} knows no explicit sources: use {_OLDEST} or newer, then ask again")
    if at_hand and writer and key(minor(writer)) > key(minor(at_hand)):
        raise CannotDo(
            f"poetry.lock was written by Poetry {writer}, and {at_hand} is at hand: `poetry self update`, then ask again"
        )
    told = at_hand or writer or (place.project.manager_version if place.project is not None else "")
    return major(told) or 2


def _writer(lock: str) -> str:
    found = _WRITTEN_BY.search(lock[:_HEADER])
    return found[1] if found else ""


def _of_the_lock(lock: str | None, place: Place, number: int) -> tuple[str, ...]:
    writer = _writer(lock or "")
    if not writer or major(writer) >= number or not place.tools:
        return ()
    return (f"poetry.lock was written by Poetry {writer} and will be one of Poetry {number}, for all who use the project",)


def _environment(option: Option, place: Place, root: str, files: Files) -> Environment:
    """The one that is there; else `.venv` in the project, which Poetry takes where it is."""
    if not place.fresh and place.interpreter is not None and place.environment is not None:
        there = transactions.environment(place)
        if place.goal != transactions.CLEAN:
            return there
        words = (*places.new_environment(option, place)[0][:-1], there.prefix)
        return transactions.environment(place, there.prefix, words)
    prefix = f"{root}/.venv"
    if f"{prefix}/pyvenv.cfg" in files:
        raise CannotDo(
            f"the project's environment has another Python than {option.candidate.python}, or cannot be changed:"
            f" move {prefix} away, then ask again"
        )
    shown = prefix.replace("/", "\\") if place.os == "windows" else prefix
    return transactions.environment(place, shown, (*places.new_environment(option, place)[0][:-1], shown))


def _told(option: Option, place: Place, files: Files, edits: tuple[Edit, ...], number: int) -> tuple[str, ...]:
    """What is to be known besides."""
    told = list(_of_the_lock(files.get(f"{transactions.root(place)}/poetry.lock"), place, number))
    if option.index:
        told.append(
            "from now on `poetry update`, `poetry install` and `poetry add` take torch from this source alone,"
            " and nothing else from it"
        )
    if edits and place.torch and not place.fresh and place.goal != transactions.CLEAN:
        sync = "poetry sync" if number >= 2 else "poetry install --sync"
        told.append(f"`{sync}` removes what the older build leaves behind")
    return tuple(told)

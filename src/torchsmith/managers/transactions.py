"""What an option changes at a place, as a transaction: each manager that can be carried out has ``change(option, place, files)``.

Pure: ``files`` maps the absolute path of each file that was read to its whole text (``model.transaction.ENCODING``); a file that
is not there is not in it. Nothing is run, no clock is looked at; ``act`` fills in what only the machine knows.
"""

from __future__ import annotations

from hashlib import sha256
from importlib import import_module

from torchsmith.knowledge import torch_builds
from torchsmith.managers import places
from torchsmith.managers.base import CannotDo
from torchsmith.model.pattern import pattern
from torchsmith.model.record import replace
from torchsmith.model.transaction import ENCODING, Edit, Environment, Expected, Transaction
from torchsmith.model.versions import public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from torchsmith.model.choice import Option, Place

    Files = Mapping[str, str]

MODULES = {
    "pip": "environment_change",
    "uv": "environment_change",
    "uv-project": "uv_project_change",
    "poetry": "poetry_change",
    "pdm": "pdm_change",
    "pipenv": "pipenv_change",
    "pip-tools": "pip_tools_change",
    "conda": "conda_change",
    "mamba": "conda_change",
    "pixi": "pixi_change",
    "docker": "docker_change",
    "nix": "planned_change",
    "flox": "planned_change",
    "source": "planned_change",
    "env-vars": "toolkit_change",
    "user-path": "toolkit_change",
}
"""The module of each approach that can be carried out; the CPU build is installed by what manages the environment."""

OWN = frozenset({"uv", "uv-project", "poetry", "pdm", "pipenv", "pip-tools"})
"""Managers that take the CPU build themselves; everywhere else pip does."""

UPDATE_OTHERS = "update-others"
"""The goal of a place where everything but torch is brought up to date."""

CLEAN = "clean-install"
"""The goal of a place whose environment is made anew beside the present one, and then takes its place."""


def made(option: Option, place: Place, files: Files) -> Transaction:
    """The transaction of an option; one that is empty where nothing is left to do.

    Raises:
        CannotDo: it cannot be carried out here; the message says what to do instead.

    """
    if place.elsewhere:
        raise CannotDo("the plan is for another machine than this one: carry it out there")
    place = for_option(option, place)
    name = module_name(option, place)
    manager = places.manager_of(place)
    # Of a project, the files have to say it too: what is installed by hand is undone by the next sync.
    of_wheels = name in {"pip", "uv"} and option.approach.name in {"pip", "uv", "cpu", manager}
    if of_wheels and place.goal not in {UPDATE_OTHERS, CLEAN} and places.nothing_to_do(option, place):
        return Transaction(title(option))
    transaction: Transaction = _module(name, option).change(option, place, files)
    transaction = replace(transaction, notes=notes(transaction.notes, _left(transaction, option, files)))
    if not place.offline:
        return transaction
    from torchsmith.managers import offline

    return offline.carried_out(transaction, option, place)


def wanted(option: Option, place: Place, files: Files) -> tuple[str, ...]:
    """The absolute paths of the files that ``made`` would see, there or not; asked again until it names nothing new."""
    place = for_option(option, place)
    module = MODULES.get(module_name(option, place))
    if module is None:
        return ()
    own = import_module(f"torchsmith.managers.{module}")
    if hasattr(own, "wanted"):
        return tuple(own.wanted(option, place, files))
    if hasattr(own, "reads"):
        return tuple(own.reads(option, place))
    folder, project = here(place), place.project
    return tuple(f"{folder}/{name}" for name in (project.files if project is not None else ())) if folder else ()


def for_option(option: Option, place: Place) -> Place:
    """The place for this option: a new environment where it needs another Python than the one that is there."""
    have = places.python_of(place.interpreter)
    other = bool(have) and have != option.candidate.python
    return replace(place, fresh=True) if other and not place.fresh else place


def module_name(option: Option, place: Place) -> str:
    """The approach that carries it out: for the CPU build that of the environment."""
    if option.approach.name != "cpu":
        return option.approach.name
    manager = place.environment.manager if place.environment is not None else ""
    return manager if manager in OWN else "pip"


def _module(name: str, option: Option) -> ModuleType:
    module = MODULES.get(name)
    if module is None:
        raise CannotDo(f"{option.approach.title} is planned only: `torchsmith plan` has the commands")
    return import_module(f"torchsmith.managers.{module}")


def title(option: Option) -> str:
    """What is done, in one line: ``torch 2.8.0+cu129 by Poetry``."""
    return f"torch {option.candidate.version} by {option.approach.title}"


# ---- files


def digest(text: str) -> str:
    """The SHA-256 of the bytes that a text was read from."""
    return sha256(text.encode(*ENCODING)).hexdigest()


def edit(path: str, text: str | None, files: Files, why: str) -> tuple[Edit, ...]:
    """The file as it will be; nothing where it is so already."""
    before = files.get(path)
    if before == text:
        return ()
    return (Edit(path, None if before is None else digest(before), text, why),)


def read(paths: tuple[str, ...], files: Files) -> tuple[tuple[str, str | None], ...]:
    """``rests_on`` of files that are read and not edited."""
    return tuple((path, digest(files[path]) if path in files else None) for path in paths)


def here(place: Place) -> str:
    """The folder of the project, else the current one, absolute; empty where nobody knows it."""
    of_project = place.project.folder if place.project is not None else ""
    of_environment = place.environment.project if place.environment is not None else ""
    folder = of_project or of_environment or place.here
    return (folder.replace("\\", "/") if place.os == "windows" else folder).rstrip("/")


def root(place: Place) -> str:
    """The same.

    Raises:
        CannotDo: nobody knows it.

    """
    folder = here(place)
    if not folder:
        raise CannotDo("there is no project folder: ask in the folder that holds pyproject.toml")
    return folder


def tool(place: Place, name: str) -> str:
    """The version of a program that is at hand; empty where nobody looked or there is none."""
    return next((version for found, version in place.tools if found == name), "")


# ---- the environment


def environment(place: Place, prefix: str = "", create: tuple[str, ...] = ()) -> Environment:
    """The environment that changes; with ``prefix`` the one that is made there by the words of ``create``.

    Raises:
        CannotDo: there is none, or one that must not be changed.

    """
    if prefix:
        return Environment(prefix, python_in(prefix, place), create=create)
    have, found = place.interpreter, place.environment
    if place.fresh or have is None or found is None:
        raise CannotDo("there is no environment that could be changed: make one first")
    if not found.changeable:
        raise CannotDo(found.why_not or "this environment must not be changed")
    return Environment(have.prefix, have.executable, "conda" if found.kind == "conda" else "venv")


def python_in(prefix: str, place: Place) -> str:
    """The Python of an environment."""
    return rf"{prefix}\Scripts\python.exe" if place.os == "windows" else f"{prefix}/bin/python"


def expected(option: Option, place: Place) -> Expected:
    """What has to be found in the environment afterwards: the packages as their metadata name them, torch with its build."""
    local = places.label(option, place)
    packages = tuple(
        (
            pin.name,
            pin.version + (local if pin.name in places.FAMILY and pin.index == option.index and "+" not in pin.version else ""),
        )
        for pin in option.packages
    )
    torch = option.candidate.version if local or place.os != "macos" else public(option.candidate.version)
    return Expected(torch, packages, (), option.candidate.kind != "cpu" and bool(place.sms))


def indexes(option: Option) -> tuple[str, ...]:
    """The indexes that packages come from, each once; the default one has no address here."""
    return tuple(dict.fromkeys(pin.index for pin in option.packages if pin.index))


_ADDRESS = pattern(r"https?://[^\s\"'<>,;\]}#\\]{1,300}")


def _left(made: Transaction, option: Option, files: Files) -> tuple[str, ...]:
    """What is said of an address on another host than torch's index that a file does not name any more: it may be a mirror."""
    own = [(address or "").split("/")[2:3] for address in (option.index, torch_builds.index_url("cpu"))]
    gone: dict[str, None] = {}
    for edit in made.edits:
        now = frozenset(_ADDRESS.findall(edit.text or ""))
        gone |= dict.fromkeys(each for each in _ADDRESS.findall(files.get(edit.path, "")) if each not in now)
    other = [each for each in gone if each.split("/")[2:3] not in own and not each.endswith(".whl")]
    where = option.index or "the default index"
    return tuple(f"{each} is not asked any more, and torch comes from {where}: a mirror has to be named anew" for each in other)


MERGES = (".git/MERGE_HEAD", ".git/rebase-merge/head-name", ".git/rebase-apply/next", ".git/CHERRY_PICK_HEAD")
"""Files of a git work tree that are there while something is merged."""


def merging(folder: str, files: Files) -> tuple[str, ...]:
    """What is said where a merge is under way: git itself is never touched."""
    if not any(f"{folder}/{name}" in files for name in MERGES):
        return ()
    return ("a merge is under way in this git work tree: the changed files are left for you to add and commit",)


def notes(*parts: tuple[str, ...]) -> tuple[str, ...]:
    """Notes in order, each once."""
    return places.notes(*parts)

"""An option in the words of its approach: each module of ``managers`` that can install torch has ``steps(option, place)``."""

from __future__ import annotations

from importlib import import_module

from torchsmith.managers import places
from torchsmith.model.choice import Steps
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.model.choice import Option, Place

MODULES = {
    "pip": "pip",
    "uv": "uv",
    "uv-project": "uv_project",
    "poetry": "poetry",
    "pdm": "pdm",
    "pipenv": "pipenv",
    "pip-tools": "pip_tools",
    "conda": "conda",
    "mamba": "conda",
    "pixi": "pixi",
    "docker": "docker",
    "nix": "nix",
    "flox": "flox",
    "source": "source_build",
    "env-vars": "toolkit",
    "user-path": "toolkit",
}
"""The module of each approach; the CPU build is installed by what manages the environment."""

OWN = frozenset({"uv", "uv-project", "poetry", "pdm"})
"""Managers that take the CPU build themselves; everywhere else pip does."""

INSTALL = {
    "uv-project": ("uv", "sync", "--inexact"),
    "poetry": ("poetry", "install"),
    "pdm": ("pdm", "install"),
    "pipenv": ("pipenv", "install"),
}
"""How a manager installs what the project's files say."""

HERE = frozenset({"pip", "uv", "cpu"})
"""Approaches that take what is installed as it is; any other has to have made the environment."""


def steps(option: Option, place: Place) -> Steps:
    """How the option is carried out at a place; nothing where all of it is there, and for an approach without a module."""
    name, place = option.approach.name, _for(option, place)
    manager = place.environment.manager if place.environment is not None else ""
    if (name in HERE or name == manager) and places.nothing_to_do(option, place):
        return Steps()
    if option.declared and not place.offline:
        return Steps(places.actions(option, place), (INSTALL[name],))
    module = of_environment(place) if name == "cpu" else _module(name)
    if module is None:
        return Steps()
    made: Steps = module.steps(option, place)
    if not place.offline:
        return made
    from torchsmith.managers import offline

    return offline.adapted(made, option, place)


def of_environment(place: Place) -> Any:
    """The module of what manages the environment, for wheels; pip's where that takes none."""
    manager = place.environment.manager if place.environment is not None else ""
    return _module(manager if manager in OWN else "pip")


def _module(name: str) -> Any:
    module = MODULES.get(name)
    return import_module(f"torchsmith.managers.{module}") if module is not None else None


def _for(option: Option, place: Place) -> Place:
    """The place for this option: a new environment where it needs another Python than the one that is there."""
    have = places.python_of(place.interpreter)
    other = bool(have) and have != option.candidate.python
    return replace(place, fresh=True) if other and not place.fresh else place

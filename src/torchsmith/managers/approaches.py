"""An option in the words of its approach: each module of ``managers`` that can install torch has ``steps(option, place)``."""

from __future__ import annotations

from importlib import import_module

from torchsmith.model.choice import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Option, Place

MODULES = {"pip": "pip"}
"""The module of each approach."""


def steps(option: Option, place: Place) -> Steps:
    """How the option is carried out at a place; nothing for an approach without a module."""
    module = MODULES.get(option.approach.name)
    if module is None:
        return Steps()
    made: Steps = import_module(f"torchsmith.managers.{module}").steps(option, place)
    return made


def interpreter(place: Place) -> str:
    """The Python that commands name: that of the environment, or of the new one that is made first."""
    if not place.fresh and place.interpreter is not None:
        return place.interpreter.executable
    return r".venv\Scripts\python" if place.os == "windows" else ".venv/bin/python"

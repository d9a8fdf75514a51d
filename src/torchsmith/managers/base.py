"""What a manager is: a function from a typed action and an environment to commands. Pure; nothing is run."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.action import Action
    from torchsmith.model.facts.python import Environment, Interpreter

    Commands = tuple[tuple[str, ...], ...]

MODULES = {"pip": "pip", "uv": "uv", "uv-project": "uv_project", "poetry": "poetry", "pdm": "pdm", "conda": "conda", "pixi": "pixi"}


def commands(action: Action, environment: Environment, interpreter: Interpreter, windows: bool) -> Commands:
    """The commands that carry ``action`` out in this environment; an unknown manager's environment is changed by pip."""
    from torchsmith.managers import shell

    own = shell.commands(action, windows)
    if own is not None:
        return own
    module = import_module(f"torchsmith.managers.{MODULES.get(environment.manager, 'pip')}")
    made: Commands = module.commands(action, interpreter)
    return made

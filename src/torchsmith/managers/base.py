"""What a manager is: a function from a typed action and an environment to commands. Pure; nothing is run."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.action import Action
    from torchsmith.model.facts.python import Environment, Interpreter

    Commands = tuple[tuple[str, ...], ...]

MODULES = {
    "pip": "pip",
    "uv": "uv",
    "uv-project": "uv_project",
    "poetry": "poetry",
    "pdm": "pdm",
    "conda": "conda",
    "pixi": "pixi",
    "pipx": "pipx",
    "nix": "nix",
}


class CannotDo(Exception):  # noqa: N818 - an answer, not a fault
    """This manager has no command for the action; the message says what to do instead."""


def commands(action: Action, environment: Environment, interpreter: Interpreter, windows: bool) -> Commands:
    """The commands that carry ``action`` out in this environment; an unknown manager's environment is changed by pip.

    Raises:
        CannotDo: the environment's manager has no such command.

    """
    from torchsmith.managers import shell

    own = shell.commands(action, windows)
    if own is not None:
        return own
    module = import_module(f"torchsmith.managers.{MODULES.get(environment.manager, 'pip')}")
    made: Commands = module.commands(action, interpreter)
    return made


def index_name(build: str) -> str:
    """The name under which a project keeps the index of a build."""
    return f"pytorch-{build}"

"""pipx: the pip of one application's own environment."""

from __future__ import annotations

from torchsmith.managers import pip
from torchsmith.model.action import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """``pipx runpip APP`` in place of ``python -m pip``."""
    return tuple(through(command, interpreter) for command in pip.commands(action, interpreter))


def through(command: tuple[str, ...], interpreter: Interpreter) -> tuple[str, ...]:
    """A command of pip in pipx's words."""
    application = interpreter.prefix.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return ("pipx", "runpip", application, *command[3:])

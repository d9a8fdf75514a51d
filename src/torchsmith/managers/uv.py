"""uv's pip interface, for environments that uv made or that have no pip."""

from __future__ import annotations

from torchsmith.managers.base import name_of
from torchsmith.managers.pip import torch_requirements
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """A build with its local label replaces any other; without one uv has to be told to replace what satisfies it.

    ``--default-index``, not the older ``--index-url``: UV_DEFAULT_INDEX overrides the latter.
    """
    uv = ("uv", "pip")
    python = ("--python", interpreter.executable)
    if isinstance(action, InstallTorch):
        wanted = torch_requirements(action)
        if action.index:
            return ((*uv, "install", *python, *wanted, "--default-index", action.index),)
        return ((*uv, "install", *python, *reinstalled(wanted), *wanted),)
    if isinstance(action, Install):
        again = ("--reinstall", "--no-deps") if action.reinstall else ()
        index = ("--default-index", action.index) if action.index else ()
        return ((*uv, "install", *python, *again, *action.requirements, *index),)
    if isinstance(action, Uninstall):
        return ((*uv, "uninstall", *python, *action.packages),)
    return ()


def reinstalled(requirements: tuple[str, ...]) -> tuple[str, ...]:
    """The option that makes uv install these again."""
    return tuple(word for requirement in requirements for word in ("--reinstall-package", name_of(requirement)))

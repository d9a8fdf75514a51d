"""uv's pip interface, for environments that uv made or that have no pip."""

from __future__ import annotations

from torchsmith.managers.pip import torch_requirements
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """``--reinstall-package`` makes uv replace a build that satisfies the version already."""
    uv = ("uv", "pip")
    python = ("--python", interpreter.executable)
    if isinstance(action, InstallTorch):
        index = ("--index-url", action.index) if action.index else ()
        return ((*uv, "install", *python, "--reinstall-package", "torch", *torch_requirements(action), *index),)
    if isinstance(action, Install):
        again = ("--reinstall", "--no-deps") if action.reinstall else ()
        index = ("--index-url", action.index) if action.index else ()
        return ((*uv, "install", *python, *again, *action.requirements, *index),)
    if isinstance(action, Uninstall):
        return ((*uv, "uninstall", *python, *action.packages),)
    return ()

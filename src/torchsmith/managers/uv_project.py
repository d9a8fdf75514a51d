"""uv in a project: dependencies are declared in pyproject.toml, torch bound to one index, and the lock follows."""

from __future__ import annotations

from torchsmith.managers.base import index_name
from torchsmith.managers.pip import torch_requirements
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """``uv add --index NAME=URL`` writes the index and binds the packages of that command to it."""
    del interpreter
    if isinstance(action, InstallTorch):
        index = ("--index", f"{index_name(action.build)}={action.index}") if action.index else ()
        return (("uv", "add", *index, *torch_requirements(action)),)
    if isinstance(action, Install):
        index = ("--index", action.index) if action.index else ()
        add = (("uv", "add", *index, *action.requirements),)
        return (*add, *((("uv", "sync", *_again(action.requirements)),) if action.reinstall else ()))
    if isinstance(action, Uninstall):
        return (("uv", "remove", *action.packages),)
    return ()


def _again(requirements: tuple[str, ...]) -> tuple[str, ...]:
    names = (requirement.partition(next((c for c in requirement if c in "<>=!~[; "), "\n"))[0] for requirement in requirements)
    return tuple(word for name in names for word in ("--reinstall-package", name))

"""uv in a project: dependencies are declared in pyproject.toml, torch bound to one index, and the lock follows."""

from __future__ import annotations

from torchsmith.managers import uv
from torchsmith.managers.base import index_name, refuse_own_triton, wheels_of_nvidia
from torchsmith.managers.pip import torch_requirements
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter

# Without --inexact, packages that were installed by hand would go, and those of extras that are not named.
SYNC = ("uv", "sync", "--inexact")


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """``uv add --index NAME=URL`` writes the index and binds the packages of that command to it; see ``by_hand``.

    Raises:
        CannotDo: a build that needs more than torch from its index.

    """
    if isinstance(action, InstallTorch):
        refuse_own_triton(action)
        return _add(torch_requirements(action), index_name(action.build), action.index)
    if isinstance(action, Install):
        if action.reinstall:  # what the lock says, which is what torch was resolved with
            return ((*SYNC, *uv.reinstalled(action.requirements)),)
        return _add(action.requirements, "extra", action.index)
    if isinstance(action, Uninstall):
        wheels, named = wheels_of_nvidia(action.packages)
        own = (("uv", "remove", *named),) if named else ()
        return (*(uv.commands(Uninstall(wheels), interpreter) if wheels else ()), *own)
    return ()


def by_hand(action: Action) -> str:
    """No option of ``uv add`` makes an index explicit, and from one that is not uv takes all that it has."""
    if isinstance(action, InstallTorch | Install) and action.index and not getattr(action, "reinstall", False):
        return "before `uv sync`, write `explicit = true` under the new [[tool.uv.index]], or other packages move there too"
    return ""


def _add(requirements: tuple[str, ...], name: str, index: str | None) -> Commands:
    if index is None:
        return (("uv", "add", *requirements),)
    return (("uv", "add", "--frozen", "--index", f"{name}={index}", *requirements), SYNC)

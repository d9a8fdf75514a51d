"""Poetry 1.5 to 2.x: torch from an explicit source, which serves nothing else."""

from __future__ import annotations

from torchsmith.managers import pip
from torchsmith.managers.base import index_name, refuse_own_triton, wheels_of_nvidia
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """The same words in Poetry 1.8 and 2.x; pip for what Poetry has no command for: Poetry puts it into its environments.

    Raises:
        CannotDo: a build that needs more than torch from its index.

    """
    if isinstance(action, InstallTorch):
        refuse_own_triton(action)
        return _add(index_name(action.build), action.index, pip.torch_requirements(action))
    if isinstance(action, Install):
        return pip.commands(action, interpreter) if action.reinstall else _add("extra", action.index, action.requirements)
    if isinstance(action, Uninstall):
        wheels, named = wheels_of_nvidia(action.packages)
        own = (("poetry", "remove", *named),) if named else ()
        return (*(pip.commands(Uninstall(wheels), interpreter) if wheels else ()), *own)
    return ()


def _add(name: str, index: str | None, requirements: tuple[str, ...]) -> Commands:
    if index is None:
        return (("poetry", "add", *requirements),)
    return (
        ("poetry", "source", "add", "--priority", "explicit", name, index),
        ("poetry", "add", "--source", name, *requirements),
    )

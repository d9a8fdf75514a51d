"""Poetry 1.5 to 2.x: torch from an explicit source, which serves nothing else."""

from __future__ import annotations

from torchsmith.managers.base import CannotDo, index_name
from torchsmith.managers.pip import torch_requirements
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """The same words in Poetry 1.8 and 2.x.

    Raises:
        CannotDo: a package is to be installed again as it is.

    """
    del interpreter
    if isinstance(action, InstallTorch):
        return _add(index_name(action.build), action.index, torch_requirements(action))
    if isinstance(action, Install):
        if action.reinstall:
            raise CannotDo(
                "Poetry has no command that installs a package again: remove it and add it, or make the environment anew"
            )
        return _add("extra", action.index, action.requirements)
    if isinstance(action, Uninstall):
        return (("poetry", "remove", *action.packages),)
    return ()


def _add(name: str, index: str | None, requirements: tuple[str, ...]) -> Commands:
    # `numpy<2` is `numpy@<2` to Poetry 1.x and to 2.x alike; `==` both read as PEP 508 does.
    wanted = tuple(_constraint(requirement) for requirement in requirements)
    if index is None:
        return (("poetry", "add", *wanted),)
    return (
        ("poetry", "source", "add", "--priority", "explicit", name, index),
        ("poetry", "add", "--source", name, *wanted),
    )


def _constraint(requirement: str) -> str:
    place = next((at for at, letter in enumerate(requirement) if letter in "<>!~"), None)
    return requirement if place is None or "==" in requirement else f"{requirement[:place]}@{requirement[place:]}"

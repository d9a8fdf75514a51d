"""PDM: it adds and removes, and has no command that binds a package to one index."""

from __future__ import annotations

from torchsmith.managers.base import CannotDo, index_name
from torchsmith.managers.pip import torch_requirements
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """Without an index only.

    Raises:
        CannotDo: a package is to come from an index of its own, or to be installed again as it is.

    """
    del interpreter
    if isinstance(action, InstallTorch):
        requirements, index, name = torch_requirements(action), action.index, index_name(action.build)
    elif isinstance(action, Install):
        requirements, index, name = action.requirements, action.index, "extra"
        if action.reinstall:
            raise CannotDo("PDM has no command that installs a package again: `pdm remove` it and `pdm add` it")
    elif isinstance(action, Uninstall):
        return (("pdm", "remove", *action.packages),)
    else:
        return ()
    if index:
        names = ", ".join(f'"{requirement.partition("==")[0]}"' for requirement in requirements)
        raise CannotDo(
            f'in pyproject.toml add [[tool.pdm.source]] with name = "{name}", url = "{index}", include_packages = [{names}], '
            f"then `pdm add {' '.join(requirements)}`"
        )
    return (("pdm", "add", *requirements),)

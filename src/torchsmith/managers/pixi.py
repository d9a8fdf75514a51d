"""pixi: conda packages by their build string, in the workspace of the current folder."""

from __future__ import annotations

from torchsmith.managers.base import CannotDo
from torchsmith.managers.conda import conda_name, torch_specs
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall
from torchsmith.model.versions import cuda_of_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """A CUDA build needs ``cuda`` among the system requirements, or pixi's solver never considers it.

    Raises:
        CannotDo: a package is to come from a wheel index.

    """
    del interpreter
    if isinstance(action, InstallTorch):
        cuda = cuda_of_label(action.build)
        require = (("pixi", "workspace", "system-requirements", "add", "cuda", cuda),) if cuda else ()
        return (*require, ("pixi", "add", *torch_specs(action)))
    if isinstance(action, Install):
        if action.index:
            raise CannotDo(f"name {action.index} under [pypi-options] in pixi.toml, then `pixi add --pypi`")
        if action.reinstall:
            return (("pixi", "reinstall", *action.requirements),)
        return (("pixi", "add", *action.requirements),)
    if isinstance(action, Uninstall):
        return (("pixi", "remove", *(conda_name(package) for package in action.packages)),)
    return ()

"""pixi: conda packages by their build string, in the workspace of the current folder."""

from __future__ import annotations

from torchsmith.managers.base import CannotDo, name_of, wheels_of_nvidia
from torchsmith.managers.conda import conda_spec, torch_specs
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall
from torchsmith.model.versions import cuda_of_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """A CUDA build needs ``cuda`` among the system requirements, or pixi's solver never considers it.

    Raises:
        CannotDo: a package is to come from a wheel index; a package to remove that no workspace names.

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
            return (("pixi", "reinstall", *map(name_of, map(conda_spec, action.requirements))),)
        return (("pixi", "add", *map(conda_spec, action.requirements)),)
    if isinstance(action, Uninstall):
        if wheels_of_nvidia(action.packages)[0]:
            raise CannotDo("pixi removes what pixi.toml names; `pixi clean` and `pixi install` make the environment anew")
        return (("pixi", "remove", *map(conda_spec, action.packages)),)
    return ()

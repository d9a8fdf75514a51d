"""pixi: conda packages by their build string, in the workspace of the current folder."""

from __future__ import annotations

from torchsmith.knowledge import drivers
from torchsmith.managers.base import CannotDo, name_of, wheels_of_nvidia
from torchsmith.managers.conda import conda_spec, option_specs, python_spec, torch_specs
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall
from torchsmith.model.versions import at_least, cuda_of_label, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.choice import Option, Place, Steps
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


SUBDIRS = {("linux", "x86_64"): "linux-64", ("linux", "aarch64"): "linux-aarch64", ("windows", "x86_64"): "win-64"}


def steps(option: Option, place: Place) -> Steps:
    """In the workspace of the current folder, or in one that is begun there.

    Without CUDA among what the platform has, pixi's solver never considers a CUDA build. Since 0.71 that is said of the
    platform; the older table of system requirements is still read, with a warning.
    """
    from torchsmith.managers import emissions, places
    from torchsmith.model.choice import Steps

    candidate = option.candidate
    cuda = minor(candidate.cuda or "")
    begun = places.manager_of(place) == "pixi" or (place.project is not None and place.project.manager == "pixi")
    have = places.python_of(place.interpreter)
    subdir = SUBDIRS.get((place.os, place.arch), "linux-64")
    made: Commands = () if begun else (("pixi", "init", "--format", "pixi"),)
    declared = declared_cuda(cuda, place) if cuda else ""
    if cuda:
        # What is declared has to be there: pixi leaves out a platform that promises more than the driver has.
        made = (*made, ("pixi", "workspace", "platform", "edit", subdir, "--cuda", declared))
    python = () if begun and have == candidate.python else (python_spec(candidate.python) + ".*",)
    made = (*made, ("pixi", "add", *python, *option_specs(option, place)))
    before = (
        f"before pixi 0.71: `pixi workspace system-requirements add cuda {declared}` in place of `platform edit`" if cuda else ""
    )
    typed = (InstallTorch(candidate.torch, candidate.build, None),)
    return Steps(typed, made, notes=places.notes((before,), emissions.conda_override(option, place)))


def declared_cuda(cuda: str, place: Place) -> str:
    """The CUDA of the build, or the driver's where that is lower and runs it by minor-version compatibility."""
    windows = place.os == "windows" or place.wsl
    supported = drivers.max_cuda(place.driver, windows=windows) if place.driver else None
    return supported if supported is not None and not at_least(supported, cuda) else cuda

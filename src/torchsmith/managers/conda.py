"""conda: pytorch from conda-forge by its build string; wheels, in a conda environment too, are pip's."""

from __future__ import annotations

from torchsmith.managers import pip
from torchsmith.managers.base import CannotDo, name_of, wheels_of_nvidia
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall
from torchsmith.model.versions import cuda_of_label, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter

CHANNEL = ("-c", "conda-forge")


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """With ``-p`` or ``-n``, so that it is this environment that changes; a text may name neither.

    Raises:
        CannotDo: a package is to come from a wheel index, or torch's build is none that conda-forge makes.

    """
    place = interpreter.conda_place
    if isinstance(action, InstallTorch):
        return (("conda", "install", *place, *CHANNEL, *torch_specs(action)),)
    if isinstance(action, Install):
        if action.index:
            raise CannotDo(f"conda takes nothing from {action.index}: use `{interpreter.executable} -m pip` for it")
        if wheels_of_nvidia(action.requirements)[0]:
            return pip.commands(action, interpreter)
        again = ("--force-reinstall",) if action.reinstall else ()
        return (("conda", "install", *place, *CHANNEL, *again, *map(conda_spec, action.requirements)),)
    if isinstance(action, Uninstall):
        wheels, others = wheels_of_nvidia(action.packages)
        own = (("conda", "remove", *place, *map(conda_spec, others)),) if others else ()
        return (*(pip.commands(Uninstall(wheels), interpreter) if wheels else ()), *own)
    return ()


def torch_specs(action: InstallTorch) -> tuple[str, ...]:
    """``pytorch=2.9.*=*cuda*`` with a ``cuda-version`` that the driver runs; ``=2.9=`` would be 2.9.0 and no other.

    Raises:
        CannotDo: neither a CUDA nor a CPU build.

    """
    cuda = cuda_of_label(action.build)
    if cuda is None and action.build != "cpu":
        raise CannotDo(f"conda-forge makes no {action.build} build of pytorch")
    companions = tuple(name for name, _ in action.companions)
    wanted = f"pytorch={minor(action.torch)}.*=*{'cuda' if cuda else 'cpu'}*"
    return (wanted, *((f"cuda-version<={cuda}",) if cuda else ()), *companions)


def conda_spec(requirement: str) -> str:
    """Torch is called pytorch there."""
    return f"py{requirement}" if name_of(requirement) == "torch" else requirement

"""conda: pytorch from conda-forge by its build string; what comes from wheel indexes alone is not conda's to install."""

from __future__ import annotations

from torchsmith.managers.base import CannotDo
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall
from torchsmith.model.versions import cuda_of_label, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter

CHANNEL = ("-c", "conda-forge")


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """Always with ``-p``, so that it is this environment that changes.

    Raises:
        CannotDo: a package is to come from a wheel index, or torch's build is none that conda-forge makes.

    """
    place = ("-p", interpreter.prefix)
    if isinstance(action, InstallTorch):
        return (("conda", "install", *place, *CHANNEL, *torch_specs(action)),)
    if isinstance(action, Install):
        if action.index:
            raise CannotDo(f"conda takes nothing from {action.index}: use `{interpreter.executable} -m pip` for it")
        again = ("--force-reinstall",) if action.reinstall else ()
        return (("conda", "install", *place, *CHANNEL, *again, *action.requirements),)
    if isinstance(action, Uninstall):
        return (("conda", "remove", *place, *(conda_name(package) for package in action.packages)),)
    return ()


def torch_specs(action: InstallTorch) -> tuple[str, ...]:
    """``pytorch=2.9=*cuda*`` with a ``cuda-version`` that the driver runs.

    Raises:
        CannotDo: neither a CUDA nor a CPU build.

    """
    cuda = cuda_of_label(action.build)
    if cuda is None and action.build != "cpu":
        raise CannotDo(f"conda-forge makes no {action.build} build of pytorch")
    companions = tuple(name for name, _ in action.companions)
    wanted = f"pytorch={minor(action.torch)}=*{'cuda' if cuda else 'cpu'}*"
    return (wanted, *((f"cuda-version<={cuda}",) if cuda else ()), *companions)


def conda_name(package: str) -> str:
    """Torch is called pytorch there."""
    return "pytorch" if package == "torch" else package

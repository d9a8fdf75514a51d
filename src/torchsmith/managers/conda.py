"""conda: pytorch from conda-forge by its build string; wheels, in a conda environment too, are pip's."""

from __future__ import annotations

from torchsmith.managers import pip
from torchsmith.managers.base import CannotDo, name_of, wheels_of_nvidia
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall
from torchsmith.model.versions import cuda_of_label, key, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.choice import Option, Place, Steps
    from torchsmith.model.facts.python import Interpreter

CHANNEL = ("-c", "conda-forge")
NEW = "torch"
"""The name of an environment that is made for it."""


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


def steps(option: Option, place: Place) -> Steps:
    """In the conda environment that is there, or in a new one; from conda-forge alone, for other channels do not fit it."""
    from torchsmith.managers import emissions, places
    from torchsmith.model.choice import Steps

    program = "mamba" if option.approach.name == "mamba" else "conda"
    specs = option_specs(option, place)
    here = place.environment is not None and place.environment.kind == "conda" and not place.fresh
    if here:
        verb = ("install", *(place.interpreter.conda_place if place.interpreter else ()))
    else:
        verb = ("create", "-n", NEW, *CHANNEL, "--override-channels", python_spec(option.candidate.python))
    made: tuple[tuple[str, ...], ...] = ((program, *verb, *(CHANNEL if here else ()), *specs),)
    typed = (InstallTorch(option.candidate.torch, option.candidate.build, None, _companions(option)),)
    told = ("" if here else f"the new environment is used after `{program} activate {NEW}`",)
    words = ("micromamba takes the same words" if program == "mamba" else "",)
    return Steps(typed, made, notes=places.notes(told, words, emissions.conda_override(option, place), _wheels(option, place)))


def option_specs(option: Option, place: Place) -> tuple[str, ...]:
    """Exactly the release with a build string of its CUDA; the compiler and nvcc too where something is compiled."""
    from torchsmith.managers import places

    cuda = minor(option.candidate.cuda or "")
    build = f"*cuda{cuda.replace('.', '')}*" if cuda else "*cpu*"
    tools = ("cuda-nvcc", "cuda-libraries-dev", "cxx-compiler") if cuda and place.goal == "extension-build" else ()
    # The minor release belongs to torch's; its patches are conda-forge's own.
    beside = tuple(f"{name}={minor(version)}" for name, version in _companions(option))
    rest = tuple(f"{pin.name}=={pin.version}" for pin in option.packages if pin.name not in places.FAMILY)
    wanted = f"pytorch={option.candidate.torch}={build}"
    versions = (f"cuda-version={cuda}", *_held_cudnn(place)) if cuda else ()
    return (wanted, *versions, *beside, *tools, *map(conda_spec, rest))


def _held_cudnn(place: Place) -> tuple[str, ...]:
    """A bound on cuDNN, which the solver picks by itself, where a newer one has dropped a GPU that is here."""
    from torchsmith.knowledge.compiled.compat_rules import CUDNN_DROPS_BELOW

    oldest = min(place.sms, default=None)
    gone = [since for lowest, since in CUDNN_DROPS_BELOW if oldest is not None and oldest < lowest]
    return (f"cudnn<{min(gone, key=key)}",) if gone else ()


def python_spec(python: str) -> str:
    """The Python of an environment; a free-threaded one bears a package name of its own."""
    return f"python-freethreading={python[:-1]}" if python.endswith("t") else f"python={python}"


def _companions(option: Option) -> tuple[tuple[str, str], ...]:
    from torchsmith.managers import places

    return tuple((pin.name, pin.version) for pin in option.packages if pin.name != "torch" and pin.name in places.FAMILY)


def _wheels(option: Option, place: Place) -> tuple[str, ...]:
    """Where wheels of torch are installed already, conda would put a second copy over them."""
    if place.fresh or not place.torch or place.environment is None or place.environment.kind != "conda":
        return ()
    if place.environment.manager == "conda":
        return ()
    del option
    return ("remove pip's torch from the environment first (`python -m pip uninstall torch`): conda does not see it",)

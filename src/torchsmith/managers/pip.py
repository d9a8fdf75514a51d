"""pip: always as ``python -m pip`` of the interpreter that is meant, torch from one explicit index."""

from __future__ import annotations

from torchsmith.managers.base import name_of
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall
from torchsmith.model.versions import cuda_of_label, local_label, major

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.choice import Option, Place, Steps
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """A build with its local label replaces any other; without one pip takes ``2.8.0+cpu`` for it, so that goes first."""
    pip = (interpreter.executable, "-m", "pip")
    if isinstance(action, InstallTorch):
        wanted = torch_requirements(action)
        if action.index:
            return ((*pip, "install", *wanted, "--index-url", action.index),)
        return ((*pip, "uninstall", "-y", *map(name_of, wanted)), (*pip, "install", *wanted))
    if isinstance(action, Install):
        again = ("--force-reinstall", "--no-deps") if action.reinstall else ()
        index = ("--index-url", action.index) if action.index else ()
        return ((*pip, "install", *again, *action.requirements, *index),)
    if isinstance(action, Uninstall):
        return ((*pip, "uninstall", "-y", *action.packages),)
    return ()


def torch_requirements(action: InstallTorch) -> tuple[str, ...]:
    """Torch with its local label, so that no other build of it will do, and its companions."""
    local = f"+{action.build}" if action.index else ""
    return (f"torch=={action.torch}{local}", *(f"{name}=={version}{local}" for name, version in action.companions))


def steps(option: Option, place: Place) -> Steps:
    """In the environment that is there, or in a new one; what comes from the default index in a command of its own.

    That command names torch again: then pip fails rather than replace it.
    """
    from torchsmith.managers import places
    from torchsmith.model.choice import Steps

    option = places.remaining(option, place)
    made = (*_pip_itself(option, place), *_torch(option, place))
    rest = places.others(option)
    if rest:
        made = (*made, (*_pip(place), "install", *rest, *places.wanted(option, place)[:1]))
    made = (*made, *places.building(option, *_pip(place), "install"))
    if places.manager_of(place) == "pipx":
        from torchsmith.managers import pipx

        made = tuple(pipx.through(command, places.interpreter(place)) for command in made)
    return Steps(places.changes(option, place), made, notes=(*places.why_new(option, place), *_left_behind(option, place)))


def _pip(place: Place) -> tuple[str, ...]:
    from torchsmith.managers import places

    return (places.executable(place), "-m", "pip")


def _pip_itself(option: Option, place: Place) -> Commands:
    """The environment, or pip in one that has none: uv makes such."""
    from torchsmith.managers import places

    if place.fresh:
        return places.new_environment(option, place)
    return ((places.executable(place), "-m", "ensurepip"),) if places.manager_of(place) == "uv" else ()


def _torch(option: Option, place: Place) -> Commands:
    """Removed first where pip would take what is installed for what is asked: the same release, or a broken one."""
    from torchsmith.managers import places

    wanted = places.wanted(option, place)
    if len(wanted) == 1 and places.stays(option, place):
        return ()
    install = (*_pip(place), "install", *wanted, *(("--index-url", option.index) if option.index else ()))
    doubted = tuple(map(name_of, wanted)) if places.doubtful(option, place) else places.stale(option, place)
    return (*(((*_pip(place), "uninstall", "-y", *doubted),) if doubted else ()), install)


def _left_behind(option: Option, place: Place) -> tuple[str, ...]:
    have = cuda_of_label(local_label(place.torch or ""))
    if (
        place.fresh
        or place.os != "linux"
        or have is None
        or option.candidate.cuda is None
        or major(have) == major(option.candidate.cuda)
    ):
        return ()
    return (
        f"pip leaves the CUDA {major(have)} wheels of the present build (nvidia-*-cu{major(have)}): nothing loads them any more",
    )

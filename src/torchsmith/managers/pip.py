"""pip: always as ``python -m pip`` of the interpreter that is meant, torch from one explicit index."""

from __future__ import annotations

from torchsmith.managers.base import name_of
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall
from torchsmith.model.choice import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.choice import Option, Place
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
    """In the environment that is there, or in a new one beside the project."""
    from torchsmith.managers import approaches
    from torchsmith.model.facts.python import Interpreter
    from torchsmith.model.record import replace

    base = place.interpreter or Interpreter("python", option.candidate.python, "", "", 64, "", "", "venv", (), ())
    companions = tuple((pin.name, pin.version) for pin in option.packages if pin.name != "torch")
    action = InstallTorch(option.candidate.torch, option.candidate.build, option.index, companions)
    create = ((base.executable, "-m", "venv", ".venv"),) if place.fresh else ()
    return Steps((action,), (*create, *commands(action, replace(base, executable=approaches.interpreter(place)))))

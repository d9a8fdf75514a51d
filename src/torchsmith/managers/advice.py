"""A remedy for one environment: its actions as commands of the manager there, or the reason why there are none."""

from __future__ import annotations

from torchsmith.managers.base import CannotDo, by_hand, commands
from torchsmith.model.action import Install, InstallTorch, Uninstall
from torchsmith.model.finding import Remedy, Safety
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.action import Action
    from torchsmith.model.facts.python import Environment, Interpreter

_CHANGES = (InstallTorch, Install, Uninstall)


def adapted(remedy: Remedy, environment: Environment, interpreter: Interpreter, windows: bool) -> Remedy:
    """The remedy with commands. One that would change what must not be changed is shown for a new environment instead."""
    changes = any(isinstance(action, _CHANGES) for action in remedy.actions)
    made: list[tuple[str, ...]] = []
    actions: tuple[Action, ...] = remedy.actions
    why, safety = remedy.why, remedy.safety
    if changes and not environment.changeable and environment.kind != "nix":
        made.append(_create(environment, interpreter, windows))
        interpreter = _created(environment, interpreter, windows)
        why = "; ".join(part for part in (why, f"in a new environment, for {environment.why_not}") if part)
        safety = Safety.DISPLAY_ONLY
        actions = tuple(action for action in remedy.actions if not isinstance(action, Uninstall))
    try:
        for action in actions:
            given = commands(action, environment, interpreter, windows)
            made += [command for command in given if safety is not Safety.DISPLAY_ONLY or not _removes(command, environment)]
            if isinstance(action, _CHANGES) and (written := by_hand(action, environment)):
                why, safety = "; ".join(part for part in (why, written) if part), Safety.DISPLAY_ONLY
    except CannotDo as reason:
        made, safety = [], Safety.DISPLAY_ONLY
        why = "; ".join(part for part in (why, str(reason)) if part)
    return replace(remedy, commands=(*remedy.commands, *made), why=why, safety=safety)


def _removes(command: tuple[str, ...], environment: Environment) -> bool:
    """Whether a command only clears what a new environment does not have."""
    return not environment.changeable and len(command) > 3 and command[1:4] == ("-m", "pip", "uninstall")


def _create(environment: Environment, interpreter: Interpreter, windows: bool) -> tuple[str, ...]:
    if environment.kind == "conda":
        return ("conda", "create", "-n", "torch", f"python={'.'.join(interpreter.version.split('.')[:2])}")
    del windows
    return (interpreter.executable, "-m", "venv", ".venv")


def _created(environment: Environment, interpreter: Interpreter, windows: bool) -> Interpreter:
    if environment.kind == "conda":
        prefix = f"{interpreter.prefix}/envs/torch"
        return replace(interpreter, prefix=prefix, executable=f"{prefix}/python.exe" if windows else f"{prefix}/bin/python")
    return replace(interpreter, prefix=".venv", executable=".venv\\Scripts\\python.exe" if windows else ".venv/bin/python")

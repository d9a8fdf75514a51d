"""What a manager is: a function from a typed action and an environment to commands. Pure; nothing is run."""

from __future__ import annotations

from importlib import import_module

from torchsmith.model.action import InstallTorch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from torchsmith.model.action import Action
    from torchsmith.model.facts.python import Environment, Interpreter

    Commands = tuple[tuple[str, ...], ...]

MODULES = {
    "pip": "pip",
    "uv": "uv",
    "uv-project": "uv_project",
    "poetry": "poetry",
    "pdm": "pdm",
    "conda": "conda",
    "pixi": "pixi",
    "pipx": "pipx",
    "nix": "nix",
}


class CannotDo(Exception):  # noqa: N818 - an answer, not a fault
    """This manager has no command for the action; the message says what to do instead."""


def commands(action: Action, environment: Environment, interpreter: Interpreter, windows: bool) -> Commands:
    """The commands that carry ``action`` out in this environment; an unknown manager's environment is changed by pip.

    Raises:
        CannotDo: the environment's manager has no such command.

    """
    from torchsmith.managers import shell

    own = shell.commands(action, windows)
    if own is not None:
        return own
    made: Commands = _module(environment).commands(action, interpreter)
    return made


def by_hand(action: Action, environment: Environment) -> str:
    """What has to be written into a file besides, because the manager has no command for it; empty if nothing."""
    said: str = getattr(_module(environment), "by_hand", lambda _: "")(action)
    return said


def index_name(build: str) -> str:
    """The name under which a project keeps the index of a build."""
    return f"pytorch-{build}"


def refuse_own_triton(action: InstallTorch) -> None:
    """For managers that bind torch alone to its index.

    Raises:
        CannotDo: the build needs a triton that only its index has (ROCm, XPU).

    """
    if action.index and action.build.startswith(("rocm", "xpu")):
        raise CannotDo(f"this build needs a triton of its own: bind both to {action.index} in pyproject.toml")


def wheels_of_nvidia(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names apart: CUDA libraries as wheels, which come with torch and no project names; and all others."""
    wheels = tuple(name for name in names if name.startswith("nvidia-"))
    return wheels, tuple(name for name in names if name not in wheels)


def name_of(requirement: str) -> str:
    """``numpy`` of ``numpy<2``."""
    end = next((at for at, letter in enumerate(requirement) if letter in "<>=!~[;@ "), None)
    return requirement[:end]


def _module(environment: Environment) -> ModuleType:
    return import_module(f"torchsmith.managers.{MODULES.get(environment.manager, 'pip')}")

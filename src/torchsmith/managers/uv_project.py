"""uv in a project: dependencies are declared in pyproject.toml, torch bound to one index, and the lock follows."""

from __future__ import annotations

from torchsmith.managers import uv
from torchsmith.managers.base import index_name, name_of, refuse_own_triton, wheels_of_nvidia
from torchsmith.managers.pip import torch_requirements
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.choice import Option, Place, Steps
    from torchsmith.model.facts.python import Interpreter

# Without --inexact, packages that were installed by hand would go, and those of extras that are not named.
SYNC = ("uv", "sync", "--inexact")

INDEXES = frozenset({"UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"})
"""Variables beside which an index of the command line is one among several."""


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """``uv add --index NAME=URL`` writes the index and binds the packages of that command to it; see ``by_hand``.

    Raises:
        CannotDo: a build that needs more than torch from its index.

    """
    if isinstance(action, InstallTorch):
        refuse_own_triton(action)
        return _add(torch_requirements(action), index_name(action.build), action.index)
    if isinstance(action, Install):
        if action.reinstall:  # what the lock says, which is what torch was resolved with
            return ((*SYNC, *uv.reinstalled(action.requirements)),)
        return _add(action.requirements, "extra", action.index)
    if isinstance(action, Uninstall):
        wheels, named = wheels_of_nvidia(action.packages)
        own = (("uv", "remove", *named),) if named else ()
        return (*(uv.commands(Uninstall(wheels), interpreter) if wheels else ()), *own)
    return ()


def by_hand(action: Action) -> str:
    """No option of ``uv add`` makes an index explicit, and from one that is not uv takes all that it has."""
    if isinstance(action, InstallTorch | Install) and action.index and not getattr(action, "reinstall", False):
        return "before `uv sync`, write `explicit = true` under the new [[tool.uv.index]], or other packages move there too"
    return ""


def _add(requirements: tuple[str, ...], name: str, index: str | None) -> Commands:
    if index is None:
        return (("uv", "add", *requirements),)
    return (("uv", "add", "--frozen", "--index", f"{name}={index}", *requirements), SYNC)


def steps(option: Option, place: Place) -> Steps:
    """In the project of the current folder, or in one that is begun there.

    An index that the project does not name yet is put in by hand, for no word of `uv add` makes it explicit; so are the
    lines of a project that takes torch from several indexes by marker or extra, where `uv add` would write one over them.
    """
    from torchsmith.managers import places
    from torchsmith.model.choice import Steps

    made: Commands = _begun(option, place)
    wanted, rest = places.wanted(option, place), places.others(option)
    typed = places.actions(option, place)
    files: tuple[tuple[str, str], ...] = ()
    told: tuple[str, ...] = ()
    if option.index is None:
        made = (*made, ("uv", "add", *wanted, *rest))
    elif places.split_by_marker(place, "uv"):
        files = (("add-to-pyproject.toml", _lines(option, place, "sys_platform == '{system}'")),)
        told = places.by_marker(option, place)
        made = (*made, *((("uv", "add", "--frozen", *rest),) if rest else ()), ("uv", "lock"), SYNC)
    elif (name := places.known_name(place, "uv", option.index)) and INDEXES.isdisjoint(place.variables):
        add = ("uv", "add", "--frozen", "--index", f"{name}={option.index}", *wanted)
        made = (*made, add, *((("uv", "add", "--frozen", *rest),) if rest else ()), SYNC)
    else:
        files = (("add-to-pyproject.toml", _lines(option, place)),)
        told = (
            "before `uv add`, put the lines of add-to-pyproject.toml into pyproject.toml, in place of any older source of torch",
        )
        made = (*made, ("uv", "add", *wanted, *rest))
    if built := places.built(option):
        apart = tuple(word for each in built for word in ("--no-build-isolation-package", name_of(each)))
        made = (*made, ("uv", "pip", "install", *places.BUILD_TOOLS), ("uv", "add", *apart, *built))
        names = ", ".join(f'"{name_of(each)}"' for each in built)
        told = (*told, f"later syncs need `no-build-isolation-package = [{names}]` under [tool.uv] in pyproject.toml")
    if place.broken and places.same_release(option, place):
        made = (*made, (*SYNC, *uv.reinstalled(wanted)))
    return Steps(typed, made, files, places.notes(told))


def _begun(option: Option, place: Place) -> Commands:
    """A project, if there is none, and the Python of the option, if the project's environment has another."""
    from torchsmith.managers import places

    python = option.candidate.python
    if not places.begun(place, "uv-project", "tool.uv"):
        return (("uv", "init", "--bare", "--python", python),)
    have = places.python_of(place.interpreter)
    return (("uv", "python", "pin", python),) if have and have != python else ()


def _lines(option: Option, place: Place, marker: str = "") -> str:
    """The source of each package of torch's family, on the system of the place if a marker is wanted, and the index."""
    from torchsmith.managers import places

    name = index_name(option.candidate.build)
    told = marker.format(system={"windows": "win32", "macos": "darwin"}.get(place.os, "linux"))
    bound = f'[{{ index = "{name}", marker = "{told}" }}]' if told else f'{{ index = "{name}" }}'
    sources = "\n".join(f"{word.partition('==')[0]} = {bound}" for word in places.wanted(option, place))
    return f'[tool.uv.sources]\n{sources}\n\n[[tool.uv.index]]\nname = "{name}"\nurl = "{option.index}"\nexplicit = true\n'

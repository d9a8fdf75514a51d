"""Poetry 1.5 to 2.x: torch from an explicit source, which serves nothing else."""

from __future__ import annotations

from torchsmith.managers import pip
from torchsmith.managers.base import index_name, refuse_own_triton, wheels_of_nvidia
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.choice import Option, Place, Steps
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """The same words in Poetry 1.8 and 2.x; pip for what Poetry has no command for: Poetry puts it into its environments.

    Raises:
        CannotDo: a build that needs more than torch from its index.

    """
    if isinstance(action, InstallTorch):
        refuse_own_triton(action)
        return _add(index_name(action.build), action.index, pip.torch_requirements(action))
    if isinstance(action, Install):
        return pip.commands(action, interpreter) if action.reinstall else _add("extra", action.index, action.requirements)
    if isinstance(action, Uninstall):
        wheels, named = wheels_of_nvidia(action.packages)
        own = (("poetry", "remove", *named),) if named else ()
        return (*(pip.commands(Uninstall(wheels), interpreter) if wheels else ()), *own)
    return ()


def _add(name: str, index: str | None, requirements: tuple[str, ...]) -> Commands:
    if index is None:
        return (("poetry", "add", *requirements),)
    return (
        ("poetry", "source", "add", "--priority", "explicit", name, index),
        ("poetry", "add", "--source", name, *requirements),
    )


def steps(option: Option, place: Place) -> Steps:
    """In the project of the current folder, or in one that is begun there: Poetry 1.8 and 2.x take the same words.

    `poetry add` writes torch into project.dependencies too where there is a [project] table, without which Poetry 2 would
    ignore the source.
    """
    from torchsmith.managers import places
    from torchsmith.model.choice import Steps

    made = _begun(option, place)
    wanted, rest = places.wanted(option, place), places.others(option)
    files: tuple[tuple[str, str], ...] = ()
    told: tuple[str, ...] = (
        "`poetry sync` (Poetry 1: `poetry install --sync`) removes what an older build of torch leaves behind",
    )
    if option.index is None:
        made = (*made, ("poetry", "add", *wanted, *rest))
    elif places.split_by_marker(place, "poetry"):
        files = (("add-to-pyproject.toml", _lines(option, place)),)
        told = (
            *places.by_marker(option, place),
            "where there is a [project] table, its dependencies have to name the packages too, or Poetry 2 ignores their source",
            "Poetry 1 keeps the other versions by `poetry lock --no-update`, Poetry 2 by `poetry lock`",
        )
        made = (*made, *((("poetry", "add", *rest),) if rest else ()), ("poetry", "lock"), ("poetry", "install"))
    else:
        known = places.known_name(place, "poetry", option.index)
        made = (
            (*made, *_add(index_name(option.candidate.build), option.index, wanted))
            if not known
            else (
                *made,
                ("poetry", "add", "--source", known, *wanted),
            )
        )
        made = (*made, *((("poetry", "add", *rest),) if rest else ()))
    made = (*made, *places.building(option, "poetry", "run", "python", "-m", "pip", "install"))
    told = (*told, *places.not_in_the_lock(option, "Poetry"))
    if place.broken and places.same_release(option, place):
        again = Install(wanted, option.index, reinstall=True)
        made = (*made, *pip.commands(again, places.interpreter(place)))
    return Steps(places.actions(option, place), made, files, places.notes(told if place.torch or files else told[1:]))


def _begun(option: Option, place: Place) -> Commands:
    """A project, if there is none; an environment of the option's Python, which has to be installed, if it has another."""
    from torchsmith.managers import places

    python = option.candidate.python
    if not places.begun(place, "poetry", "tool.poetry"):
        numbers = python.removesuffix("t").split(".")
        bounds = f">={'.'.join(numbers)},<{numbers[0]}.{int(numbers[1]) + 1}"
        return (("poetry", "init", "--no-interaction", "--python", bounds), ("poetry", "env", "use", python))
    have = places.python_of(place.interpreter)
    return (("poetry", "env", "use", python),) if have and have != python else ()


def _lines(option: Option, place: Place) -> str:
    """The source, and each package of torch's family bound to it on the system of the place."""
    from torchsmith.managers import places

    name = index_name(option.candidate.build)
    system = {"windows": "win32", "macos": "darwin"}.get(place.os, "linux")
    bound = "\n".join(
        f'{word.partition("==")[0]} = [{{ version = "{word.partition("==")[2]}", source = "{name}", '
        f"markers = \"sys_platform == '{system}'\" }}]"
        for word in places.wanted(option, place)
    )
    return (
        f"[tool.poetry.dependencies]\n{bound}\n\n"
        f'[[tool.poetry.source]]\nname = "{name}"\nurl = "{option.index}"\npriority = "explicit"\n'
    )

"""PDM: it adds and removes; which source serves a package is written by hand, for which it has no command."""

from __future__ import annotations

from torchsmith.managers.base import CannotDo, index_name, name_of, refuse_own_triton, wheels_of_nvidia
from torchsmith.managers.pip import torch_requirements
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.choice import Option, Place, Steps
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """With an index, ``pdm add`` finds nothing before the source stands in pyproject.toml; see ``by_hand``.

    Raises:
        CannotDo: a build that needs more than torch from its index; a package to remove that no project names.

    """
    del interpreter
    if isinstance(action, InstallTorch):
        refuse_own_triton(action)
        return (("pdm", "add", *torch_requirements(action)),)
    if isinstance(action, Install):  # it can only install all again
        return (("pdm", "sync", "--reinstall"),) if action.reinstall else (("pdm", "add", *action.requirements),)
    if isinstance(action, Uninstall):
        if wheels_of_nvidia(action.packages)[0]:
            raise CannotDo("PDM removes what pyproject.toml names; `pdm sync --clean` removes all that pdm.lock does not list")
        return (("pdm", "remove", *action.packages),)
    return ()


def by_hand(action: Action) -> str:
    """The source and the packages that come from it; without the exclusion PDM asks it for all others as well."""
    if isinstance(action, InstallTorch):
        requirements, name = torch_requirements(action), index_name(action.build)
    elif isinstance(action, Install) and not action.reinstall:
        requirements, name = action.requirements, "extra"
    else:
        return ""
    if action.index is None:
        return ""
    names = ", ".join(f'"{name_of(requirement)}"' for requirement in requirements)
    return (
        "first write in pyproject.toml, in place of any other source for them: [[tool.pdm.source]] with "
        f'name = "{name}", url = "{action.index}", include_packages = [{names}], exclude_packages = ["*"]'
    )


def steps(option: Option, place: Place) -> Steps:
    """In the project of the current folder, or in one that is begun there; the source is written by hand."""
    from torchsmith.managers import places
    from torchsmith.model.choice import Steps

    made = _begun(option, place)
    wanted, rest = places.wanted(option, place), places.others(option)
    files: tuple[tuple[str, str], ...] = ()
    told: tuple[str, ...] = ()
    if option.index and not places.known_name(place, "pdm", option.index):
        names = ", ".join(f'"{name_of(word)}"' for word in wanted)
        lines = (
            f'[[tool.pdm.source]]\nname = "{index_name(option.candidate.build)}"\nurl = "{option.index}"\n'
            f'include_packages = [{names}]\nexclude_packages = ["*"]\n'
        )
        files = (("add-to-pyproject.toml", lines),)
        told = ("before `pdm add`, put the lines of add-to-pyproject.toml into pyproject.toml, in place of any older source",)
    made = (*made, ("pdm", "add", *wanted, *rest))
    if built := places.built(option):
        made = (*made, ("pdm", "add", *places.BUILD_TOOLS), ("pdm", "add", "--no-isolation", *built))
    if place.broken and places.same_release(option, place):
        made = (*made, ("pdm", "sync", "--reinstall"))
    return Steps(places.actions(option, place), made, files, told)


def _begun(option: Option, place: Place) -> Commands:
    """A project, if there is none, and the Python of the option, if the project's environment has another."""
    from torchsmith.managers import places

    python = option.candidate.python
    if not places.begun(place, "pdm", "tool.pdm"):
        return (("pdm", "init", "--non-interactive", "--python", python),)
    have = places.python_of(place.interpreter)
    return (("pdm", "use", python),) if have and have != python else ()

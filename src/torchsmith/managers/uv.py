"""uv's pip interface, for environments that uv made or that have no pip."""

from __future__ import annotations

from torchsmith.managers.base import name_of
from torchsmith.managers.pip import torch_requirements
from torchsmith.model.action import Action, Install, InstallTorch, Uninstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.choice import Option, Place, Steps
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """A build with its local label replaces any other; without one uv has to be told to replace what satisfies it.

    ``--default-index``, not the older ``--index-url``: UV_DEFAULT_INDEX overrides the latter.
    """
    uv = ("uv", "pip")
    python = ("--python", interpreter.executable)
    if isinstance(action, InstallTorch):
        wanted = torch_requirements(action)
        if action.index:
            return ((*uv, "install", *python, *wanted, "--default-index", action.index),)
        return ((*uv, "install", *python, *reinstalled(wanted), *wanted),)
    if isinstance(action, Install):
        again = ("--reinstall", "--no-deps") if action.reinstall else ()
        index = ("--default-index", action.index) if action.index else ()
        return ((*uv, "install", *python, *again, *action.requirements, *index),)
    if isinstance(action, Uninstall):
        return ((*uv, "uninstall", *python, *action.packages),)
    return ()


def reinstalled(requirements: tuple[str, ...]) -> tuple[str, ...]:
    """The option that makes uv install these again."""
    return tuple(word for requirement in requirements for word in ("--reinstall-package", name_of(requirement)))


def steps(option: Option, place: Place) -> Steps:
    """In the environment that is there, or in a new one, with a Python that uv fetches if need be.

    What comes from the default index has a command of its own, which names torch again so that it stays.
    """
    from torchsmith.managers import emissions, places
    from torchsmith.model.choice import Steps

    option = places.remaining(option, place)
    wanted = places.wanted(option, place)
    install = ("uv", "pip", "install", "--python", places.executable(place))
    again = reinstalled(wanted if places.doubtful(option, place) else places.stale(option, place))
    index = ("--default-index", option.index) if option.index else ()
    alone = len(wanted) == 1 and places.stays(option, place)
    made: Commands = () if alone else ((*install, *again, *wanted, *index),)
    if place.fresh:
        made = (("uv", "venv", "--python", option.candidate.python, places.folder(place)), *made)
    rest = places.others(option)
    if rest:
        made = (*made, (*install, *rest, *wanted[:1]))
    made = (*made, *places.building(option, *install))
    told = places.notes(places.why_new(option, place), emissions.torch_backend(option, place), emissions.variant(option, place))
    return Steps(places.changes(option, place), made, notes=told)

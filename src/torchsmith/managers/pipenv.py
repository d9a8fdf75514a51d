"""Pipenv: torch from a source of its own in Pipfile, everything else from the default one."""

from __future__ import annotations

from torchsmith.managers import places
from torchsmith.model.choice import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Option, Place


def steps(option: Option, place: Place) -> Steps:
    """``--index`` writes the source into Pipfile and binds the packages of that command to it."""
    wanted, rest = places.wanted(option, place), places.others(option)
    begun = place.project is not None and (place.project.manager == "pipenv" or bool(place.project.of("pipenv")))
    python = () if begun and not place.fresh else ("--python", option.candidate.python)
    index = ("--index", option.index) if option.index else ()
    made: tuple[tuple[str, ...], ...] = (("pipenv", *python, "install", *index, *wanted),)
    if rest:
        made = (*made, ("pipenv", "install", *rest))
    made = (*made, *places.building(option, "pipenv", "run", "python", "-m", "pip", "install"))
    return Steps(places.actions(option, place), made, notes=places.not_in_the_lock(option, "Pipenv"))

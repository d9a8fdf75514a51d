"""pip-tools: requirements in a file of their own, compiled to exact versions, installed by pip."""

from __future__ import annotations

from torchsmith.managers import places
from torchsmith.model.choice import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Option, Place

ASKED, LOCKED = "requirements-torch.in", "requirements-torch.txt"


def steps(option: Option, place: Place) -> Steps:
    """The index stands in the file beside the default one: the label pins which of the two serves torch."""
    python = places.executable(place)
    extra = (f"--extra-index-url {option.index}",) if option.index else ()
    asked = "\n".join((*extra, *places.wanted(option, place), *places.others(option))) + "\n"
    made = (
        *(places.new_environment(option, place) if place.fresh else ()),
        *(((python, "-m", "ensurepip"),) if places.manager_of(place) == "uv" else ()),
        (python, "-m", "pip", "install", "pip-tools"),
        (python, "-m", "piptools", "compile", "--output-file", LOCKED, ASKED),
        *(((python, "-m", "pip", "uninstall", "-y", "torch"),) if places.doubtful(option, place) else ()),
        (python, "-m", "pip", "install", "-r", LOCKED),
        *places.building(option, python, "-m", "pip", "install"),
    )
    told = (f"a project that has a requirements.in of its own names `-r {ASKED}` there",)
    return Steps(places.actions(option, place), made, ((ASKED, asked),), (*places.why_new(option, place), *told))

"""pip-tools: torch in a file of its own, compiled to exact versions from its index alone, installed by pip before all else."""

from __future__ import annotations

from torchsmith.managers import places
from torchsmith.model.choice import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Option, Place

ASKED, LOCKED = "requirements-torch.in", "requirements-torch.txt"


def steps(option: Option, place: Place) -> Steps:
    """The index stands in the file of torch, so no other is asked for it; what comes from the default one follows."""
    python = places.executable(place)
    pip, wanted, rest = (python, "-m", "pip"), places.wanted(option, place), places.others(option)
    made = (
        *(places.new_environment(option, place) if place.fresh else ()),
        *(((python, "-m", "ensurepip"),) if places.manager_of(place) == "uv" else ()),
        (*pip, "install", "pip-tools"),
        (python, "-m", "piptools", "compile", "--output-file", LOCKED, ASKED),
        *(((*pip, "uninstall", "-y", "torch"),) if places.doubtful(option, place) else ()),
        (*pip, "install", "-r", LOCKED),
        *(((*pip, "install", *rest, *wanted[:1]),) if rest else ()),
        *places.building(option, *pip, "install"),
    )
    return Steps(
        places.actions(option, place),
        made,
        ((ASKED, asked(option, place)),),
        (*places.why_new(option, place), *_own(option, place)),
    )


def asked(option: Option, place: Place) -> str:
    """The requirements of torch and what belongs to it; never beside a second index, which could serve anything."""
    index = (f"--index-url {option.index}",) if option.index else ()
    return "\n".join((*index, *places.wanted(option, place))) + "\n"


def pages(option: Option, place: Place) -> tuple[str, ...]:
    """The pages of these packages alone, by which a project's own requirements find what the first file has installed."""
    if not option.index:
        return ()
    return tuple(f"--find-links {option.index.rstrip('/')}/{word.partition('==')[0]}/" for word in places.wanted(option, place))


def _own(option: Option, place: Place) -> tuple[str, ...]:
    lines = ", ".join((*pages(option, place), *places.wanted(option, place)))
    return (f"a requirements.in of the project's own takes torch by these lines: {lines}",)

"""What changes of projects share: the environment of the project, its pins, and how a file that cannot be edited is refused."""

from __future__ import annotations

from contextlib import contextmanager

from torchsmith.managers import places, transactions
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits.base import EditError, normalised
from torchsmith.model.pattern import pattern
from torchsmith.model.record import replace
from torchsmith.model.transaction import Environment, Expected, Shown, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.model.choice import Option, Place

_FOREIGN = pattern(r"[^a-z0-9]+")


@contextmanager
def of_file(name: str) -> Iterator[None]:
    """What cannot be edited is refused by the name of its file.

    Raises:
        CannotDo: with the line and column, where there is one.

    """
    try:
        yield
    except EditError as error:
        raise CannotDo(f"{name}: {error}") from None


def environment(option: Option, place: Place, root: str) -> Environment:
    """The environment that is there, else one that is made in the project's folder by the Python of the option.

    Raises:
        CannotDo: it must not be changed.

    """
    if not place.fresh:
        return transactions.environment(place)
    have = place.interpreter.prefix.replace("\\", "/").rstrip("/") if place.interpreter is not None else ""
    name = places.folder(place) if have == f"{root}/.venv" else ".venv"  # one that does not fit may bear that name here
    prefix = rf"{root}\{name}" if place.os == "windows" else f"{root}/{name}"
    ((*words, _),) = places.new_environment(option, place)
    return transactions.environment(place, prefix, (*words, prefix))


def pins(option: Option, place: Place) -> tuple[str, ...]:
    """All that the project has to name: torch and what comes from its index, then the others; none that is compiled."""
    return (*places.wanted(option, place), *places.others(option))


def at_index(option: Option, place: Place) -> tuple[str, ...]:
    """The names that the option's index serves; a ROCm or XPU build has a triton of its own there."""
    names = tuple(word.partition("==")[0] for word in places.wanted(option, place))
    return (*names, *triton(option))


def triton(option: Option) -> tuple[str, ...]:
    """The triton of a build that PyPI's does not fit, by both names that PyTorch has given it."""
    kind = option.candidate.kind
    return (f"pytorch-triton-{kind}", f"triton-{kind}") if option.index and kind in {"rocm", "xpu"} else ()


def installed(option: Option, place: Place) -> bool:
    """Whether the environment has all of it."""
    return places.nothing_to_do(option, place)


def updates(place: Place) -> bool:
    """Whether everything but torch is to be brought up to date."""
    return place.goal == transactions.UPDATE_OTHERS


def held(place: Place) -> tuple[str, ...]:
    """Torch and what belongs to it as they are installed, which stay while all else is brought up to date.

    Raises:
        CannotDo: there is none.

    """
    versions = {name: place.packages.version(name) for name in sorted(places.FAMILY)} if place.packages is not None else {}
    if not versions.get("torch"):
        raise CannotDo("torch is not installed here: there is nothing to hold while the rest is updated")
    return tuple(f"{name}=={version}" for name, version in versions.items() if version)


def others(name: str, place: Place, environment: Environment) -> Transaction:
    """The transaction of such an update, but for what is done."""
    pins = tuple((word.partition("==")[0], word.partition("==")[2]) for word in held(place))
    torch = place.torch or dict(pins)["torch"]
    title = f"everything but torch brought up to date by {name}"
    return Transaction(title, environment, expected=Expected(torch, pins, gpu=bool(place.sms) and not torch.endswith("+cpu")))


def compiled(option: Option, words: tuple[str, ...]) -> tuple[Shown, ...]:
    """What is built against torch comes when that is there, by hand: ``words`` install it."""
    built = places.built(option)
    return (Shown((*words, *built), "it is compiled against torch, so it comes after it"),) if built else ()


def expected(option: Option, place: Place) -> Expected:
    """What has to be there afterwards, without what is compiled by hand then."""
    made = transactions.expected(option, place)
    later = {word.partition("==")[0] for word in places.built(option)}
    return replace(made, packages=tuple(each for each in made.packages if each[0] not in later))


def name_of(root: str) -> str:
    """A name for a project that is begun in this folder."""
    return normalised(_FOREIGN.sub("-", root.replace("\\", "/").rpartition("/")[2].lower()).strip("-")) or "project"

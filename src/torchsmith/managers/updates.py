"""Everything but torch brought up to date, and what is carried over into an environment that is made anew."""

from __future__ import annotations

from torchsmith.knowledge import third_party, torch_releases
from torchsmith.managers import metadata, places, transactions
from torchsmith.managers.base import CannotDo
from torchsmith.model.transaction import Expected, Run, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torchsmith.managers.environment_change import Installer
    from torchsmith.model.choice import Option, Place
    from torchsmith.model.facts.python import Package
    from torchsmith.model.transaction import Environment

    Files = Mapping[str, str]

_TOOLS = frozenset({"pip", "setuptools", "wheel", "uv", "distribute"})
_HELD = ("nvidia-", "cuda-", "triton", "pytorch-triton", "torch-")


def wanted(place: Place) -> tuple[str, ...]:
    """Who asked for each package, and whether it came from an address of its own."""
    return metadata.paths(place, "direct_url.json", "REQUESTED")


def change(option: Option, place: Place, files: Files, installer: Installer, environment: Environment) -> Transaction:
    """Torch, what belongs to it and the CUDA wheels stay exactly; all else becomes the newest that they allow.

    Raises:
        CannotDo: there is no torch to be held.

    """
    here = metadata.here(place)
    held = tuple(package for package in here if _is_held(package, files))
    if all(package.name != "torch" for package in held):
        raise CannotDo("torch is not installed here: there is nothing to hold while the rest is updated")
    fixed = tuple(f"{package.name}=={package.version}" for package in held if not _own_address(package, files))
    names = tuple(package.name for package in here if package not in held and package.name not in _TOOLS)
    if not names:
        return Transaction(_title(place))
    words = tuple(name + _limit(name, place) for name in names)
    runs = (Run(_command(installer, names, words, fixed), "update everything but torch", variables=installer.settings),)
    kept = tuple(package.name for package in held if _own_address(package, files))
    told = (installer.note, f"left as they are, being from an address of their own: {', '.join(kept)}" if kept else "")
    packages = tuple((package.name, package.version) for package in held if package.name in places.FAMILY)
    torch = next(package.version for package in held if package.name == "torch")
    expected = Expected(place.torch or torch, packages, gpu=option.candidate.kind != "cpu" and bool(place.sms))
    return Transaction(_title(place), environment, runs=runs, expected=expected, notes=transactions.notes(told), indexes=())


def carried_over(option: Option, place: Place, files: Files, installer: Installer) -> Iterator[Run]:
    """What was asked for in the environment that gives way, at its version, beside what is installed already."""
    named = {pin.name for pin in option.packages}
    here = [package for package in metadata.here(place) if package.name not in named and not _is_held(package, files)]
    asked = [package for package in here if f"{package.metadata}/REQUESTED" in files and package.name not in _TOOLS]
    free = _asked_of(option)
    words = tuple(package.name if package.name in free else f"{package.name}=={package.version}" for package in asked)
    if words:
        held = (*places.wanted(option, place), *places.others(option))
        yield Run(installer.install(*words, *held), "install what was asked for in the present one", variables=installer.settings)


def _asked_of(option: Option) -> frozenset[str]:
    """What the packages of the option ask for themselves: its version is theirs to say, not that of the old environment."""
    rows = (third_party.requirement(pin.name, pin.version) for pin in option.packages)
    return frozenset(name for row in rows if row is not None for name, _ in row.needed(option.candidate.python))


def not_carried(place: Place, files: Files) -> tuple[str, ...]:
    """What has to be installed again by hand, because it came from an address of its own."""
    own = [package.name for package in metadata.here(place) if _own_address(package, files)]
    return (f"not carried over, being from an address of their own: {', '.join(own)}",) if own else ()


def _command(installer: Installer, names: tuple[str, ...], words: tuple[str, ...], fixed: tuple[str, ...]) -> tuple[str, ...]:
    """Which to upgrade is told to uv, so that the others stay whatever an index has; pip asks only for what is named."""
    if installer.name == "uv":
        return installer.install(*(word for name in names for word in ("--upgrade-package", name)), *words, *fixed)
    return installer.install("--upgrade", "--upgrade-strategy", "only-if-needed", *words, *fixed)


def _is_held(package: Package, files: Files) -> bool:
    if package.name in places.FAMILY or package.name.startswith(_HELD) or _own_address(package, files):
        return True
    row = third_party.requirement(package.name, package.version)
    return row is not None and row.kind == "build"


def _own_address(package: Package, files: Files) -> bool:
    """Whether it came from a folder, a repository or a file: the package of that name on an index is another one."""
    return f"{package.metadata}/direct_url.json" in files


def _limit(name: str, place: Place) -> str:
    """What this torch works with, where its metadata does not say it: one that was built against NumPy 1 fails with 2."""
    if name != "numpy" or not place.torch:
        return ""
    tag = place.interpreter.tag if place.interpreter is not None else None
    return "<2" if torch_releases.numpy_abi(place.torch, windows=place.os == "windows", python_tag=tag) == 1 else ""


def _title(place: Place) -> str:
    return f"everything but torch {place.torch or ''}".rstrip() + " brought up to date"

"""The requirements file of a project that pip manages: what a new environment is filled from, beside torch."""

from __future__ import annotations

from torchsmith.managers import places, transactions
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits import requirements
from torchsmith.model import pep440
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torchsmith.model.choice import Option, Place

    Files = Mapping[str, str]

_FIRST = ("requirements.txt", "requirements.in", "requirements/base.txt", "requirements/main.txt", "requirements/prod.txt")


@record
class Listed:
    """The words that make an installer read the file, why, what is said of it, and the files that it comes from."""

    words: tuple[str, ...] = ()
    why: str = ""
    notes: tuple[str, ...] = ()
    read: tuple[str, ...] = ()


def wanted(place: Place, files: Files) -> tuple[str, ...]:
    """The requirements files of the project."""
    del files
    folder = transactions.here(place)
    return tuple(f"{folder}/{name}" for name in _names(place)) if folder else ()


def of(option: Option, place: Place, files: Files) -> Listed:
    """What is filled in.

    Raises:
        CannotDo: the file asks for another torch than the one that is installed.

    """
    folder, names = transactions.here(place), _names(place)
    main = next((name for name in _FIRST if name in names), names[0] if len(names) == 1 else "")
    if not main or f"{folder}/{main}" not in files:
        beside = place.project is not None and place.project.manager == "pip" and "pyproject.toml" in place.project.files
        told = "the project itself is not installed: `python -m pip install -e .` in its folder does that"
        return Listed(notes=(told,) if beside else ())
    for said in (*_against(option, place, main), *_folders(main, files.get(f"{folder}/{main}", ""))):
        raise CannotDo(said)
    separator = "\\" if place.os == "windows" else "/"
    told = f"filled from {main}; torch is held as it was installed"
    return Listed(("-r", f"{folder}{separator}{main}"), f"install what {main} asks for", (told,), wanted(place, files))


def _names(place: Place) -> tuple[str, ...]:
    project = place.project
    if project is None or project.manager not in {"pip", "pip-tools", ""}:
        return ()
    return tuple(name for name in project.files if name.startswith(("requirements", "constraints")))


def _folders(main: str, text: str) -> Iterator[str]:
    """Lines that install a folder: what is built there would name the copy that the installer works in."""
    for entry in requirements.entries(text):
        words = entry.words.strip()
        if words.startswith(("-e", "--editable", "./", "../", ".\\", "file:")) or words == ".":
            yield (
                f"`{main}`, line {entry.first + 1}, installs a folder (`{words[:80]}`): take the line out, and install that "
                "afterwards with the new environment's pip"
            )


def _against(option: Option, place: Place, main: str) -> Iterator[str]:
    """Lines of the file, or of what it includes, that this torch and its companions are not."""
    held = {name: version for name, _, version in (word.partition("==") for word in places.wanted(option, place))}
    for asked in place.project.dependencies if place.project is not None else ():
        version = held.get(asked.package)
        if version is None or asked.where not in {"requirements", "constraints"} or asked.marker:
            continue
        if asked.specifier.startswith("@") or not pep440.allows(asked.specifier, version):
            wish = f"{asked.package}{asked.specifier}"
            yield (
                f"`{asked.file or main}` asks for {wish}, which {asked.package} {version} is not: change that line, "
                f"or ask for a torch that it allows (`--torch`)"
            )

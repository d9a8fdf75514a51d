"""What the packages of an environment ask of each other, from the METADATA files that were read of them."""

from __future__ import annotations

import re

from torchsmith.managers.base import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchsmith.model.choice import Place
    from torchsmith.model.facts.python import Package

    Files = Mapping[str, str]


def here(place: Place) -> tuple[Package, ...]:
    """The packages of the environment itself, one of each name: what a venv sees of the system's is not its own."""
    found: dict[str, Package] = {}
    prefix = _plain(place.interpreter.prefix) if place.interpreter is not None else ""
    for package in place.packages.installed if place.packages is not None else ():
        if package.metadata.endswith(".dist-info") and (not prefix or _plain(package.folder).startswith(f"{prefix}/")):
            found.setdefault(package.name, package)
    return tuple(found.values())


def paths(place: Place, *names: str) -> tuple[str, ...]:
    """The files of these names in every package's record."""
    return tuple(f"{package.metadata}/{name}" for package in here(place) for name in names)


def needs(package: Package, files: Files) -> tuple[str, ...]:
    """The names that a package requires, under whatever marker or extra; none where its METADATA was not read."""
    found = []
    for line in files.get(f"{package.metadata}/METADATA", "").splitlines():
        if not line.strip():  # what follows is its description
            break
        key, _, value = line.partition(":")
        if key.strip().lower() == "requires-dist" and (name := name_of(value.strip())):
            found.append(normal(name))
    return tuple(dict.fromkeys(found))


def normal(name: str) -> str:
    """A name in the one spelling that names are compared by."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _plain(path: str) -> str:
    return path.replace("\\", "/").rstrip("/")

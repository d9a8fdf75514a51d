"""What the packages of an environment declare of each other and is not so: ``pip check``, read without running anything.

What is declared and what works are two things: an author's upper or lower bound may be no more than what he had tried. So a
clash is no fault by itself; whether the package still imports beside what is there is asked of the package.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

from torchsmith.model import markers, pep440
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.project import Clash
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchsmith.act.records import Distribution

_REQUIRES = pattern(r"^([A-Za-z0-9][A-Za-z0-9._-]{0,120})\s*(?:\[[^\]]{0,200}\])?\s*\(?([^;()@]{0,300})\)?\s*(?:;(.*))?$")
_LIMIT = 1 << 20


def clashes(distributions: Sequence[Distribution]) -> tuple[Clash, ...]:
    """Requirements of installed packages that another installed one does not meet. What is missing altogether is no clash."""
    have = {each.name: each.version for each in distributions}
    return tuple(found for each in distributions for found in _of(each, have))


def told(clash: Clash) -> str:
    """``whisperx 3.4.2 declares torch>=2.5.1, and 2.2.0+cu118 is here``."""
    return f"{clash.package} {clash.version} declares {clash.name}{clash.requires}, and {clash.have} is here"


def _of(distribution: Distribution, have: dict[str, str]) -> Iterator[Clash]:
    values = _values(distribution.folder)
    for line in _head(distribution.folder):
        key, _, asked = line.partition(":")
        if key.strip().lower() != "requires-dist" or not (found := _REQUIRES.match(asked.strip())):
            continue
        name, specifier = re.sub(r"[-_.]+", "-", found[1]).lower(), re.sub(r"\s+", "", found[2])
        version = have.get(name)
        if not version or not specifier or markers.holds(found[3] or "", values) is not True:
            continue
        if not pep440.allows(specifier, version):
            yield Clash(distribution.name, distribution.version, specifier, name, version)


def _values(folder: str) -> dict[str, str]:
    """What markers ask, for the Python whose packages lie in this folder. No extra is asked for."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    arch = "aarch64" if platform.machine().lower() in {"aarch64", "arm64"} else "x86_64"
    found = re.search(r"python(3\.\d+)", os.path.dirname(folder))
    return markers.environment(Machine(system, arch), found[1] if found else "") | {"extra": ""}


def _head(folder: str) -> list[str]:
    """The lines of METADATA before the description."""
    try:
        with (Path(folder) / "METADATA").open("rb") as file:
            return file.read(_LIMIT).decode("utf-8", "replace").partition("\n\n")[0].splitlines()
    except OSError:
        return []

"""Captured machines: raw evidence of real ones, and what torchsmith must say of each. ``README.md`` tells how to add one."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
ORIGINS: Final = ("captured", "quoted", "synthetic")


@dataclass(frozen=True, slots=True)
class Machine:
    """One folder: ``machine.toml`` and its evidence, a ``bundle.json`` or the pasted ``evidence.txt``."""

    name: str
    title: str
    origin: str
    source: str
    verdict: str
    root_cause: str
    also: tuple[str, ...]
    never: tuple[str, ...]

    @property
    def evidence(self) -> Path:
        """What ``--from`` is given."""
        bundle = FOLDER / self.name / "bundle.json"
        return bundle if bundle.exists() else FOLDER / self.name / "evidence.txt"


def machines() -> list[Machine]:
    """All of them, by name."""
    return [_read(path) for path in sorted(FOLDER.glob("*/machine.toml"))]


def counts() -> Counter[str]:
    """How many there are of each origin."""
    return Counter(machine.origin for machine in machines())


def _read(path: Path) -> Machine:
    document = tomllib.loads(path.read_text("utf-8"))
    expected = document["expected"]
    return Machine(
        path.parent.name,
        document["title"],
        document["origin"],
        document.get("source", ""),
        expected["verdict"],
        expected["root_cause"],
        tuple(expected.get("also", ())),
        tuple(expected.get("not", ())),
    )

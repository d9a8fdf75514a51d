"""What a format found on one line of a pasted text."""

from __future__ import annotations

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


OVERLAP = 1024
"""A long line is read in pieces; each begins with the last characters of the one before, for what stands across the cut."""


@record
class Line:
    """One line of the text, cleaned and bounded, or a piece of a longer one that begins after ``start`` characters of it.

    ``number`` counts from 1. ``said`` is the line before Windows' messages in it were made English; empty where none was.
    ``dropped`` is how many characters of the pasted line stand before ``text``.
    """

    number: int
    text: str
    start: int = 0
    said: str = ""
    dropped: int = 0


def pieces(length: int, limit: int) -> range:
    """Where the pieces of a line of this length begin, none of them longer than ``limit``."""
    return range(0, max(1, length - OVERLAP), limit - OVERLAP)


@record
class Clue:
    """``about`` names what ``value`` says (``torch-version``, ``gpu``, ``driver`` ...); ``form`` names the format."""

    about: str
    value: Any
    form: str
    line: int

    @property
    def source(self) -> str:
        """How a fact made of it names where it was read."""
        return f"{self.form}, line {self.line}"


class Clues:
    """All clues of a text, in the order of the formats, then of the lines: the first of a kind is the one to believe."""

    def __init__(self, clues: tuple[Clue, ...]) -> None:
        self.all = clues

    def of(self, *about: str) -> Iterator[Clue]:
        """Those about any of these."""
        return (clue for clue in self.all if clue.about in about)

    def first(self, *about: str) -> Clue | None:
        """The first about any of these."""
        return next(self.of(*about), None)

    def value(self, about: str) -> Any:
        """The value of the first about this; None if there is none."""
        found = self.first(about)
        return found.value if found else None

"""Whom a run tells how far it is."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Watch(Protocol):
        """Told while a run is under way; what a program said is anybody's text."""

        def phase(self, name: str) -> None:
            """A new part of the work begins: ``clone the environment``, ``install torch 2.9.0+cu129 ...``."""

        def advance(self, done: int, total: int | None, unit: str) -> None:
            """How much of the part is done: ``unit`` is files, bytes or steps."""

        def said(self, line: str) -> None:
            """A line that a program printed."""


class Silent:
    """Nobody watches."""

    def phase(self, name: str) -> None:
        """See ``Watch``."""

    def advance(self, done: int, total: int | None, unit: str) -> None:
        """See ``Watch``."""

    def said(self, line: str) -> None:
        """See ``Watch``."""

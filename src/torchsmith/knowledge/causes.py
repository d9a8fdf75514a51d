"""The root causes that torchsmith tells apart."""

from __future__ import annotations

from typing import NamedTuple

from torchsmith.knowledge.compiled.causes import ROWS


class Cause(NamedTuple):
    """A root cause; ``tellable_by`` is "text" (a report is enough), "either" (a look at the machine helps) or "machine"."""

    slug: str
    group: str
    meaning: str
    tellable_by: str


def get(slug: str) -> Cause | None:
    """The cause of a slug."""
    return next((Cause(*row) for row in ROWS if row[0] == slug), None)


def slugs() -> tuple[str, ...]:
    """All slugs."""
    return tuple(row[0] for row in ROWS)

"""The signatures: what error texts look like. Their entries are in data/signatures/, by family."""

from __future__ import annotations

from torchsmith.knowledge.compiled.signatures import ROWS
from torchsmith.model.signature import Point, Signature


def every() -> tuple[Signature, ...]:
    """All signatures, in the order of their files."""
    return tuple(Signature(*row[:5], tuple(Point(*point) for point in row[5]), *row[6:]) for row in ROWS)

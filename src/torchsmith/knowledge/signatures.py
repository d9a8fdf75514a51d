"""The signatures: what error texts look like. Their entries are in data/signatures/, by family."""

from __future__ import annotations

from functools import cache

from torchsmith.knowledge.compiled.signatures import ROWS
from torchsmith.model.signature import Point, Signature


@cache
def every() -> tuple[Signature, ...]:
    """All signatures, in the order of their files."""
    return tuple(
        Signature(name, role, says, pattern, literals, tuple(Point(*point) for point in points), over, needs)
        for name, role, says, pattern, literals, points, over, needs in ROWS
    )

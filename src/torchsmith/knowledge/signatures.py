"""What error texts look like, and what they point at. The entries are in data/signatures/, by family.

Roles:
    fatal: the error that ended the program, the build or the installation
    warning: printed, and the program went on; a fatal line of another cause comes first
    aftermath: follows from something else in any case (``ninja: build stopped``)
    context: no complaint; tells where the text comes from (a container, a Jetson, a notebook)
"""

from __future__ import annotations

from typing import NamedTuple

from torchsmith.knowledge.compiled.signatures import ROWS


class Point(NamedTuple):
    """A cause that a signature points at.

    ``sure``: the share of such texts in which it is the cause. It counts only where all of ``beside`` and none of ``without``
    holds: ids of other signatures in the same text, or ``os:linux``, ``package:vllm``, ``fact:gpus``.
    """

    cause: str
    sure: float
    beside: tuple[str, ...]
    without: tuple[str, ...]


class Signature(NamedTuple):
    """A recognised error text. A line without any of ``literals`` (lower case) cannot match ``pattern``."""

    id: str
    role: str
    says: str
    pattern: str
    literals: tuple[str, ...]
    points: tuple[Point, ...]
    over: tuple[str, ...]


def every() -> tuple[Signature, ...]:
    """All signatures, in the order of their files."""
    return tuple(Signature(*row[:5], tuple(Point(*point) for point in row[5]), row[6]) for row in ROWS)

"""What an error text looks like, and what it points at.

Roles of a signature:
    fatal: the error that ended the program, the build or the installation
    warning: printed, and the program went on; a fatal line of another cause comes first
    aftermath: follows from something else in any case (``ninja: build stopped``)
    context: no complaint; tells where the text comes from (a container, a Jetson, a notebook)
"""

from __future__ import annotations

from typing import Any, NamedTuple

Needs = str | tuple[Any, ...]


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
    """A recognised error text.

    A line cannot match ``pattern`` without one of ``literals``; ``needs`` is all that is known of it: a text, or ``("&", ...)``
    and ``("|", ...)`` over such. All are in lower case.
    """

    id: str
    role: str
    says: str
    pattern: str
    literals: tuple[str, ...]
    points: tuple[Point, ...]
    over: tuple[str, ...]
    needs: Needs

    def may_match(self, lowered: str) -> bool:
        """Whether a text in lower case holds what every match must: cheaper to ask than the pattern."""
        return _holds(self.needs, lowered)


def _holds(needs: Needs, lowered: str) -> bool:
    if isinstance(needs, str):
        return needs in lowered
    parts = (_holds(part, lowered) for part in needs[1:])
    return any(parts) if needs[0] == "|" else all(parts)

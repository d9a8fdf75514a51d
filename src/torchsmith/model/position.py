"""Where in a text something stands."""

from __future__ import annotations

from torchsmith.model.record import record


@record
class Position:
    """A place in a pasted text: both count from 1."""

    line: int
    column: int

"""What is seen of a pasted text as a whole."""

from __future__ import annotations

from torchsmith.model.record import record


@record
class ErrorLines:
    """The first lines that look like an error, whether a signature knows them or not."""

    lines: tuple[str, ...]

"""Where in a file something was read."""

from __future__ import annotations

from torchsmith.model.record import record


@record
class Place:
    """Where in the file a fact was read: the section's name ("" for a header), offset and size in bytes."""

    section: str
    offset: int
    size: int

"""What installers print, read: how far they are, and what stopped them. Pure; every line is anybody's text."""

from __future__ import annotations

from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

"""Text from outside is data: nothing of it may move a cursor, set a colour or reorder a line."""

from __future__ import annotations

import re

# C0 without tab and newline, DEL, C1, and the marks that reorder or hide text (bidi controls, zero width, BOM).
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")


def safe(text: object) -> str:
    """``text`` on one line, with every control character spelled out."""
    shown = _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 256 else f"\\u{ord(found[0]):04x}", str(text))
    return shown.replace("\t", " ").replace("\n", " ")

"""Text from outside is data: nothing of it may move a cursor, set a colour or reorder a line."""

from __future__ import annotations


def safe(text: object) -> str:
    """``text`` on one line, with everything that is not printable spelled out.

    Control characters, marks that reorder or hide text, and lone surrogates are none of them printable (Unicode's Cc, Cf, Cs, Zl,
    Zp), so the common case is one test.
    """
    shown = str(text).replace("\t", " ").replace("\r\n", " ").replace("\n", " ")
    return shown if shown.isprintable() else "".join(c if c.isprintable() else _spelled(ord(c)) for c in shown)


def _spelled(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

"""Text from outside is data: nothing of it may move a cursor, set a colour, reorder a line, or command a CI runner."""

from __future__ import annotations

from torchsmith.model.pattern import pattern

# A runner obeys `::command::` at the start of a line, which a word of wrapped text may come to be, and `##[command]` anywhere.
_COMMAND = pattern(r"(?<!\S):(?=:)|(?<=##)\[")


def safe(text: object) -> str:
    """``text`` on one line, with everything that is not printable, or that a CI runner would obey, spelled out.

    Control characters, marks that reorder or hide text, and lone surrogates are none of them printable (Unicode's Cc, Cf, Cs, Zl,
    Zp), so the common case is one test.
    """
    shown = str(text).replace("\t", " ").replace("\r\n", " ").replace("\n", " ")
    if "::" in shown or "##[" in shown:
        shown = _COMMAND.sub(lambda found: _spelled(ord(found[0])), shown)
    return shown if shown.isprintable() else "".join(c if c.isprintable() else _spelled(ord(c)) for c in shown)


def _spelled(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

"""Commands are lists of arguments; here they are shown quoted for the shell of that machine."""

from __future__ import annotations

from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN = pattern(r"[A-Za-z0-9_@%+=:,./~-]+")
_PLAIN_POWERSHELL = pattern(r"[A-Za-z0-9_+=:./\\-]+")


def quoted(argv: Sequence[str], shell: str) -> str:
    """One line for ``bash`` or ``powershell``."""
    if shell == "powershell":
        words = [word if _PLAIN_POWERSHELL.fullmatch(word) else "'" + word.replace("'", "''") + "'" for word in argv]
        return ("& " if words and words[0].startswith("'") else "") + " ".join(words)
    return " ".join(word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "'\"'\"'") + "'" for word in argv)

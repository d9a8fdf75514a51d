"""Commands are lists of arguments; here they are shown quoted for the shell of that machine.

On Windows nobody knows which of its two shells a reporter has. Double quotes are understood by PowerShell and by cmd; to cmd
single ones are letters, and ``>`` between them redirects into a file.
"""

from __future__ import annotations

from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN = pattern(r"[A-Za-z0-9_@%+=:,./~-]+")
_PLAIN_POWERSHELL = pattern(r"[A-Za-z0-9_+=:./\\-]+")
# What PowerShell or cmd replaces between double quotes, and what ends them.
_IN_DOUBLE = pattern('["$`%\u201c\u201d\u201e]')
# PowerShell takes the typographic ones for single quotes too; doubled, each stands for itself.
_QUOTES = pattern("['\u2018\u2019\u201a\u201b]")


def quoted(argv: Sequence[str], shell: str) -> str:
    """One line for ``bash``, ``fish`` or ``powershell``."""
    if shell == "powershell":
        words = [word if _PLAIN_POWERSHELL.fullmatch(word) else _powershell(word) for word in argv]
        return ("& " if words and words[0].startswith(("'", '"')) else "") + " ".join(words)
    if shell == "fish":
        return " ".join(word if _PLAIN.fullmatch(word) else _fish(word) for word in argv)
    return " ".join(word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "'\"'\"'") + "'" for word in argv)


def _fish(word: str) -> str:
    """Between single quotes fish leaves all as it is, but for the backslash and the quote itself."""
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(word: str) -> str:
    if not _IN_DOUBLE.search(word):
        return f'"{word}"'
    return "'" + _QUOTES.sub(r"\g<0>\g<0>", word) + "'"

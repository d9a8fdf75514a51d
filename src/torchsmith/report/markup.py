"""Text from outside in Markdown: shown letter by letter, and nothing of it live.

GitHub links mentions, references, commits and addresses in the text of a page after it is rendered, so that no backslash and no
entity stops it: only code does. A word that is not plainly a word therefore becomes a code span.
"""

from __future__ import annotations

from torchsmith.model.pattern import pattern
from torchsmith.report.escape import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_RUN = pattern("`+")
_CODE = pattern("`([^`]+)`")
# What stands around a word in a sentence; letters and digits of any script, joined by what joins words and versions.
_AROUND = pattern(r"(?P<before>[(\"']{0,2})(?P<core>.*?)(?P<after>[.,;:!?)\"']{0,3})")
_WORD = pattern(r"[^\W_]+(?:[-+./%'][^\W_]+)*%?")
# Words that GitHub links: addresses without a scheme, commits, its own short form of a reference.
_LIVE = pattern(r"(?i:(?:^|[-+./%'])(?:www(?:\.|$)|gh-\d|[0-9a-f]{7,64}(?:$|[-+./%'])))")
_ITEM = pattern(r"\d{1,9}[.)]+")
_PLAIN = frozenset("-,;:")


def inline(text: object) -> str:
    """A sentence: what stands between backticks, or is not plainly a word, as code."""
    shown = ""
    for place, piece in enumerate(_CODE.split(safe(text))):
        more = code(piece) if place % 2 else _words(piece, place == 0)
        # The fences of two spans that touch would be one.
        shown += f" {more}" if shown.endswith("`") and more.startswith("`") else more
    return shown


def _words(text: str, begins: bool) -> str:
    return " ".join(_word(word, begins and place == 0) for place, word in enumerate(text.split(" ")))


def _word(word: str, begins: bool) -> str:
    """One word; the first of a sentence must not begin a list."""
    if not word or (word in _PLAIN and not begins):
        return word
    found = _AROUND.fullmatch(word)
    core = found["core"] if found else ""
    if found is None or not core or (begins and _ITEM.fullmatch(word)):
        return code(word)
    plain = _WORD.fullmatch(core) and not _LIVE.search(core)
    return word if plain else f"{found['before']}{code(core)}{found['after']}"


def code(text: object) -> str:
    """A code span."""
    shown = safe(text) or " "
    fence = "`" * (_longest(shown) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def block(lines: Iterable[str], language: str = "text", indent: str = "") -> str:
    """A fenced block."""
    shown = [safe(line) for line in lines]
    fence = "`" * max(3, 1 + max(map(_longest, shown), default=0))
    return "\n".join(f"{indent}{line}".rstrip() for line in (f"{fence}{language}", *shown, fence))


def _longest(text: str) -> int:
    """The longest run of backticks."""
    return max(map(len, _RUN.findall(text)), default=0)

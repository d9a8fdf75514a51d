"""Text of any origin -> bounded, printable lines without what the way here put around them. All input is hostile."""

from __future__ import annotations

import re
from itertools import islice

from torchsmith.intake.clue import Line, pieces
from torchsmith.intake.decoding import decode, refuse
from torchsmith.intake.localized import english
from torchsmith.model.pattern import pattern

__all__ = ["LINES_LIMIT", "LINE_LIMIT", "clean", "decode", "lines", "refuse"]

LINE_LIMIT = 4096
LINES_LIMIT = 200_000
"""Of more lines the first and the last half are read: what went wrong stands at the end."""
_ESCAPED_LIMIT = 1 << 20
_FOUND_BY = 12
"""Characters by which what is left of a line is found again in it."""

_ESCAPES = pattern(r"\x1b(?:\[[0-9;:?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,256}(?:\x07|\x1b\\)?|[@-Z\\^_=>])")
_CONTROL = pattern(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_BREAKS = pattern(r"\r\n|\n|\r")
# What mail, Markdown, CI, containers, journals, loggers and launchers put in front of a line.
_PREFIX = pattern(
    r"(?:"
    r"(?:> ?){1,8}(?=\S)(?!>>)"
    r"|\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,:]\d{1,9})?"
    r"(?:Z \d\d[OE][+ ]|(?:Z|[+-]\d\d:?\d\d)?\]?(?: - | \| (?=[A-Z]{4,8} {0,4}\|)|[:,]? |(?=[\W])|$))"
    r"|\[?\d\d:\d\d:\d\d(?:[.,]\d{1,6})?\]? {1,3}(?=\S)"
    r"|##\[\w{1,20}\] ?|::(?:error|warning|notice|debug|group)(?: [^:]{0,200})?::"
    r"|[a-z][\w.-]{0,60}[-_]\d{1,3} {1,8}\| ?"
    r"|#\d{1,4} (?:\d{1,6}\.\d{1,3} )?(?=\S)"
    r"|\d{1,5}\.\d{3} (?=[A-Za-z<\[])(?![KMGT]?i?B\b|m?s\b|sec)"
    r"|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d \S{1,64} (?!kernel:)[\w./@-]{1,64}(?:\[\d{1,10}\])?: ?"
    r"|\[pod/\S{1,120}\] ?"
    r"|\[(?:rank|default|Rank |RANK )\d{1,5}\]: ?|\[\d{1,5}\]: |\[\d{1,4},\d{1,5}\]<std(?:err|out)>: ?"
    r"|\([\w .:/=-]{1,60}\bpid=\d{1,10}(?:, ip=[\d.]{7,15})?\) ?"
    r"|(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? \[[^\]]{1,80}\] ?"
    r"|E {3,8}(?=\S)"
    r")(?=.)"
)
_OF_GITHUB = pattern(r"[^\t]{1,120}\t[^\t]{1,120}\t(?=\ufeff?\d{4}-\d\d-\d\dT)")
_ENTITY = pattern(r"&(gt|lt|amp|quot|apos|nbsp|#39|#x27|#34|#60|#62);")
_ENTITIES = {"gt": ">", "lt": "<", "amp": "&", "quot": '"', "nbsp": " ", "#34": '"', "#60": "<", "#62": ">"}
_TAG = pattern(
    r"</?(?:details|summary|pre|code|br|p|b|i|strong|em|kbd|samp|div|span|td|tr|th|table|tbody|thead|li|ul|ol|sub|sup|h[1-6])"
    r"(?: [^<>]{0,200})?/?>",
    re.IGNORECASE,
)
_CELLS = pattern(r"\s{0,8}\|\s{0,40}(?P<key>[A-Za-z][^|]{0,60}?)\s{0,60}\|\s{0,40}(?P<value>[^|]{1,200}?)\s{0,80}\|$")
# One character that stands for one; what typography, forms and Asian keyboards make of them.
_SAME = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\uff07", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02", '"'),
        **dict.fromkeys("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
        **dict.fromkeys("\u2010\u2011\u2212\ufe63\uff0d", "-"),
        "\uff1a": ":", "\uff08": "(", "\uff09": ")", "\uff0c": ",", "\uff1b": ";", "\uff1d": "=", "\u3002": ".",
    }
)  # fmt: skip
_SIDES = "│┃║"
# A log in JSON: a break behind what ends a sentence or a line of code, not the ``\n`` of ``C:\new``.
_ESCAPED = pattern(r"(?:last\):|[.)\]'\",}>\s]|\\\")(?:\\r)?\\n")
_ESCAPED_BREAK = pattern(r"(?<!\\)(?:\\r)?\\n")
_UNESCAPED = {'\\"': '"', "\\t": " ", "\\/": "/", "\\\\": "\\", "\\'": "'", "\\u001b": "\x1b", "\\u003e": ">", "\\u003c": "<"}
_UNESCAPE = pattern(r"\\(?:[\"t/\\']|u001b|u003[ce])")


def lines(text: str) -> tuple[Line, ...]:
    """The lines of ``text`` as ``clean`` leaves them; a long one in pieces, what is empty left out."""
    found: list[Line] = []
    count = text.count("\n") + text.count("\r") - text.count("\r\n")
    skipped = range(LINES_LIMIT // 2, count + 1 - LINES_LIMIT // 2) if count >= LINES_LIMIT else range(0)
    start = number = 0
    breaks = _BREAKS.finditer(text)
    while True:
        broken = next(breaks, None)
        end = broken.start() if broken else len(text)
        number += 1
        if end > start:
            for place, piece in _pieces(text, start, end):
                said = _undressed(piece)
                cleaned = _in_english(said)
                if cleaned and not cleaned.isspace() and len(found) < 2 * LINES_LIMIT:
                    found.append(Line(number, cleaned, place, "" if cleaned == said else said, _dropped(piece, said)))
        if broken is None:
            return tuple(found)
        start = broken.end()
        if number == skipped.start and skipped:
            last = next(islice(breaks, len(skipped) - 1, None), None)
            number, start = number + len(skipped), last.end() if last else len(text)


def _dropped(piece: str, said: str) -> int:
    """How many characters of a line stand before what is left of it; 0 where it is not found again as it was."""
    return 0 if piece.startswith(said[:_FOUND_BY]) else max(0, piece.find(said[:_FOUND_BY]))


def _pieces(text: str, start: int, end: int) -> list[tuple[int, str]]:
    """A line, in pieces if it is long, with their places; one that holds a whole log with its breaks escaped is taken apart."""
    if end - start > 120 and text.find("\\n", start, end) >= 0:
        line = text[start : min(end, start + _ESCAPED_LIMIT)]
        if _ESCAPED.search(line) and line.count("\\n") > 1:
            return [(0, _UNESCAPE.sub(_unescaped, piece[:LINE_LIMIT])) for piece in _ESCAPED_BREAK.split(line, LINES_LIMIT // 4)]
    places = (0,) if end - start <= LINE_LIMIT else pieces(end - start, LINE_LIMIT)
    return [(place, text[start + place : min(end, start + place + LINE_LIMIT)]) for place in places]


def _unescaped(found: re.Match[str]) -> str:
    return _UNESCAPED[found[0]]


def clean(line: str) -> str:
    """One line without terminal escapes, control characters, markup and the prefixes of CI, containers and loggers.

    Tabs become spaces, quotes and spaces of typography the plain ones, Windows' messages English.
    """
    return _in_english(_undressed(line))


def _in_english(line: str) -> str:
    if "WinError" in line or not line.isascii() or "Das angegebene" in line:
        return english(line)[:LINE_LIMIT]
    return line


def _undressed(line: str) -> str:
    plain = line
    if not line.isprintable():
        if "\t" in line and (job := _OF_GITHUB.match(line)):
            plain = line[job.end() :]
        plain = _CONTROL.sub("", _ESCAPES.sub("", plain).translate(_SAME).expandtabs(8))
    plain = plain.rstrip()
    if not plain.isascii():
        plain = _boxed(plain.translate(_SAME))
    plain = _unmarked(plain)
    for _ in range(5):
        prefix = _PREFIX.match(plain)
        if prefix is None:
            break
        plain = plain[prefix.end() :]
    return plain[:LINE_LIMIT]


def _boxed(line: str) -> str:
    """A line that stands between the sides of a box, as Rich and pip draw them, without these."""
    inside = line.strip()
    if inside[:1] not in _SIDES:
        return line
    return inside[1:].removesuffix(inside[0]).rstrip().removeprefix(" ")


def _unmarked(line: str) -> str:
    """Without HTML entities and tags, bold type, code marks and the cells of a table of two columns."""
    if "&" in line:
        line = _ENTITY.sub(lambda found: _ENTITIES.get(found[1], "'"), line)
    if "<" in line:
        line = _TAG.sub(" ", line).rstrip()
    if "**" in line:
        line = line.replace("**", "")
    if "`" in line and (inside := line.strip()).startswith("`") and inside.endswith("`") and not inside.startswith("```"):
        line = inside[1:-1] if inside.count("`") == 2 else line
    if line[-1:] == "|" and line.count("|") == 3 and (cells := _CELLS.fullmatch(line)):
        line = f"{cells['key'].strip('`')}: {cells['value'].strip('`')}"
    return line

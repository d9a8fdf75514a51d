"""Bytes of any origin -> bounded, printable lines. All input is hostile."""

from __future__ import annotations

import re

from torchsmith.intake.clue import Line

LINE_LIMIT = 4096
OVERLAP = 1024
"""A longer line is read in pieces, each of which begins with the last characters of the one before: no match is longer."""
LINES_LIMIT = 200_000
HEAD = 4096
"""Bytes that tell the encoding."""

_BOMS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;:?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,256}(?:\x07|\x1b\\)?|[@-Z\\^_=>])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_BREAKS = re.compile(r"\r\n|\n|\r")
# What mail, Markdown, docker compose and CI put in front of a line.
_PREFIX = re.compile(
    r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z ?|[a-z][\w.-]{0,60}-\d{1,3} {1,8}\| ?|(?:> ?){1,8}(?=\S)(?!>>))(?=.)"
)


def decode(data: bytes) -> str:
    """The text of ``data``; what is not in its encoding is replaced."""
    return data.decode(encoding(data[:HEAD]), "replace")


def encoding(head: bytes) -> str:
    """UTF-8, or UTF-16 (PowerShell's ``>``), by the mark or the zero bytes at the begin of a text."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    zeros = head.count(0)
    if len(head) > 8 and zeros * 3 > len(head):
        return "utf-16-le" if head[1::2].count(0) * 2 > zeros else "utf-16-be"
    return "utf-8"


def lines(text: str) -> tuple[Line, ...]:
    """The lines of ``text`` without escapes and control characters; a longer line in pieces, what is empty left out."""
    found = []
    start = number = 0
    while start <= len(text) and number < LINES_LIMIT:
        broken = _BREAKS.search(text, start)
        end = broken.start() if broken else len(text)
        number += 1
        for piece in pieces(end - start):
            cleaned = clean(text[start + piece : min(end, start + piece + LINE_LIMIT)])
            if cleaned.strip():
                found.append(Line(number, cleaned, piece))
        if broken is None:
            break
        start = broken.end()
    return tuple(found)


def pieces(length: int) -> range:
    """Where the pieces of a line of this length begin."""
    return range(0, max(1, length - OVERLAP), LINE_LIMIT - OVERLAP)


def clean(line: str) -> str:
    """One line without terminal escapes, control characters and the prefixes of mail, compose and CI; tabs become spaces."""
    plain = _CONTROL.sub("", _ESCAPES.sub("", line).expandtabs(8)).rstrip()
    prefix = _PREFIX.match(plain)
    return plain[prefix.end() :] if prefix else plain

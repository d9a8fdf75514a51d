"""TOML as people paste it: whole files, excerpts, with prose around them. Every statement is read for itself.

A statement that is no TOML costs itself only; what it would have said is not known.
"""

from __future__ import annotations

import re

from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from torchsmith.intake.clue import Line

JOINED = 400
"""Lines that one statement may run over."""
_HEADER = pattern(
    r"\s{0,8}(?P<open>\[{1,2})\s?(?P<name>(?:project|tool|package|packages|dependency-groups|build-system|source|dev-packages|metadata)"
    r"(?:\.(?:[A-Za-z0-9_-]{1,60}|\"[^\"]{1,60}\"|'[^']{1,60}')){0,6})\s?\]{1,2}"
    r"(?:\s{0,8}(?:#.{0,400})?$|(?P<rest>[\s;:,-]{1,8}[A-Za-z\"'].{0,600}=.{0,600}))"
)
_INLINE = pattern(
    r"(?P<key>[A-Za-z0-9_.-]{1,60})\s?=\s?(?P<value>\"[^\"]{0,400}\"|'[^']{0,400}'|true|false|\{[^{}]{0,400}\}|\[[^\[\]]{0,1000}\])"
)
"""A statement of several on one line, as in a sentence or in a text whose line breaks are gone."""
_STATEMENT = pattern(r"\s{0,12}(?P<key>[A-Za-z0-9_.-]{1,80}|\"[^\"]{1,80}\"|'[^']{1,80}')\s{0,8}=\s{0,8}(?P<value>\S.{0,4000})$")
_LOOSE = pattern(r"[\[{].{0,200}\b(?:source|index)\s?=\s?[\"']")
"""What a line without a table in front of it must look like: a dependency that names its source."""


@record
class Part:
    """One statement: the table that it stands in (empty if none was seen), how often that table has begun, key and value."""

    table: str
    number: int
    key: str
    value: Any
    line: int


def read(lines: Sequence[Line]) -> Iterator[Part]:
    """Headers (with an empty key) and statements, in the order of the text."""
    table, number, place = "", 0, 0
    while place < len(lines):
        line = lines[place]
        place += 1
        if header := _HEADER.match(line.text):
            table, number = re.sub(r"[\"']", "", header["name"]), number + 1
            if table == "package" and header["open"] == "[":
                table = ""  # a crate's, not a lock file's
                continue
            if table == "package" and header["open"] == "[":
                table = ""  # a crate's, not a lock file's
                continue
            yield Part(table, number, "", None, line.number)
            for one in _INLINE.finditer(header["rest"] or ""):
                if (value := _value(one["value"])) is not None:
                    yield Part(table, number, one["key"], value, line.number)
            continue
        matched = _STATEMENT.match(line.text)
        if matched is None or not (table or matched["key"] == "dependencies" or _LOOSE.search(matched["value"])):
            if not line.text.lstrip().startswith(("#", "[", "...", "```")):
                table = ""  # prose: the table ends here
            continue
        text, used = _whole(matched["value"], lines[place : place + JOINED])
        value = _value(text)
        if value is not None:
            place += used
            yield Part(table, number, matched["key"].strip("\"'"), value, line.number)


def _whole(value: str, following: Sequence[Line]) -> tuple[str, int]:
    """A value with the lines that it runs over, as its brackets tell."""
    parts, depth, used = [value], _depth(value), 0
    while depth > 0 and used < len(following):
        text = following[used].text
        if _HEADER.match(text):
            break
        parts.append(text)
        depth += _depth(text)
        used += 1
    return "\n".join(parts), used


def _depth(text: str) -> int:
    bare = re.sub(r"\"[^\"]{0,2000}\"|'[^']{0,2000}'|#.{0,2000}$", "", text)
    return sum(bare.count(c) for c in "[{") - sum(bare.count(c) for c in "]}")


def _value(text: str) -> Any:
    import tomllib  # only a text with tables in it pays for the parser

    for attempt in (text, re.sub(r"^\s{0,20}\.{2,3}\s{0,20},?$", "", text, flags=re.MULTILINE), re.sub(r"\n\s{0,20}", " ", text)):
        try:
            return tomllib.loads(f"value = {attempt}")["value"]
        except (tomllib.TOMLDecodeError, RecursionError, ValueError):
            continue
    return None

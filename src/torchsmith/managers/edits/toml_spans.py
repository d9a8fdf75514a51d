"""Where things stand in a TOML text: statements, values, items, by offset. The text was parsed by ``tomllib`` before."""

from __future__ import annotations

from torchsmith.managers.edits.base import BOM, EditError, position, refuse_bytes
from torchsmith.model.pattern import pattern
from torchsmith.model.record import packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Path = tuple[str | int, ...]

_KEY = pattern(r"""[ \t]*("(?:[^"\\\n]++|\\.)*+"|'[^'\n]*+'|[A-Za-z0-9_-]++)[ \t]*+""")
_REST = pattern(r"[^\n]*+(?:\n|\Z)")
_BLANK = pattern(r"[ \t]*+")
_STRING = pattern(
    r'''"""(?:[^"\\]++|\\[\s\S]|"(?!""))*+""""{0,2}|'{3}(?:[^']++|'(?!''))*+'{3}'{0,2}'''
    r"""|"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*+'"""
)
_SCALAR = pattern(r"[^,\]}#\n\r]++")
_SKIPPED = pattern(r"""[^\[\]{}"'#]++|#[^\n]*+""")
_SPACE = pattern(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_PLACE = pattern(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")


@packed
class Statement:
    """One statement with its line end: ``kind`` is key, table, array (its header), comment or blank.

    ``path`` is absolute, with the number of each entry of an array of tables. ``own`` are the words as they stand before
    the equals sign, decoded. ``value`` and ``value_end`` are the offsets of a value; ``section`` counts headers.
    """

    kind: str
    start: int
    end: int
    path: Path = ()
    own: tuple[str, ...] = ()
    value: int = 0
    value_end: int = 0
    section: int = 0


@packed
class Item:
    """An item of an array or of an inline table: its key, and where key and value stand."""

    own: tuple[str, ...]
    start: int
    value: int
    end: int


class Document:
    """A text with its data (read from it, unless it is known) and its statements.

    Raises:
        EditError: it is no TOML; with the place.

    """

    def __init__(self, text: str, data: dict[str, Any] | None = None) -> None:
        self.text = text
        self.data = loads(text) if data is None else data
        self.statements = _statements(text)
        self.keys = {each.path: each for each in self.statements if each.kind == "key"}
        self.headers = [each for each in self.statements if each.kind in {"table", "array"}]

    def span(self, path: Path) -> tuple[int, int] | None:
        """Where the value of ``path`` stands, if it is one piece of the text."""
        for length in range(1, len(path) + 1):
            held = self.keys.get(path[:length])
            if held is not None:
                return _inside(self.text, held.value, held.value_end, path[length:])
        return None

    def holder(self, path: Path) -> tuple[int, int, int] | None:
        """The longest part of ``path`` that is one value: its length, and where the value stands."""
        for length in range(len(path), 0, -1):
            found = self.span(path[:length])
            if found is not None:
                return length, *found
        return None

    def under(self, path: Path) -> list[Statement]:
        """The headers and keys at ``path`` and below it, in order."""
        size = len(path)
        return [each for each in self.statements if each.kind in {"table", "array", "key"} and each.path[:size] == path]


def loads(text: str) -> dict[str, Any]:
    """The data of a TOML text.

    Raises:
        EditError: it is none; with line and column.

    """
    import tomllib

    refuse_bytes(text, "a TOML file")
    body = text.removeprefix(BOM)
    try:
        return tomllib.loads(body)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = _PLACE.search(said)
        message = "this is no TOML: " + (said[: place.start()] if place else said)
        if place and place[1]:
            raise EditError(message, int(place[1]), int(place[2])) from None
        raise EditError(message, *position(text, len(text))) from None
    except (RecursionError, ValueError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise EditError(f"this is no TOML that can be read: {reason}") from None


def decoded(token: str) -> str:
    """A key as it is meant: without quotes and escapes."""
    if token[0] == "'":
        return token[1:-1]
    if token[0] != '"':
        return token
    if "\\" not in token:
        return token[1:-1]
    import tomllib

    return str(tomllib.loads("x = " + token)["x"])


def key_at(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """The dotted key at an offset, and where it ends."""
    words: list[str] = []
    while match := _KEY.match(text, at):
        words.append(decoded(match[1]))
        at = match.end()
        if text[at : at + 1] != ".":
            return tuple(words), at
        at += 1
    raise EditError("a key was expected here", *position(text, at))


def value_end(text: str, at: int) -> int:
    """Where the value that begins at an offset ends."""
    first = text[at : at + 1]
    if first in {'"', "'"}:
        match = _STRING.match(text, at)
    elif first in {"[", "{"}:
        return _closed(text, at)
    else:
        match = _SCALAR.match(text, at)
        return at + len(match[0].rstrip(" \t")) if match else at
    if match is None:
        raise EditError("a string has no end", *position(text, at))
    return match.end()


def items(text: str, at: int) -> list[Item]:
    """The items of the array or the inline table that begins at an offset."""
    table = text[at] == "{"
    found: list[Item] = []
    at = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]
    while text[at : at + 1] not in {"]", "}", ""}:
        start = at
        own: tuple[str, ...] = ()
        if table:
            own, at = key_at(text, at)
            at = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]
        end = value_end(text, at)
        found.append(Item(own, start, at, end))
        at = _SPACE.match(text, end).end()  # type: ignore[union-attr]
        if text[at : at + 1] == ",":
            at = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]
    return found


def _closed(text: str, at: int) -> int:
    depth, begun = 0, at
    while at < len(text):
        letter = text[at]
        if letter in "[{":
            depth, at = depth + 1, at + 1
        elif letter in "]}":
            depth, at = depth - 1, at + 1
            if not depth:
                return at
        else:
            match = _STRING.match(text, at) if letter in "\"'" else _SKIPPED.match(text, at)
            if match is None:
                break
            at = match.end()
    raise EditError("a bracket is not closed", *position(text, begun))


def _inside(text: str, start: int, end: int, rest: Path) -> tuple[int, int] | None:
    if not rest:
        return start, end
    if text[start] not in "[{":
        return None
    if text[start] == "[":
        found = items(text, start)
        if isinstance(rest[0], int) and rest[0] < len(found):
            return _inside(text, found[rest[0]].value, found[rest[0]].end, rest[1:])
        return None
    for item in items(text, start):
        if item.own == rest[: len(item.own)]:
            return _inside(text, item.value, item.end, rest[len(item.own) :])
    return None


def _statements(text: str) -> list[Statement]:
    made: list[Statement] = []
    counts: dict[Path, int] = {}
    table: Path = ()
    at, section = len(BOM) if text.startswith(BOM) else 0, 0
    while at < len(text):
        first = _BLANK.match(text, at).end()  # type: ignore[union-attr]
        letter = text[first : first + 1]
        if letter == "[":
            array = text.startswith("[[", first)
            own, after = key_at(text, first + 1 + array)
            end = _REST.match(text, after).end()  # type: ignore[union-attr]
            table, section = _absolute(own, array, counts), section + 1
            made.append(Statement("array" if array else "table", at, end, table, own, 0, 0, section))
        elif letter in {"#", "\r", "\n", ""}:
            end = _REST.match(text, first).end()  # type: ignore[union-attr]
            made.append(Statement("comment" if letter == "#" else "blank", at, end, table, (), 0, 0, section))
        else:
            own, after = key_at(text, first)
            start = _BLANK.match(text, after + 1).end()  # type: ignore[union-attr]
            stop = value_end(text, start)
            end = _REST.match(text, stop).end()  # type: ignore[union-attr]
            made.append(Statement("key", at, end, (*table, *own), own, start, stop, section))
        at = end
    return made


def _absolute(own: tuple[str, ...], array: bool, counts: dict[Path, int]) -> Path:
    """The path of a header, with the numbers of the entries that it stands in."""
    path: Path = ()
    for number, word in enumerate(own):
        path = (*path, word)
        if array and number == len(own) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path

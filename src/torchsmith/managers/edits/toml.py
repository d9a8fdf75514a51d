"""Edits of TOML: pyproject.toml, Pipfile, poetry.toml, uv.toml, pixi.toml.

The text is cut where a value stands and put together again, so all else stays as it is, byte for byte. Every edit is read
back: data other than what was meant is refused. What is so already leaves the text as it is.
A path is a tuple of keys; a number in it is an entry of an array: ``("tool", "uv", "index", 0, "url")``.
"""

from __future__ import annotations

from torchsmith.managers.edits import toml_inline
from torchsmith.managers.edits.base import EditError
from torchsmith.managers.edits.toml_layout import (
    append_block,
    entry_block,
    insert_key,
    new_section,
    place_of_keys,
    section_end,
    without,
)
from torchsmith.managers.edits.toml_literals import Literal, dotted, literal, meant, same
from torchsmith.managers.edits.toml_spans import Document, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.managers.edits.toml_spans import Path

__all__ = ["Literal", "entries", "put", "put_entry", "read", "remove", "remove_entry"]


def read(text: str, path: Path = (), default: Any = None) -> Any:
    """The value at ``path``, ``default`` where there is none.

    Raises:
        EditError: the text is no TOML.

    """
    return read_data(loads(text), path, default)


def put(text: str, path: Path, value: Any, *, revive: bool = False) -> str:
    """Set the value at ``path``: in place, else at the end of its table, else in a new table.

    A mapping is put key by key where a table is there, and keys that it lacks are removed. With ``revive`` a line that is
    commented out and has this very key gives its place to the new one.

    Raises:
        EditError: the text is no TOML, or something else stands where a table would have to be.

    """
    document = Document(text)
    wanted = meant(value)
    if same(read_data(document.data, path, _ABSENT), wanted):
        return text
    intended = with_data(document.data, path, wanted)
    if revive and read_data(document.data, path, _ABSENT) is _ABSENT:
        from torchsmith.managers.edits import toml_comments

        made = toml_comments.revived(document, path, value)
        if made is not None:
            return checked(made, intended)
    return checked(_put(document, path, value), intended)


def remove(text: str, path: Path) -> str:
    """Take away a key, an item or a whole table. Comment lines of their own stay.

    Raises:
        EditError: the text is no TOML, or what is asked for cannot be cut out of it.

    """
    document = Document(text)
    if read_data(document.data, path, _ABSENT) is _ABSENT:
        return text
    intended = _without(document.data, path)
    made = _remove(document, path)
    # Tables and arrays that had nothing else and no header of their own are gone with it.
    found = loads(made)
    if any(same(found, _pruned(intended, path, keep)) for keep in range(len(path) + 1)):
        return made
    raise EditError(f"`{dotted(path)}` cannot be taken away without changing something else")


def entries(text: str, path: Path) -> tuple[dict[str, Any], ...]:
    """The entries of an array of tables: ``entries(text, ("tool", "poetry", "source"))``.

    Raises:
        EditError: the text is no TOML, or no tables stand there.

    """
    return _tables(loads(text), path)


def _tables(data: dict[str, Any], path: Path) -> tuple[dict[str, Any], ...]:
    found = read_data(data, path, [])
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise EditError(f"`{dotted(path)}` is no array of tables")
    return tuple(found)


def put_entry(text: str, path: Path, entry: Mapping[str, Any], by: str = "name", *, revive: bool = False) -> str:
    """Make the entry whose ``by`` is that of ``entry`` have its values; append it after the last one if there is none.

    Keys that ``entry`` does not name stay. With ``revive`` a block that is commented out and has the same ``by`` gives its
    place to the entry.

    Raises:
        EditError: see ``put``; also if two entries have that ``by``.

    """
    data = loads(text)
    at = _numbered(data, path, by, entry[by])
    if at is not None:
        return _merged(text, data, (*path, at), entry)
    document = Document(text, data)
    if revive:
        from torchsmith.managers.edits import toml_comments

        made = toml_comments.revived_entry(document, path, entry, by)
        if made is not None:
            return made
    intended = with_data(document.data, path, [*read_data(document.data, path, []), meant(dict(entry))])
    return checked(_append(document, path, entry), intended)


def remove_entry(text: str, path: Path, value: str, by: str = "name") -> str:
    """Take away the entry whose ``by`` is ``value``.

    Raises:
        EditError: see ``remove``; also if two entries have that ``by``.

    """
    at = _numbered(loads(text), path, by, value)
    return text if at is None else remove(text, (*path, at))


def checked(text: str, intended: dict[str, Any]) -> str:
    """``text``, if it is read as the data that was meant.

    Raises:
        EditError: it is not.

    """
    try:
        found = loads(text)
    except EditError as error:
        raise EditError(f"this edit cannot be made here: {error.message}") from None
    if not same(found, intended):
        raise EditError("this edit cannot be made here without changing something else")
    return text


_ABSENT = object()


def _merged(text: str, data: dict[str, Any], path: Path, entry: Mapping[str, Any]) -> str:
    """The text with these keys in the table at ``path``; what is so already is left alone."""
    before = data
    for name, value in entry.items():
        if not same(read_data(data, (*path, name), _ABSENT), meant(value)):
            text = _put(Document(text, data), (*path, name), value)
            data = with_data(data, (*path, name), meant(value))
    return text if data is before else checked(text, data)


def _numbered(data: dict[str, Any], path: Path, by: str, value: str) -> int | None:
    found = [at for at, entry in enumerate(_tables(data, path)) if entry.get(by) == value]
    if len(found) > 1:
        raise EditError(f"`{dotted(path)}` has {len(found)} entries whose {by} is {value!r}")
    return found[0] if found else None


def read_data(data: Any, path: Path, default: Any) -> Any:
    for part in path:
        if isinstance(part, int):
            if not isinstance(data, list) or not 0 <= part < len(data):
                return default
        elif not isinstance(data, dict) or part not in data:
            return default
        data = data[part]
    return data


def with_data(data: Any, path: Path, value: Any) -> Any:
    """A copy of ``data`` with ``value`` at ``path``."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        if not isinstance(data, list) or not 0 <= first < len(data):
            raise EditError(f"there is no entry {first}")
        return [with_data(item, rest, value) if at == first else item for at, item in enumerate(data)]
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise EditError(f"`{first}` would need a table, and there is none")
    return {**data, first: with_data(data.get(first), rest, value)}


def _without(data: Any, path: Path) -> Any:
    """A copy without what is at ``path``; an array or a table that had nothing else is gone where it cannot be empty."""
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        if rest:
            return [_without(item, rest) if at == first else item for at, item in enumerate(data)]
        return [item for at, item in enumerate(data) if at != first]
    if not rest:
        return {name: item for name, item in data.items() if name != first}
    return {**data, first: _without(data[first], rest)}


def _pruned(data: Any, path: Path, keep: int) -> Any:
    """Without the tables and arrays on the path that have nothing left, but for the first ``keep`` of them."""
    first, rest = path[0], path[1:]
    if isinstance(first, int) or not isinstance(data, dict) or first not in data:
        return data
    below = _pruned(data[first], rest, keep - 1) if rest else data[first]
    return {name: item for name, item in {**data, first: below}.items() if name != first or keep > 0 or item not in ({}, [])}


def _put(document: Document, path: Path, value: Any) -> str:
    span = document.span(path)
    text = document.text
    if span is not None:
        return text[: span[0]] + toml_inline.written(text[span[0] : span[1]], value) + text[span[1] :]
    if document.under(path):
        return _put_table(document, path, value)
    held = document.holder(path)
    if held is not None:
        length, start, end = held
        return text[:start] + toml_inline.with_member(text[start:end], path[length:], value) + text[end:]
    parent = path[:-1]
    place = place_of_keys(document, parent)
    if place is not None:
        statement, before = place
        return insert_key(document, statement, (*before, path[-1]), literal(value))
    return append_block(document, section_end(document, parent), new_section(parent, path[-1], literal(value)))


def _put_table(document: Document, path: Path, value: Any) -> str:
    """Into a table that is spread over statements: key by key."""
    there = read_data(document.data, path, None)
    if not isinstance(value, dict) or not isinstance(there, dict):
        raise EditError(f"`{dotted(path)}` is a table here", *_line_of(document, path))
    for name in there:
        if name not in value:
            document = Document(_remove(document, (*path, name)))
    for name, item in value.items():
        if not same(there.get(name, _ABSENT), meant(item)):
            document = Document(_put(document, (*path, name), item))
    return document.text


def _line_of(document: Document, path: Path) -> tuple[int, int]:
    from torchsmith.managers.edits.base import position

    found = document.under(path)
    return position(document.text, found[0].start) if found else (0, 0)


def _append(document: Document, path: Path, entry: Mapping[str, Any]) -> str:
    span = document.span(path)
    text = document.text
    if span is not None:
        return text[: span[0]] + toml_inline.with_item(text[span[0] : span[1]], literal(dict(entry))) + text[span[1] :]
    held = document.holder(path)
    if held is not None:
        length, start, end = held
        return text[:start] + toml_inline.with_member(text[start:end], path[length:], [dict(entry)]) + text[end:]
    return append_block(document, section_end(document, path), entry_block(path, entry))


def _remove(document: Document, path: Path) -> str:
    held = document.holder(path)
    text = document.text
    if held is not None:
        length, start, end = held
        if length < len(path):
            raise EditError(f"`{dotted(path)}` cannot be cut out of its value")
        if path in document.keys:
            return without(document, [document.keys[path]])
        length, start, end = document.holder(path[:-1]) or (0, 0, 0)
        if length != len(path) - 1:
            raise EditError(f"`{dotted(path)}` cannot be cut out of its value")
        return text[:start] + toml_inline.without_part(text[start:end], path[-1]) + text[end:]
    return without(document, document.under(path))

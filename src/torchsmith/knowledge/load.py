"""The tables themselves, as rows: for ``torchsmith facts``, the laws and the compiler. Not for the hot path."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable
from datetime import date
from pkgutil import get_data
from typing import Any, NamedTuple

Cell = str | int | bool | None | tuple[int, ...] | tuple[str, ...]
Row = dict[str, Cell]


class Source(NamedTuple):
    """A source, as a row names it, with what it is and where it can be read."""

    key: str
    title: str
    url: str | None
    kind: str


class Table(NamedTuple):
    """One table: its rows in the order of its file, and what the schema says about it."""

    name: str
    title: str
    checked: str
    renew: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    types: dict[str, str]
    compiled: tuple[str, ...]
    laws: tuple[str, ...]
    rows: tuple[Row, ...]
    sections: dict[str, dict[str, Any]]
    """The sections of a TOML table as they stand, for tables whose sections differ in shape; empty for CSV."""
    sources: dict[str, Source]
    """All listed sources by their key."""

    def sources_of(self, row: Row) -> tuple[Source, ...]:
        """The sources that a row names; a name that does not resolve is left out (a law forbids it)."""
        parts = [part.strip() for part in str(row.get("source") or "").split(";")]
        found = [(part, self.sources.get(part.partition("@")[0])) for part in parts]
        return tuple(source._replace(key=part) for part, source in found if source)


class KnowledgeError(ValueError):
    """A table does not follow its schema."""


def tables() -> tuple[str, ...]:
    """The names of all tables."""
    return tuple(_schema())


def table(name: str) -> Table:
    """One table; ``KeyError`` for an unknown name, ``KnowledgeError`` for a cell that its type forbids."""
    schema = _schema()[name]
    types: dict[str, str] = schema["columns"]
    sections = {} if has_csv(name) else _toml(f"data/{name}.toml")
    if has_csv(name):
        raw = parse_csv(name, tuple(types), _read(f"data/{name}.csv"))
    else:
        raw = [{next(iter(types)): section, **entry} for section, entry in sections.items()]
    return Table(
        name=name,
        title=schema["title"],
        checked=schema["checked"].isoformat(),
        renew=schema["renew"],
        key=tuple(schema["key"]),
        columns=tuple(types),
        types=types,
        compiled=tuple(schema.get("compiled", ())),
        laws=tuple(schema["laws"]),
        rows=typed(name, types, raw),
        sections=sections,
        sources=_sources(),
    )


def parse_csv(name: str, columns: tuple[str, ...], text: str) -> list[dict[str, Any]]:
    """The rows of a CSV text; ``KnowledgeError`` for other columns than the schema's or a ragged row."""
    reader = csv.DictReader(text.splitlines(), strict=True)
    if tuple(reader.fieldnames or ()) != columns:
        raise KnowledgeError(f"`{name}`: columns {reader.fieldnames} are not those of the schema")
    rows: list[dict[str, Any]] = [dict(row) for row in reader]
    for row in rows:
        if None in row or None in row.values():
            raise KnowledgeError(f"`{name}`: a row is longer or shorter than the header: {row}")
    return rows


def typed(name: str, types: dict[str, str], raw: list[dict[str, Any]]) -> tuple[Row, ...]:
    """Rows with every cell converted to its column's type; ``KnowledgeError`` for a cell that its type forbids."""
    return tuple({column: _cell(name, column, kind, row) for column, kind in types.items()} for row in raw)


def has_csv(name: str) -> bool:
    """Whether the table is a CSV file; otherwise it is TOML."""
    return name not in {"causes", "compat_rules", "env_vars", "indexes", "sources"}


def _schema() -> dict[str, Any]:
    return _toml("schema.toml")


def _sources() -> dict[str, Source]:
    listed = _toml("data/sources.toml")
    return {key: Source(key, entry["title"], entry.get("url"), entry["kind"]) for key, entry in listed.items()}


def _toml(path: str) -> dict[str, Any]:
    return tomllib.loads(_read(path))


def _read(path: str) -> str:
    data = get_data(__package__, path)
    if data is None:
        raise KnowledgeError(f"`{path}` cannot be read from this installation")
    return data.decode("utf-8")


def _cell(name: str, column: str, kind: str, row: dict[str, Any]) -> Cell:
    value = row.get(column)
    base = kind.rstrip("!")
    try:
        converted = None if value in (None, "", []) else _CONVERT[base](value)
    except (ValueError, KeyError) as error:
        raise KnowledgeError(f"`{name}`: {value!r} in column `{column}` is no {base}") from error
    if converted is None:
        if kind.endswith("!"):
            raise KnowledgeError(f"`{name}`: column `{column}` is empty in {row}")
        # A list that is empty is a list all the same: "no PTX" is an answer.
        return () if base in {"ints", "words"} else None
    return converted


def _words(value: str | list[str]) -> tuple[str, ...]:
    return tuple(value.split()) if isinstance(value, str) else tuple(value)


def _version(value: str) -> str:
    if not value[0].isdigit():
        raise ValueError(value)
    return value


_CONVERT: dict[str, Callable[[Any], Cell]] = {
    "str": str,
    "version": _version,
    "date": lambda value: date.fromisoformat(value).isoformat(),
    "int": int,
    "hex": lambda value: int(value, 16),
    "bool": {"yes": True, "no": False}.__getitem__,
    "ints": lambda value: tuple(int(word) for word in value.split()),
    "words": _words,
}

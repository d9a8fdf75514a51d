"""Python values as TOML writes them."""

from __future__ import annotations

from torchsmith.managers.edits.base import EditError
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BARE = pattern(r"[A-Za-z0-9_-]+")
_NOT_PLAIN = pattern(r"[^\x20-\x7e\x80-\ud7ff\ue000-\U0010ffff]|[\"\\\x80-\x9f\u2028\u2029]")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


class Literal(str):
    """A value that is TOML already and is written as it is: ``Literal('{version = "2.8"}')``."""

    __slots__ = ()


def key(word: str) -> str:
    """One word of a key, quoted where it has to be."""
    return word if _BARE.fullmatch(word) else string(word)


def dotted(words: tuple[str | int, ...]) -> str:
    """A key of several words; the numbers of entries have no place in it."""
    return ".".join(key(word) for word in words if isinstance(word, str))


def string(text: str, quote: str = '"') -> str:
    """A string; within ``'`` if that was asked for and can be."""
    if quote == "'" and "'" not in text and not _NOT_PLAIN.search(text.replace('"', "").replace("\\", "")):
        return f"'{text}'"
    return '"' + _NOT_PLAIN.sub(lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}", text) + '"'


def literal(value: Any) -> str:
    """``value`` in one line.

    Raises:
        EditError: TOML has no such value.

    """
    from datetime import date, datetime, time

    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return string(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key(name)} = {literal(item)}" for name, item in value.items()) + "}"
    raise EditError(f"TOML has no value for {type(value).__name__}")


def meant(value: Any) -> Any:
    """The data that ``value`` stands for once it is read back.

    Raises:
        EditError: a literal that is no TOML.

    """
    from torchsmith.managers.edits.toml_spans import loads

    if isinstance(value, Literal):
        read = loads(f"x = {value}")
        if list(read) != ["x"]:
            raise EditError("the value is more than one statement")
        return read["x"]
    if isinstance(value, list | tuple):
        return [meant(item) for item in value]
    if isinstance(value, dict):
        return {name: meant(item) for name, item in value.items()}
    return value


def same(one: Any, two: Any) -> bool:
    """Whether two values are the same data: 1, 1.0 and true are not, nan is."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(item, two[name]) for name, item in one.items())
    if isinstance(one, list):
        return len(one) == len(two) and all(same(a, b) for a, b in zip(one, two, strict=True))
    return repr(one) == repr(two) if isinstance(one, float) else bool(one == two)

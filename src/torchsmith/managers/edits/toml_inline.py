"""Values as pieces of text: an array or an inline table with one part added, changed or gone, in the layout that it has."""

from __future__ import annotations

from torchsmith.managers.edits.base import EditError, newline
from torchsmith.managers.edits.toml_literals import Literal, dotted, literal, meant, same, string
from torchsmith.managers.edits.toml_spans import items, loads
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.managers.edits.toml_spans import Item, Path

_TAIL = pattern(r"[ \t]*+(,?)[ \t]*+(#[^\n]*?)?(?=\r?\n)")
_COMMA = pattern(r"(?:[ \t\r\n]++|#[^\n]*+)*+,")


def written(old: str, value: Any) -> str:
    """``value`` in the place of the value ``old``, in the same style."""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, str):
        return string(value, "'" if old.startswith("'") else '"')
    if isinstance(value, dict) and old.startswith("{"):
        return _merged(old, value)
    if isinstance(value, list | tuple) and old.startswith("["):
        return _listed(old, list(value))
    return literal(value)


def with_member(table: str, path: Path, value: Any) -> str:
    """The inline table with one more key at its end."""
    if not table.startswith("{") or any(not isinstance(word, str) for word in path):
        raise EditError(f"`{dotted(path)}` would need a table, and {table[:40]} is there")
    found = items(table, 0)
    for word in reversed(path[1:]):
        value = {word: value}
    new = f"{dotted(path[:1])} = {literal(value)}"
    if not found:
        return "{" + new + "}"
    last = found[-1].end
    return f"{table[:last]}, {new}{table[last:]}"


def with_item(array: str, new: str) -> str:
    """The array with one more item at its end; a line of its own where the others have one."""
    found = items(array, 0)
    if not found:
        return _first(array, new)
    last = found[-1]
    if "\n" not in array[: last.start] or not _alone(array, last):
        comma = _COMMA.match(array, last.end)
        # A comma after the last item stays the style.
        if comma and "#" not in comma[0]:
            return f"{array[: comma.end()]} {new},{array[comma.end() :]}"
        if comma is None:
            return f"{array[: last.end]}, {new}{array[last.end :]}"
    return _after_line(array, last, new)


def without_part(value: str, part: str | int) -> str:
    """The array or the inline table without one of its parts, together with its comma and, on its line, its comment."""
    found = items(value, 0)
    at = part if isinstance(part, int) else next((at for at, item in enumerate(found) if item.own == (part,)), None)
    if at is None or at >= len(found):
        raise EditError(f"`{part}` is written with dots here and cannot be cut out")
    item = found[at]
    comma = _COMMA.match(value, item.end)
    end = comma.end() if comma and "#" not in comma[0] else item.end
    tail = _TAIL.match(value, end)
    line = value.rfind("\n", 0, item.start) + 1
    if tail is not None and line and not value[line : item.start].strip(" \t"):
        # It has its lines for itself.
        return value[:line] + value[value.index("\n", end) + 1 :]
    if comma and "#" in comma[0]:
        raise EditError("a comment stands between the item and its comma")
    if at + 1 < len(found):
        gap = value[end : found[at + 1].start]
        return value[: item.start] + value[end + len(gap) - len(gap.lstrip(" \t")) :]
    if at and not comma:
        before = _COMMA.match(value, found[at - 1].end)
        if before is None or "#" in value[before.start() : item.start]:
            raise EditError("a comment stands between the items")
        return value[: found[at - 1].end] + value[item.end :]
    return value[: item.start].rstrip(" \t") + value[end:] if at else value[: item.start] + value[end:].lstrip(" \t")


def _first(array: str, new: str) -> str:
    inside = array[1:-1]
    if "#" in inside:
        end = newline(array)
        return f"{array[:-1].rstrip()}{end}  {new},{end}]"
    if "\n" in inside:
        end = newline(array)
        return f"[{end}  {new},{end}{array.rpartition(chr(10))[2]}"
    return f"[{new}]"


def _alone(array: str, item: Item) -> bool:
    """Whether the item begins its line."""
    return not array[array.rfind("\n", 0, item.start) + 1 : item.start].strip(" \t")


def _after_line(array: str, last: Item, new: str) -> str:
    line = array.rfind("\n", 0, last.start) + 1
    blank = array[line : last.start]
    indent = blank if not blank.strip(" \t") else "  "
    tail = _TAIL.match(array, last.end)
    if tail is None:
        # The bracket closes on the line of the last item, or its comma stands on another line.
        comma = _COMMA.match(array, last.end)
        if comma is not None:
            return f"{array[: comma.end()]}{newline(array)}{indent}{new}{array[comma.end() :]}"
        return f"{array[: last.end]},{newline(array)}{indent}{new}{array[last.end :]}"
    comma = _COMMA.match(array, last.end)
    if comma is not None and not tail[1]:
        return f"{array[: comma.end()]}{newline(array)}{indent}{new}{array[comma.end() :]}"
    end = newline(array[tail.end() :][:2])
    return (
        f"{array[: last.end]},{array[last.end + (1 if tail[1] else 0) : tail.end()]}{end}{indent}{new}{tail[1]}{array[tail.end() :]}"
        if not tail[1] or array[last.end] == ","
        else f"{array[: tail.end()]}{end}{indent}{new},{array[tail.end() :]}"
    )


def _merged(table: str, value: dict[str, Any]) -> str:
    there = _read(table)
    for name in there:
        if name not in value:
            table = without_part(table, name)
    for name, item in value.items():
        if name in there and same(there[name], meant(item)):
            continue
        if name not in there:
            table = with_member(table, (name,), item)
            continue
        place = next((part for part in items(table, 0) if part.own == (name,)), None)
        if place is None:
            raise EditError(f"`{name}` is written with dots here")
        table = table[: place.value] + written(table[place.value : place.end], item) + table[place.end :]
    return table


def _listed(array: str, value: list[Any]) -> str:
    """The array with these items: those that stay keep their place and their comments."""
    there, wanted = _read(array), [meant(item) for item in value]
    kept = 0
    while kept < min(len(there), len(wanted)) and same(there[kept], wanted[kept]):
        kept += 1
    rest = there[kept:]
    if "#" not in array and "\n" not in array:
        return literal(value)
    if len(there) == len(wanted):
        for at, item in reversed(list(enumerate(items(array, 0)))):
            if not same(there[at], wanted[at]):
                array = array[: item.value] + written(array[item.value : item.end], value[at]) + array[item.end :]
        return array
    for at in range(len(there) - 1, kept - 1, -1):
        if rest:
            array = without_part(array, at)
    for item in value[kept:]:
        array = with_item(array, literal(item))
    return array


def _read(value: str) -> Any:
    return loads(f"x = {value}")["x"]

"""Values as pieces of text: an array or an inline table with one part added, changed or gone, in the layout that it has."""

from __future__ import annotations

from torchsmith.managers.edits.base import EditError, newline
from torchsmith.managers.edits.toml_literals import Literal, dotted, literal, meant, same, string
from torchsmith.managers.edits.toml_spans import items, loads
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.managers.edits.toml_spans import Path

_LINE_END = pattern(r"[ \t]*+(?:#[^\r\n]*+)?(?=\r?\n)")
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
    """The array with one more item at its end; a line of its own where the last one has one, a last comma where there is one."""
    found = items(array, 0)
    if not found:
        return _first(array, new)
    last = found[-1]
    comma = _COMMA.match(array, last.end)
    after = comma.end() if comma else last.end
    line = array.rfind("\n", 0, last.start) + 1
    indent = array[line : last.start]
    if not line or indent.strip(" \t"):
        return f"{array[:after]} {new},{array[after:]}" if comma else f"{array[:after]}, {new}{array[after:]}"
    rest = _LINE_END.match(array, after)
    at = rest.end() if rest else after
    end = ("\r\n" if array.startswith("\r\n", at) else "\n") if rest else newline(array)
    return f"{array[: last.end]}{'' if comma else ','}{array[last.end : at]}{end}{indent}{new}{',' if comma else ''}{array[at:]}"


def without_part(value: str, part: str | int) -> str:
    """The array or the inline table without one of its parts, together with its comma and, on its line, its comment."""
    found = items(value, 0)
    at = part if isinstance(part, int) else next((at for at, item in enumerate(found) if item.own == (part,)), None)
    if at is None or at >= len(found):
        raise EditError(f"`{part}` is written with dots here and cannot be cut out")
    item = found[at]
    comma = _COMMA.match(value, item.end)
    end = comma.end() if comma and "#" not in comma[0] else item.end
    tail = _LINE_END.match(value, end)
    line = value.rfind("\n", 0, item.start) + 1
    if tail is not None and line and not value[line : item.start].strip(" \t"):
        # It has its lines for itself.
        return value[:line] + value[value.index("\n", end) + 1 :]
    if comma and "#" in comma[0]:
        raise EditError("a comment stands between the item and its comma")
    if at + 1 < len(found):
        gap = value[end : found[at + 1].start]
        rest = value[end + len(gap) - len(gap.lstrip(" \t")) :]
        return value[: item.start] + rest if rest[0] not in "\r\n" else value[: item.start].rstrip(" \t") + rest
    if at and not comma:
        before = _COMMA.match(value, found[at - 1].end)
        if before is None or "#" in value[before.start() : item.start]:
            # The comma before a comment stays: an array may end in one.
            return value[: item.start] + value[item.end :]
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
    if len(there) == len(wanted):
        for at, item in reversed(list(enumerate(items(array, 0)))):
            if not same(there[at], wanted[at]):
                array = array[: item.value] + written(array[item.value : item.end], value[at]) + array[item.end :]
        return array
    kept: list[int] = []
    for at, item in enumerate(there):
        if len(kept) < len(wanted) and same(item, wanted[len(kept)]):
            kept.append(at)
    for at in sorted(set(range(len(there))).difference(kept), reverse=True):
        array = without_part(array, at)
    for item in value[len(kept) :]:
        array = with_item(array, literal(item))
    return array


def _read(value: str) -> Any:
    return loads(f"x = {value}")["x"]

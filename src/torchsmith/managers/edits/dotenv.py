"""Edits of files with variables: .env (``KEY=value``) and .envrc (``export KEY=value``)."""

from __future__ import annotations

from torchsmith.managers.edits.base import EditError, newline
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

_ASSIGNMENT = pattern(r"(?m)^(\ufeff?[ \t]*)(export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)([ \t]*=[ \t]*)")
_VALUE = pattern(r"""'[^']*+'|"(?:[^"\\]++|\\[\s\S])*+"|[^\s#'"](?:[^\r\n#]|(?<=\S)#)*+|(?=[\s#]|\Z)""")
_SAFE = pattern(r"[A-Za-z0-9_@%+=:,./-]*")
_NAME = pattern(r"[A-Za-z_][A-Za-z0-9_]*")


@record
class Variable:
    """One assignment: where its line begins, and where its value stands."""

    name: str
    exported: bool
    start: int
    value: int
    end: int
    indent: str = ""


def variables(text: str) -> tuple[Variable, ...]:
    """The assignments in order; a value in quotes may run over several lines."""
    found: list[Variable] = []
    at = 0
    while match := _ASSIGNMENT.search(text, at):
        value = _VALUE.match(text, match.end())
        if value is None:
            at = match.end()
            continue
        end = match.end() + len(value[0].rstrip(" \t"))
        found.append(Variable(match[3], bool(match[2]), match.start(), match.end(), end, match[1].lstrip("\ufeff")))
        at = max(value.end(), match.end())
    return tuple(found)


def read(text: str) -> dict[str, str]:
    """The values without their quotes; nothing is expanded."""
    return {each.name: _unquoted(text[each.value : each.end]) for each in variables(text)}


def put(text: str, name: str, value: str, *, shell: bool = False) -> str:
    """Set a variable: in place, with its quotes and its comment, else at the end. ``shell`` is for .envrc: exported, and
    quoted as a shell reads it.

    Raises:
        EditError: the variable is set twice, or in a block of a script.

    """
    if not _NAME.fullmatch(name) or "\0" in value:
        raise EditError(f"{name!r} cannot be a variable")
    there = _one(text, name, shell=shell)
    if there is None:
        line = f"{'export ' if shell else ''}{name}={_quoted(value)}"
        end = newline(text)
        return f"{text}{end}{line}" if text and text != "\ufeff" and text[-1] not in "\n\r" else f"{text}{line}{end}"
    old = text[there.value : there.end]
    if _unquoted(old) == value and (not old.startswith('"') or not any(sign in old for sign in "$`")):
        return text
    return text[: there.value] + _quoted(value, old[:1]) + text[there.end :]


def remove(text: str, name: str, *, shell: bool = False) -> str:
    """Take the line of a variable away.

    Raises:
        EditError: see ``put``.

    """
    there = _one(text, name, shell=shell)
    if there is None:
        return text
    end = _line_end(text, there.end)
    start = there.start + (1 if text[there.start : there.start + 1] == "\ufeff" else 0)
    return text[:start] + text[end:]


def _one(text: str, name: str, *, shell: bool) -> Variable | None:
    if "\0" in text:
        raise EditError("this is no text: it has NUL bytes")
    found = [each for each in variables(text) if each.name == name]
    line = text.count("\n", 0, found[-1].start) + 1 if found else 0
    if len(found) > 1:
        raise EditError(f"{name} is set {len(found)} times", line)
    if found and shell and found[0].indent:
        raise EditError(f"{name} is set inside a block of the script", line)
    if found and text[found[0].end : found[0].end + 1] not in {"", " ", "\t", "\r", "\n"}:
        raise EditError(f"the value of {name} is put together of several pieces", line)
    return found[0] if found else None


def _line_end(text: str, at: int) -> int:
    while at < len(text) and text[at] not in "\r\n":
        at += 1
    return at + 2 if text.startswith("\r\n", at) else min(at + 1, len(text))


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) > 1 and value[0] == value[-1] == '"':
        import re

        return re.sub(r'\\([\\"$`])', r"\1", value[1:-1])
    return value


def _quoted(value: str, style: str = "") -> str:
    if style not in {"'", '"'} and _SAFE.fullmatch(value):
        return value
    if style != '"' and "'" not in value:
        return f"'{value}'"
    for sign in '\\"$`':
        value = value.replace(sign, "\\" + sign)
    return f'"{value}"'

"""Where a new key or a new table goes, and how it is laid out there."""

from __future__ import annotations

from torchsmith.managers.edits.base import EditError, indentation, newline
from torchsmith.managers.edits.toml_literals import dotted, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from torchsmith.managers.edits.toml_spans import Document, Path, Statement


def place_of_keys(document: Document, table: Path) -> tuple[Statement | None, tuple[str, ...]] | None:
    """After which statement a key of ``table`` goes, and the words that come before it there.

    None as a statement is the top of the file; None at all, that the table is not there yet.
    """
    own = [each for each in document.headers if each.path == table]
    if own or not table:
        section = own[-1].section if own else 0
        keys = [each for each in document.statements if each.kind == "key" and each.section == section]
        return (keys or own or [None])[-1], ()  # type: ignore[list-item]
    size = len(table)
    for each in reversed(document.statements):
        if each.kind == "key" and each.path[:size] == table and len(each.own) > len(each.path) - size > 0:
            return each, each.own[: len(each.own) - (len(each.path) - size)]
    return None


def insert_key(document: Document, after: Statement | None, words: tuple[str | int, ...], value: str) -> str:
    """A key after a statement, indented like it."""
    text = document.text
    line = f"{dotted(words)} = {value}"
    if after is None:
        return _at_the_top(document, line)
    indent = indentation(text[after.start : after.end]) if after.kind == "key" else ""
    return _inserted(document, after.end, [indent + line])


def section_end(document: Document, path: Path) -> int:
    """Where a new table goes: after the last one that shares the most of its path, else at the end of the file."""
    best, chosen = 0, None
    for each in document.headers:
        if each.path[:1] != path[:1]:
            continue
        shared = next(
            (at for at, (a, b) in enumerate(zip(each.path, path, strict=False)) if a != b), min(len(each.path), len(path))
        )
        if shared and shared >= best:
            best, chosen = shared, each
    if chosen is None:
        return len(document.text)
    later = [each for each in document.headers if each.section > chosen.section]
    return later[0].start if later else len(document.text)


def new_section(table: Path, name: str | int, value: str) -> list[str]:
    """The lines of a table that is not there yet."""
    if isinstance(name, int) or any(isinstance(word, int) for word in table[-1:]):
        raise EditError(f"`{dotted(table)}` has no entry {name}")
    return [f"[{dotted(table)}]", f"{dotted((name,))} = {value}"]


def entry_block(path: Path, entry: Mapping[str, Any]) -> list[str]:
    """The lines of an entry of an array of tables."""
    return [f"[[{dotted(path)}]]", *(f"{dotted((name,))} = {literal(value)}" for name, value in entry.items())]


def append_block(document: Document, at: int, block: Sequence[str]) -> str:
    """A block before the offset ``at``, which is a header or the end, with a blank line around it.

    Comments right before the header belong to it and stay there.
    """
    text = document.text
    before = [each for each in document.statements if each.end <= at]
    while at < len(text) and before and before[-1].kind == "comment":
        before.pop()
    if at < len(text) and before and before[-1].kind != "blank":
        # The comments follow without a blank line: they end the table before it.
        before = [each for each in document.statements if each.end <= at]
    while before and before[-1].kind == "blank":
        before.pop()
    if not before:
        at = document.statements[0].start if document.statements else len(text)
        return _inserted(document, at, [*block, ""] if document.statements else list(block))
    last = before[-1]
    followed = next((each for each in document.statements if each.start >= last.end), None)
    blank_after = [] if followed is None or followed.kind == "blank" else [""]
    return _inserted(document, last.end, ["", *block, *blank_after])


def without(document: Document, statements: Sequence[Statement]) -> str:
    """The text without these statements; of the blank lines around a header that goes, one goes too."""
    text, gone = document.text, set(statements)
    kept: list[str] = []
    at = 0
    all_of_them = document.statements
    for number, each in enumerate(all_of_them):
        drop = each in gone
        if each.kind == "blank" and number + 1 < len(all_of_them):
            following = all_of_them[number + 1]
            drop = following in gone and following.kind in {"table", "array"}
        if drop:
            kept.append(text[at : each.start])
            at = each.end
    return "".join(kept) + text[at:]


def _inserted(document: Document, at: int, block: list[str]) -> str:
    """Lines at an offset. A file whose last line has no end keeps that."""
    text = document.text
    end = newline(text, at) if at else newline(text)
    if at and text[at - 1] not in "\n\ufeff":
        end = newline(text)
        return text[:at] + "".join(end + line for line in block) + text[at:]
    return text[:at] + "".join(line + end for line in block) + text[at:]


def _at_the_top(document: Document, line: str) -> str:
    """Before the first header and the comments right before it; at the end of a file that has none."""
    text = document.text
    if not document.headers:
        return _inserted(document, len(text), [line])
    first = document.statements.index(document.headers[0])
    while first and document.statements[first - 1].kind == "comment":
        first -= 1
    return _inserted(document, document.statements[first].start, [line, ""])

"""What is commented out in a TOML text: keys and whole tables that can be read, and that can be put back to life."""

from __future__ import annotations

from torchsmith.managers.edits.base import EditError, bare, end_of, indentation
from torchsmith.managers.edits.toml_literals import dotted, literal
from torchsmith.managers.edits.toml_spans import Document, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from torchsmith.managers.edits.toml_spans import Path, Statement


def commented(text: str, path: Path) -> tuple[Any, ...]:
    """The values of the lines that are commented out in the table of ``path`` and have its key.

    Raises:
        EditError: the text is no TOML.

    """
    return tuple(value for _, value in _lines(Document(text), path))


def commented_entries(text: str, path: Path) -> tuple[dict[str, Any], ...]:
    """The entries of an array of tables that are commented out, header and all.

    Raises:
        EditError: the text is no TOML.

    """
    return tuple(entry for _, entry in _blocks(Document(text), path))


def revived(document: Document, path: Path, value: Any) -> str | None:
    """The text with a live line in the place of the first one that is commented out; None where there is none."""
    found = next(_lines(document, path), None)
    if found is None or not isinstance(path[-1], str):
        return None
    statement = found[0]
    line = document.text[statement.start : statement.end]
    new = f"{indentation(line)}{dotted(path[-1:])} = {literal(value)}{end_of(line)}"
    return document.text[: statement.start] + new + document.text[statement.end :]


def revived_entry(document: Document, path: Path, entry: Mapping[str, Any], by: str) -> str | None:
    """The text with the entry in the place of a block that is commented out and has its ``by``; None where there is none."""
    for block, there in _blocks(document, path):
        if there.get(by) != entry[by]:
            continue
        text = document.text
        start, end = block[0].start, block[-1].end
        line = text[start : block[0].end]
        lines = [f"[[{dotted(path)}]]", *(f"{dotted((name,))} = {literal(item)}" for name, item in entry.items())]
        between = end_of(line) or "\n"
        made = text[:start] + between.join(indentation(line) + each for each in lines) + end_of(text[start:end]) + text[end:]
        return _same_but_the_entry(document, made, path, entry)
    return None


def _same_but_the_entry(document: Document, made: str, path: Path, entry: Mapping[str, Any]) -> str | None:
    """A block in the middle of a table would take what follows it: then it is not revived there."""
    from torchsmith.managers.edits.toml import read
    from torchsmith.managers.edits.toml_literals import meant, same

    try:
        found = read(made, path, [])
        data = loads(made)
    except EditError:
        return None
    old = read(document.text, path, [])
    wanted = meant(dict(entry))
    without = [item for item in found if not same(item, wanted)]
    return made if same(without, old) and len(found) == len(old) + 1 and _others_same(document.data, data, path) else None


def _others_same(before: Any, after: Any, path: Path) -> bool:
    from torchsmith.managers.edits.toml_literals import same

    if not path:
        return True
    first = path[0]
    one = {name: item for name, item in before.items() if name != first}
    two = {name: item for name, item in after.items() if name != first}
    return same(one, two) and _others_same(before.get(first, {}), after.get(first, {}), path[1:])


def _uncommented(line: str) -> str:
    return bare(line).strip(" \t").lstrip("#").strip(" \t")


def _lines(document: Document, path: Path) -> Iterator[tuple[Statement, Any]]:
    table, sections = path[:-1], {0} if len(path) == 1 else set()
    sections.update(each.section for each in document.headers if each.path == table)
    for each in document.statements:
        if each.kind == "comment" and each.section in sections:
            line = _uncommented(document.text[each.start : each.end])
            # Prose is not parsed: only what begins like the key.
            read = _key(line) if line.lstrip("\"'").startswith(str(path[-1])[:1]) else None
            if read is not None and read[0] == path[-1]:
                yield each, read[1]


def _key(line: str) -> tuple[str, Any] | None:
    if "=" not in line or line.startswith("["):
        return None
    try:
        ((name, value),) = loads(line).items()
    except (EditError, ValueError):
        return None
    return name, value


def _blocks(document: Document, path: Path) -> Iterator[tuple[list[Statement], dict[str, Any]]]:
    header = ".".join(word for word in path if isinstance(word, str))
    text = document.text
    block: list[Statement] = []
    entry: dict[str, Any] = {}
    for each in (*document.statements, None):
        line = _uncommented(text[each.start : each.end]) if each is not None and each.kind == "comment" else ""
        if block:
            read = _key(line)
            if read is not None and read[0] not in entry:
                block.append(each)  # type: ignore[arg-type]
                entry[read[0]] = read[1]
                continue
            if entry:
                yield block, entry
            block, entry = [], {}
        if each is not None and line.startswith("[[") and line.partition("]]")[0].strip("[ \t").replace(" ", "") == header:
            block = [each]

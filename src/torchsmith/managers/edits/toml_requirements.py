"""Requirements (PEP 508) in an array of TOML: project.dependencies, optional dependencies, dependency groups, dev lists."""

from __future__ import annotations

from torchsmith.managers.edits import toml_inline
from torchsmith.managers.edits.base import EditError, normalised
from torchsmith.managers.edits.requirement import name_of, parts
from torchsmith.managers.edits.toml import checked, put
from torchsmith.managers.edits.toml_literals import dotted, same, string
from torchsmith.managers.edits.toml_spans import Document, items

__all__ = ["named", "parts", "put_requirement", "remove_requirement"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.managers.edits.toml_spans import Path


def named(text: str, path: Path, name: str) -> tuple[str, ...]:
    """The requirements of that name in the array, as they stand; none where there is no array.

    Raises:
        EditError: the text is no TOML.

    """
    document = Document(text)
    return tuple(requirement for _, requirement in _found(_array(document, path), name))


def put_requirement(text: str, path: Path, requirement: str, *, every: bool = False) -> str:
    """Put ``requirement`` in the place of the one with its name, else at the end; the array is made if there is none.

    The written form of the name stays, and so do extras and marker that the new one does not give. With ``every`` all of
    that name change, each keeping its own marker.

    Raises:
        EditError: the text is no TOML, no array stands there, or the name is there more than once.

    """
    document = Document(text)
    there = _array(document, path)
    name, extras, specifier, marker = parts(requirement)
    found = _found(there, name)
    if not there and not document.under(path):
        return put(text, path, [requirement])
    if len(found) > 1 and not every:
        raise EditError(f"`{dotted(path)}` names {name} {len(found)} times: one for each system or Python")
    wanted = list(there)
    for at, old in found:
        same_name, own, _, condition = parts(old)
        condition = marker or condition
        space = " " if specifier.startswith("@") else ""
        wanted[at] = f"{same_name}{extras or own}{space}{specifier}{_gap(old)}{condition}"
    if not found:
        wanted.append(requirement)
    return _replaced(document, path, there, wanted)


def remove_requirement(text: str, path: Path, name: str) -> str:
    """Take every requirement of that name out of the array.

    Raises:
        EditError: the text is no TOML, or no array stands there.

    """
    document = Document(text)
    there = _array(document, path)
    gone = {at for at, _ in _found(there, name)}
    if not gone:
        return text
    start, end = _span(document, path)
    array = document.text[start:end]
    for at in sorted(gone, reverse=True):
        array = toml_inline.without_part(array, at)
    wanted = [item for at, item in enumerate(there) if at not in gone]
    return _checked(document, path, array, wanted)


def _gap(old: str) -> str:
    """The spaces before the semicolon, as they were."""
    head = old.partition(";")[0]
    return head[len(head.rstrip()) :] if ";" in old else ""


def _array(document: Document, path: Path) -> list[Any]:
    from torchsmith.managers.edits.toml import read_data

    found = read_data(document.data, path, [])
    if not isinstance(found, list):
        raise EditError(f"`{dotted(path)}` is no array")
    return found


def _found(there: list[Any], name: str) -> list[tuple[int, str]]:
    """The numbers and texts of the requirements of that name; what is no requirement (an included group) is passed over."""
    wanted = normalised(name)
    texts = [(at, item) for at, item in enumerate(there) if isinstance(item, str)]
    return [(at, item) for at, item in texts if name_of(item) == wanted]


def _span(document: Document, path: Path) -> tuple[int, int]:
    span = document.span(path)
    if span is None or document.text[span[0]] != "[":
        raise EditError(f"`{dotted(path)}` is no array that can be edited")
    return span


def _replaced(document: Document, path: Path, there: list[Any], wanted: list[Any]) -> str:
    if same(there, wanted):
        return document.text
    start, end = _span(document, path)
    array = document.text[start:end]
    for at, item in reversed(list(enumerate(items(array, 0)))):
        if not same(there[at], wanted[at]):
            quote = "'" if array[item.value] == "'" else '"'
            array = array[: item.value] + string(wanted[at], quote) + array[item.end :]
    for new in wanted[len(there) :]:
        quote = "'" if "'" not in new and "'" in array and '"' not in array else '"'
        array = toml_inline.with_item(array, string(new, quote))
    return _checked(document, path, array, wanted)


def _checked(document: Document, path: Path, array: str, wanted: list[Any]) -> str:
    from torchsmith.managers.edits.toml import with_data

    start, end = _span(document, path)
    return checked(document.text[:start] + array + document.text[end:], with_data(document.data, path, wanted))

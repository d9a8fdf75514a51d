"""One requirement (PEP 508) in its parts, as they stand; in time that grows with its length, whatever it holds."""

from __future__ import annotations

from torchsmith.managers.edits.base import EditError, normalised
from torchsmith.model.pattern import pattern

_NAME = pattern(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_MARKER = pattern(r"(?<=\s);")
_BEGINS = frozenset("<>=!~@(")


def split(requirement: str) -> tuple[str, str, str, str] | None:
    """Name, extras with brackets, specifier or address, marker with its semicolon; None if it begins with no name.

    Behind an address a marker begins at a semicolon with a space before it, since addresses may have semicolons.
    """
    found = _NAME.match(requirement.strip())
    if not found:
        return None
    rest = requirement.strip()[found.end() :].lstrip()
    extras = ""
    if rest.startswith("["):
        end = rest.find("]") + 1
        extras, rest = rest[:end], rest[end:].lstrip()
    if rest.startswith("@"):
        cut = _MARKER.search(rest)
        at = cut.start() if cut else len(rest)
    else:
        at = rest.find(";") if ";" in rest else len(rest)
    return found[0], extras, rest[:at].rstrip(), rest[at:]


def parts(requirement: str) -> tuple[str, str, str, str]:
    """The same.

    Raises:
        EditError: it is no requirement.

    """
    found = split(requirement)
    if not found or any(letter < " " for letter in requirement) or (found[2] and found[2][0] not in _BEGINS):
        raise EditError(f"{requirement[:80]!r} is no requirement")
    return found


def name_of(requirement: str) -> str:
    """The normalised name; empty for an option, a path or an address without a name."""
    found = split(requirement)
    return normalised(found[0]) if found and (not found[2] or found[2][0] in _BEGINS) else ""

"""Whether an object finds its symbols in the libraries that it would be loaded beside: import errors, told before they happen."""

from __future__ import annotations

from torchsmith.binaries import pe_exports
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.formats import format_of
from torchsmith.binaries.pe_lookup import Exports
from torchsmith.binaries.reader import BinaryFile
from torchsmith.binaries.symbols import Library, unanswered, versions_lacking
from torchsmith.model.binding import Binding, LackingVersion, Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    T = TypeVar("T")
    Opened = tuple[str, BinaryFile, int]
    """(path, file, size in bytes)."""

MISSING_LIMIT = 10_000
"""Symbols without an answer that are kept; far more are missing only where a library was left out."""


def bind(extension: Opened, scope: Iterable[Opened]) -> Binding:
    """Return what the extension asks for and the libraries of the ``scope`` do not offer.

    On Linux the scope is everything that the loader would search, in any order: the interpreter and its libraries, and all that
    the extension needs, directly or not. On Windows symbols are asked of one DLL each: those of DLLs outside the scope are
    taken for granted. Raises BinaryError where the extension itself cannot be read.
    """
    path, file, size = extension
    return (_elf if format_of(file, size) == "elf" else _pe)(path, file, size, scope)


def _elf(path: str, file: BinaryFile, size: int, scope: Iterable[Opened]) -> Binding:
    own = Library(file, size)
    libraries, unread = _opened(scope, Library)
    wanted = own.wanted()
    missing = []
    by_library = {library: where for where, library in libraries.items()}
    for one in unanswered(wanted, (*by_library, own)):
        missing.append(Unanswered(one.name, one.version, one.library))
        if len(missing) == MISSING_LIMIT:
            break
    lacking = tuple(
        LackingVersion(need.version, by_library[library]) for need, library in versions_lacking(own.version_needs(), by_library)
    )
    return Binding(path, len(wanted), tuple(missing), lacking, unread)


def _pe(path: str, file: BinaryFile, size: int, scope: Iterable[Opened]) -> Binding:
    dlls, unread = _opened(scope, Exports)
    by_name = {where.replace("\\", "/").rpartition("/")[2].lower(): dll for where, dll in dlls.items()}
    missing: list[Unanswered] = []
    wanted = 0
    for one in pe_exports.imported(file, size):
        dll = by_name.get(one.dll.lower())
        wanted += 1
        if dll is None or one.delayed or len(missing) == MISSING_LIMIT:
            continue
        if not (dll.offers(one.name) if one.name else dll.offers_ordinal(one.ordinal)):
            missing.append(Unanswered(one.name or f"#{one.ordinal}", "", one.dll))
    return Binding(path, wanted, tuple(missing), (), unread)


def _opened(scope: Iterable[Opened], kind: Callable[[BinaryFile, int], T]) -> tuple[dict[str, T], tuple[tuple[str, str], ...]]:
    """The libraries by path, and those that could not be read."""
    found, unread = {}, []
    for path, file, size in scope:
        try:
            found[path] = kind(file, size)
        except BinaryError as error:
            unread.append((path, str(error)))
    return found, tuple(unread)

"""What a PE file offers to others, and which symbols it takes from them.

A forwarder is an export that another DLL answers: ``python3.dll`` forwards all of its symbols to ``python311.dll``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.pe_image import DELAY_IMPORTS, EXPORTS, Image, image
from torchsmith.binaries.reader import STRING_LIMIT, TEXT_LIMIT, BinaryFile, text
from torchsmith.model.record import record

EXPORT_LIMIT = 0x10000
"""Exported functions: the format numbers them with 16 bits."""
SYMBOL_LIMIT = 1_000_000
DLL_LIMIT = 4096

_EXPORTS = struct.Struct("<IIHHIIIIIII")
_IMPORT = struct.Struct("<IIIII")
_DELAY_IMPORT = struct.Struct("<IIIIIIII")
_BLOCK = 1 << 16


@record
class Export:
    """One symbol that a DLL offers; ``name`` is "" for one that is known by its ordinal only."""

    name: str
    ordinal: int
    forwarder: str = ""
    """``DLL.symbol`` or ``DLL.#ordinal`` that answers instead."""


@record
class Imported:
    """One symbol that a file takes from a DLL, by ``name``, or by ``ordinal`` where the name is ""."""

    dll: str
    name: str
    ordinal: int = 0
    delayed: bool = False


def exports(file: BinaryFile, size: int) -> Iterator[Export]:
    """Yield what the DLL offers: named symbols in the order of their table, then those without a name.

    Raises BinaryError for a damaged table.
    """
    mapped = image(file, size)
    start = mapped.directory(EXPORTS)
    if start is None:
        return
    *_, base, functions, names, addresses, name_table, ordinals = mapped.unpack(_EXPORTS, start, "the export table")
    if functions > EXPORT_LIMIT or names > EXPORT_LIMIT:
        raise BinaryError(f"{functions} exports, {names} of them with a name: at most {EXPORT_LIMIT} are believed")
    if not functions:
        return
    end = start + mapped.directories[EXPORTS][1]
    texts = _Texts(mapped)
    targets = _numbers(mapped, addresses, functions, 4)

    def forwarder(index: int) -> str:
        # an address inside the export directory is that of a text
        return texts.at(targets[index], "a forwarder") if start <= targets[index] < end else ""

    named = set()
    for at, index in zip(_numbers(mapped, name_table, names, 4), _numbers(mapped, ordinals, names, 2), strict=True):
        if index >= functions:
            raise BinaryError(f"an exported name for function {index} of {functions}")
        named.add(index)
        yield Export(texts.at(at, "an exported name"), base + index, forwarder(index))
    for index, target in enumerate(targets):
        if target and index not in named:
            yield Export("", base + index, forwarder(index))


def forwarded(file: BinaryFile, size: int) -> tuple[str, ...]:
    """Return the DLLs that answer for exports of this one, such as ``python311.dll``; raise BinaryError for damage."""
    targets = (found.forwarder.rpartition(".")[0] for found in exports(file, size) if found.forwarder)
    return tuple(dict.fromkeys(dll if "." in dll else f"{dll}.dll" for dll in targets if dll))


def imported(file: BinaryFile, size: int) -> Iterator[Imported]:
    """Yield the symbols that the file takes from each DLL, those of delay-loaded ones last.

    Raises BinaryError for a damaged table.
    """
    mapped = image(file, size)
    texts = _Texts(mapped)
    count = 0
    for dll, thunks, shift, delayed in (*_import_rows(mapped), *_delay_rows(mapped)):
        for name, ordinal in _symbols(mapped, texts, thunks, shift):
            count += 1
            if count > SYMBOL_LIMIT:
                raise BinaryError(f"more than {SYMBOL_LIMIT} imported symbols")
            yield Imported(dll, name, ordinal, delayed)


def _import_rows(mapped: Image) -> Iterator[tuple[str, int, int, bool]]:
    """Yield DLL name, address of its list of symbols, what to take off the addresses in it, whether it is delay-loaded."""
    from torchsmith.binaries.pe_image import IMPORTS

    address = mapped.directory(IMPORTS)
    for _ in range(DLL_LIMIT if address is not None else 0):
        lookup, _, _, name, thunk = mapped.unpack(_IMPORT, address or 0, "the import table")
        if not name or not thunk:
            return
        yield mapped.string(name, "the name of an imported DLL"), lookup or thunk, 0, False
        address = (address or 0) + _IMPORT.size


def _delay_rows(mapped: Image) -> Iterator[tuple[str, int, int, bool]]:
    address = mapped.directory(DELAY_IMPORTS)
    for _ in range(DLL_LIMIT if address is not None else 0):
        attributes, name, _, _, lookup, *_rest = mapped.unpack(_DELAY_IMPORT, address or 0, "the delay import table")
        if not name:
            return
        shift = 0 if attributes & 1 else mapped.base
        yield mapped.string(name - shift, "the name of a delay-loaded DLL"), lookup - shift, shift, True
        address = (address or 0) + _DELAY_IMPORT.size


def _symbols(mapped: Image, texts: _Texts, thunks: int, shift: int) -> Iterator[tuple[str, int]]:
    """Yield name and ordinal of each symbol in one zero-terminated list."""
    width = mapped.bits // 8
    flag = 1 << (mapped.bits - 1)
    found = mapped.mapping(thunks)
    place, end = mapped.offset(thunks), found.offset + found.size
    while place < end:
        block = mapped.reader.up_to(place, min(_BLOCK, (end - place) // width * width), "the imported symbols")
        if not block or len(block) % width:
            break
        for (value,) in struct.iter_unpack("<Q" if width == 8 else "<I", block):
            if not value:
                return
            if value & flag:
                yield "", value & 0xFFFF
            else:
                yield texts.at((value & 0x7FFFFFFF) - shift + 2, "an imported symbol"), 0  # behind a hint of two bytes
        place += len(block)
    raise BinaryError("a list of imported symbols has no end", cut_short=end > mapped.reader.size)


def _numbers(mapped: Image, address: int, count: int, width: int) -> tuple[int, ...]:
    if not count:
        return ()
    return struct.unpack(f"<{count}{'I' if width == 4 else 'H'}", mapped.at(address, count * width, "the export table"))


class _Texts:
    """Names by address. They lie side by side: a block that is kept saves a read for nearly every one."""

    def __init__(self, mapped: Image) -> None:
        self._mapped = mapped
        self._start, self._block = 0, b""
        self._left = TEXT_LIMIT

    def at(self, address: int, what: str) -> str:
        """Return the name at ``address``, of a bounded amount of text in all."""
        place = self._mapped.offset(address)
        end = self._block.find(b"\0", place - self._start) if self._start <= place < self._start + len(self._block) else -1
        if end < 0:
            self._start = place
            self._block = self._mapped.reader.up_to(place, _BLOCK, what)
            end = self._block.find(b"\0")
        if end < 0 or end - (place - self._start) > STRING_LIMIT:
            raise BinaryError(f"{what}: the name at {place} has no end", cut_short=place + _BLOCK > self._mapped.reader.size)
        name = self._block[place - self._start : end]
        self._left -= len(name)
        if self._left < 0:
            raise BinaryError(f"{what}: more than {TEXT_LIMIT} bytes of names")
        return text(name)

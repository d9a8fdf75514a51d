"""What a macOS image offers to others, and what it takes from which library: names without their leading underscore are C's."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.macho import MachO, Table
from torchsmith.binaries.reader import TEXT_LIMIT, BinaryFile, Reader, Strings, text
from torchsmith.model.record import record

SYMBOL_LIMIT = 4_000_000
NAMES_LIMIT = 32 * 1024 * 1024
TRIE_LIMIT = 16 * 1024 * 1024
NAME_LIMIT = 64 * 1024

_SYMBOLS = {32: struct.Struct("<IBBhI"), 64: struct.Struct("<IBBHQ")}
_BLOCK = 4096
"""Symbols per read."""
_STAB, _PRIVATE, _TYPE, _EXTERNAL = 0xE0, 0x10, 0x0E, 0x01
_UNDEFINED, _PREBOUND = 0x0, 0xC
_WEAK = 0x40
_SPECIAL = {0: "self", 0xFE: "flat", 0xFF: "executable"}
"""Library numbers that are none: the image itself, any image that is loaded, the main program."""
_REEXPORT = 0x08


@record
class Undefined:
    """One symbol that an image needs."""

    name: str
    library: str
    """The load command's name for the library that must have it, or ``flat`` where any loaded image may, ``executable`` ..."""
    weak: bool
    """Whether the image loads without it."""


def undefined(file: BinaryFile, size: int, image: MachO) -> Iterator[Undefined]:
    """Yield the symbols that other images must provide; raise BinaryError for a damaged table."""
    for name, kind, _, described in _symbols(Reader(file, size), image):
        if kind & _STAB or not kind & _EXTERNAL or kind & _TYPE not in {_UNDEFINED, _PREBOUND}:
            continue
        number = (described & 0xFFFF) >> 8
        known = image.dylibs[number - 1].name if 0 < number <= len(image.dylibs) else _SPECIAL.get(number, "")
        yield Undefined(name, known, bool(described & _WEAK))


def exports(file: BinaryFile, size: int, image: MachO) -> Iterator[str]:
    """Yield the symbols that other images can use; raise BinaryError for a damaged table.

    They stand in a trie, which is what dyld reads; an old image without one has them in its symbol table.
    """
    if image.exported is not None:
        yield from _trie(Reader(file, size), image.exported)
        return
    for name, kind, _, _ in _symbols(Reader(file, size), image):
        if not kind & _STAB and kind & _EXTERNAL and not kind & _PRIVATE and kind & _TYPE != _UNDEFINED:
            yield name


def _symbols(reader: Reader, image: MachO) -> Iterator[tuple[str, int, int, int]]:
    """Yield name, type, section and description of each symbol."""
    if image.symbols is None or image.names is None:
        return
    if image.symbols.count > SYMBOL_LIMIT or image.names.count > NAMES_LIMIT:
        raise BinaryError(f"{image.symbols.count} symbols, {image.names.count} bytes of names: not believed")
    row = _SYMBOLS[image.bits]
    end = image.symbols.offset + image.symbols.count * row.size
    if end > reader.size:
        raise BinaryError(f"the symbol table ends at {end}, the file at {reader.size}", cut_short=True)
    names = Strings(reader.at(image.names.offset, image.names.count, "the names of symbols"), "the names of symbols")
    for place in range(image.symbols.offset, end, _BLOCK * row.size):
        data = reader.at(place, min(_BLOCK * row.size, end - place), "the symbol table")
        for name, kind, section, described, _ in row.iter_unpack(data):
            if kind & _EXTERNAL:
                yield names.at(name), kind, section, described


def _trie(reader: Reader, table: Table) -> Iterator[str]:
    """Yield the names in a trie of exports: nodes of an optional export and edges, each a piece of name to another node."""
    if table.count > TRIE_LIMIT:
        raise BinaryError(f"a trie of exports of {table.count} bytes: at most {TRIE_LIMIT} are believed")
    data = reader.at(table.offset, table.count, "the trie of exports")
    seen = bytearray(len(data))
    left = TEXT_LIMIT
    waiting = [(0, b"")]
    while waiting:
        node, name = waiting.pop()
        if node >= len(data) or seen[node]:
            raise BinaryError("a trie of exports that leads out of itself, or in circles")
        seen[node] = 1
        length, place = _number(data, node)
        if length:
            left -= len(name)
            if left < 0:
                raise BinaryError(f"more than {TEXT_LIMIT} bytes of exported names")
            yield text(name)
        place += length
        if place >= len(data):
            raise BinaryError("a node of the trie of exports has no end")
        edges = data[place]
        place += 1
        for _ in range(edges):
            end = data.find(b"\0", place)
            if end < 0 or end - place + len(name) > NAME_LIMIT:
                raise BinaryError("a name in the trie of exports has no end")
            target, after = _number(data, end + 1)
            left -= len(name)
            if left < 0:
                raise BinaryError(f"more than {TEXT_LIMIT} bytes of exported names")
            waiting.append((target, name + data[place:end]))
            place = after


def _number(data: bytes, place: int) -> tuple[int, int]:
    """Return an unsigned LEB128 number and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, place
    raise BinaryError("a number in the trie of exports has no end")

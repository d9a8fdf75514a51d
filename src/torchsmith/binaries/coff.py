"""Object files of Microsoft's tools (``.obj``): their sections.

Source: https://learn.microsoft.com/windows/win32/debug/pe-format (COFF file header, section table, string table)
"""

from __future__ import annotations

import struct

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader, Section, text

MACHINES = frozenset({b"\x64\x86", b"\x64\xaa", b"\x4c\x01"})
"""The first two bytes of an object for x86-64, ARM64 and x86: there is no other magic."""

SECTION_LIMIT = 65_279
"""The format's own."""

_HEADER = struct.Struct("<HHIIIHH")
_SECTION = struct.Struct("<8sIIIIIIHHI")
_SYMBOL_SIZE = 18


def sections(file: BinaryFile, size: int) -> tuple[Section, ...]:
    """Return the sections of an object file; raise BinaryError for one that is damaged."""
    reader = Reader(file, size)
    _, count, _, symbols, symbol_count, optional, _ = reader.unpack(_HEADER, 0, "the object's header")
    if count > SECTION_LIMIT:
        raise BinaryError(f"{count} sections: at most {SECTION_LIMIT} are believed")
    table = reader.at(_HEADER.size + optional, count * _SECTION.size, "the object's section table")
    strings = symbols + symbol_count * _SYMBOL_SIZE
    found = []
    for name, _, _, length, offset, *_, flags in _SECTION.iter_unpack(table):
        short = name.rstrip(b"\0")
        if short[:1] == b"/" and short[1:].isdigit():
            named = reader.string(strings + int(short[1:]), size, "a section's name")
        else:
            named = text(short)
        found.append(Section(named, offset, length, flags))
    return tuple(found)

"""The numbers and record layouts of ELF, for both word sizes and byte orders."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from torchsmith.binaries.errors import BinaryError
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

MAGIC = b"\x7fELF"

SEGMENT_LIMIT = 512
SECTION_LIMIT = 200_000
SECTION_NAMES_LIMIT = 16 * 1024 * 1024
STRING_TABLE_LIMIT = 256 * 1024 * 1024
NAMES_AT_ONCE_LIMIT = 32 * 1024 * 1024
"""Bytes of names that are held in memory while all symbols are listed; libtorch_cpu.so has five million."""
DYNAMIC_LIMIT = 65_536
SYMBOL_SECTION_LIMIT = 16
"""Dynamic symbol tables; a real file has one."""
SYMBOL_LIMIT = 8_000_000

SHT_NOBITS = 8
SHT_DYNSYM = 11
SHN_XINDEX = 0xFFFF


class Pt:
    """Kinds of program headers."""

    LOAD = 1
    DYNAMIC = 2
    INTERP = 3


class Dt:
    """Tags of the dynamic section."""

    NULL = 0
    NEEDED = 1
    HASH = 4
    STRTAB = 5
    SYMTAB = 6
    STRSZ = 10
    SONAME = 14
    RPATH = 15
    RUNPATH = 29
    FLAGS_1 = 0x6FFFFFFB
    AUXILIARY = 0x7FFFFFFD
    FILTER = 0x7FFFFFFF
    VERDEF = 0x6FFFFFFC
    VERNEED = 0x6FFFFFFE


@record
class Layout:
    """The record layouts of one word size and byte order."""

    bits: Literal[32, 64]
    endian: Literal["<", ">"]
    header: struct.Struct
    program: struct.Struct
    section: struct.Struct
    dynamic: struct.Struct
    symbol: struct.Struct

    def program_fields(self, row: Sequence[int]) -> tuple[int, int, int, int]:
        """Return (type, offset, address, size in the file); the word sizes order them differently."""
        if self.bits == 64:
            return row[0], row[2], row[3], row[5]
        return row[0], row[1], row[2], row[4]

    def symbol_fields(self, row: Sequence[int]) -> tuple[int, int, int, int, int]:
        """Return (place of the name, info, section, address, size)."""
        if self.bits == 64:
            return row[0], row[1], row[3], row[4], row[5]
        return row[0], row[3], row[5], row[1], row[2]


_LAYOUTS: dict[tuple[int, str], Layout] = {}


def layout_of(ident: bytes) -> Layout:
    """Return the layouts that the first 16 bytes of a file ask for; raise BinaryError where it is no ELF file."""
    if ident[:4] != MAGIC or len(ident) < 16:
        raise BinaryError("not an ELF file")
    if ident[4] not in {1, 2} or ident[5] not in {1, 2}:
        raise BinaryError(f"an ELF file of unknown class {ident[4]} or byte order {ident[5]}")
    return layout_for(64 if ident[4] == 2 else 32, "<" if ident[5] == 1 else ">")


def layout_for(bits: Literal[32, 64], endian: Literal["<", ">"]) -> Layout:
    """Return the layouts of a word size and byte order."""
    if known := _LAYOUTS.get((bits, endian)):
        return known
    if bits == 64:
        shapes = ("16x HHIQQQIHHHHHH", "IIQQQQQQ", "IIQQQQIIQQ", "QQ", "IBBHQQ")
    else:
        shapes = ("16x HHIIIIIHHHHHH", "IIIIIIII", "IIIIIIIIII", "II", "IIIBBH")
    header, program, section, dynamic, symbol = (struct.Struct(endian + shape) for shape in shapes)
    made = _LAYOUTS[bits, endian] = Layout(bits, endian, header, program, section, dynamic, symbol)
    return made

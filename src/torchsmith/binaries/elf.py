"""ELF objects: what a library is, what it needs and what it offers.

Sources: System V ABI, chapters 4 and 5 (https://www.sco.com/developers/gabi/latest/contents.html), and the Linux
Standard Base for symbol versions
(https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping

from torchsmith.binaries.elf_layout import (
    DYNAMIC_LIMIT,
    NAMES_AT_ONCE_LIMIT,
    SECTION_LIMIT,
    SECTION_NAMES_LIMIT,
    SEGMENT_LIMIT,
    SHN_XINDEX,
    SHT_DYNSYM,
    SHT_NOBITS,
    STRING_TABLE_LIMIT,
    SYMBOL_LIMIT,
    SYMBOL_SECTION_LIMIT,
    Dt,
    Layout,
    Pt,
    layout_for,
    layout_of,
)
from torchsmith.binaries.elf_versions import defined_versions, needed_versions
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader, Section, Strings
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeVar

    T = TypeVar("T")


@record
class Segment:
    """A part of the file that the loader maps into memory (``PT_LOAD``)."""

    address: int
    offset: int
    size: int
    """Bytes in the file."""


@record
class SymbolTable:
    """Where the dynamic symbols and their names lie in the file, in bytes."""

    offset: int
    count: int
    names_offset: int
    names_size: int


@record
class Elf:
    """What the headers and the dynamic section of an ELF object say."""

    bits: Literal[32, 64]
    endian: Literal["<", ">"]
    """Byte order, as `struct` writes it."""
    machine: int
    """``e_machine``: 62 x86-64, 183 AArch64, 190 a CUDA cubin."""
    soname: str | None
    needed: tuple[str, ...]
    """``DT_NEEDED`` in the order in which the loader takes them."""
    rpath: str | None
    """``DT_RPATH`` as in the file, with ``$ORIGIN`` and colons."""
    runpath: str | None
    """``DT_RUNPATH``; where it is present, the loader ignores ``rpath``."""
    interpreter: str | None
    """The loader that an executable asks for."""
    sections: tuple[Section, ...]
    segments: tuple[Segment, ...]
    version_needs: Mapping[str, tuple[str, ...]]
    """Library -> symbol versions that it must have, such as ``libc.so.6 -> (GLIBC_2.28, ...)``."""
    version_defs: tuple[str, ...]
    """Symbol versions that this library has; the base entry, its own name, is left out."""
    symbols: SymbolTable | None


def read(file: BinaryFile, size: int, damage: list[str] | None = None) -> Elf:
    """Read an ELF object of ``size`` bytes; raise BinaryError for one that is none, is damaged or is cut short.

    Given a list for the ``damage``, only a broken ELF header is an error: what else cannot be read is left out and told there.
    """
    reader = Reader(file, size)
    layout = layout_of(reader.up_to(0, 16, "the ELF header"))
    _, machine, _, _, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, shstrndx = reader.unpack(
        layout.header, 0, "the ELF header"
    )

    def part(read_part: Callable[[], T], otherwise: T) -> T:
        try:
            return read_part()
        except BinaryError as error:
            if damage is None:
                raise
            damage.append(str(error))
            return otherwise

    programs = part(lambda: program_headers(reader, layout, phoff, phentsize, phnum), list[tuple[int, int, int, int]]())
    no_needs: dict[str, tuple[str, ...]] = {}
    nothing: tuple[tuple[Section, ...], list[tuple[int, int]]] = ((), [])
    sections, symbol_sections = part(lambda: _sections(reader, layout, shoff, shentsize, shnum, shstrndx), nothing)
    segments = tuple(Segment(address, offset, length) for kind, offset, address, length in programs if kind == Pt.LOAD)
    dynamic = part(lambda: dynamic_section(reader, layout, programs), dict[int, list[int]]())
    names = part(lambda: _names_table(dynamic, segments), None)

    def named(tag: int) -> tuple[str, ...]:
        found = dynamic.get(tag, [])
        if found and names is None:
            raise BinaryError("the dynamic section names libraries but has no string table")
        start, length = names or (0, 0)
        return tuple(reader.string(start + at, start + length, "the dynamic string table") for at in found)

    def versions_at(tag: int) -> int | None:
        found = dynamic.get(tag)
        return file_offset(segments, found[0]) if found else None

    return Elf(
        bits=layout.bits,
        endian=layout.endian,
        machine=machine,
        soname=_last(part(lambda: named(Dt.SONAME), ())),
        needed=part(lambda: named(Dt.NEEDED), ()),
        rpath=_last(part(lambda: named(Dt.RPATH), ())),
        runpath=_last(part(lambda: named(Dt.RUNPATH), ())),
        interpreter=part(lambda: _interpreter(reader, programs), None),
        sections=sections,
        segments=segments,
        version_needs=part(lambda: needed_versions(reader, layout.endian, versions_at(Dt.VERNEED), names), no_needs),
        version_defs=part(lambda: defined_versions(reader, layout.endian, versions_at(Dt.VERDEF), names), ()),
        symbols=part(lambda: _symbol_table(reader, layout, dynamic, segments, symbol_sections, names), None),
    )


def undefined(file: BinaryFile, size: int, elf: Elf) -> Iterator[str]:
    """Yield the names of the dynamic symbols that other libraries must provide.

    Raises BinaryError for a damaged table.
    """
    return _symbol_names(file, size, elf, defined=False)


def exports(file: BinaryFile, size: int, elf: Elf) -> Iterator[str]:
    """Yield the names of the dynamic symbols that this library offers to others.

    Raises BinaryError for a damaged table.
    """
    return _symbol_names(file, size, elf, defined=True)


def symbol_bytes(file: BinaryFile, size: int, elf: Elf, name: str, length: int) -> bytes | None:
    """Return the first ``length`` bytes of a data symbol; None where the library has no such symbol, or none that long.

    Raises BinaryError for a damaged table.
    """
    if elf.symbols is None:
        return None
    reader = Reader(file, size)
    places = _places_of(reader, elf.symbols, name.encode())
    if not places:
        return None
    for at, _, section, value, extent in _symbols(reader, elf):
        if section and at in places and extent >= length:
            return reader.at(file_offset(elf.segments, value), length, f"the value of {name}")
    return None


def file_offset(segments: tuple[Segment, ...], address: int) -> int:
    """Return the place in the file of a memory address; raise BinaryError where no segment holds it."""
    for segment in segments:
        if segment.address <= address < segment.address + segment.size:
            return segment.offset + address - segment.address
    raise BinaryError(f"address {address:#x} is in no part of the file")


def program_headers(reader: Reader, layout: Layout, start: int, entry: int, count: int) -> list[tuple[int, int, int, int]]:
    """Return (type, offset, address, size in the file) of each program header."""
    if not count:
        return []
    if count > SEGMENT_LIMIT:
        raise BinaryError(f"{count} program headers: at most {SEGMENT_LIMIT} are believed")
    if entry != layout.program.size:
        raise BinaryError(f"program headers of {entry} bytes instead of {layout.program.size}")
    table = reader.at(start, entry * count, "the program header table")
    return [layout.program_fields(values) for values in layout.program.iter_unpack(table)]


def _sections(
    reader: Reader, layout: Layout, start: int, entry: int, count: int, names_at: int
) -> tuple[tuple[Section, ...], list[tuple[int, int]]]:
    """Return the sections, and (offset, size) of each dynamic symbol table among them."""
    if not start:
        return (), []
    if entry != layout.section.size:
        raise BinaryError(f"section headers of {entry} bytes instead of {layout.section.size}")
    first = reader.unpack(layout.section, start, "the section header table")
    count = count or first[5]  # more than 65,279 sections: the real numbers stand in the first, empty one
    names_at = first[6] if names_at == SHN_XINDEX else names_at
    if count > SECTION_LIMIT:
        raise BinaryError(f"{count} sections: at most {SECTION_LIMIT} are believed")
    table = reader.at(start, entry * count, "the section header table")
    names = _section_names(reader, layout, table, names_at)
    sections: list[Section] = []
    symbol_sections: list[tuple[int, int]] = []
    for row in layout.section.iter_unpack(table):  # not kept: two hundred thousand rows are a lot of memory
        sections.append(Section(names.at(row[0]) if names else "", row[4], 0 if row[1] == SHT_NOBITS else row[5], row[2]))
        if row[1] == SHT_DYNSYM and len(symbol_sections) < SYMBOL_SECTION_LIMIT:
            symbol_sections.append((row[4], row[5]))
    return tuple(sections[1:]), symbol_sections


def _section_names(reader: Reader, layout: Layout, table: bytes, index: int) -> Strings | None:
    count = len(table) // layout.section.size
    if index == 0:
        return None
    if index >= count:
        raise BinaryError(f"section names are said to be in section {index} of {count}")
    *_, offset, length, _, _, _, _ = layout.section.unpack_from(table, index * layout.section.size)
    if length > SECTION_NAMES_LIMIT:
        raise BinaryError(f"{length} bytes of section names: at most {SECTION_NAMES_LIMIT} are believed")
    return Strings(reader.at(offset, length, "the section names"), "the section names", SECTION_NAMES_LIMIT // 2)


def dynamic_section(reader: Reader, layout: Layout, programs: list[tuple[int, int, int, int]]) -> dict[int, list[int]]:
    """Return tag -> values, in order."""
    found: dict[int, list[int]] = {}
    for kind, offset, _, length in programs:
        if kind != Pt.DYNAMIC:
            continue
        count = min(length // layout.dynamic.size, DYNAMIC_LIMIT)
        table = reader.at(offset, count * layout.dynamic.size, "the dynamic section")
        for tag, value in layout.dynamic.iter_unpack(table):
            if tag == Dt.NULL:
                break
            found.setdefault(tag, []).append(value)
        break
    return found


def _names_table(dynamic: dict[int, list[int]], segments: tuple[Segment, ...]) -> tuple[int, int] | None:
    address, length = dynamic.get(Dt.STRTAB), dynamic.get(Dt.STRSZ)
    if not address or not length:
        return None
    if length[0] > STRING_TABLE_LIMIT:
        raise BinaryError(f"a dynamic string table of {length[0]} bytes: at most {STRING_TABLE_LIMIT} are believed")
    return file_offset(segments, address[0]), length[0]


def _interpreter(reader: Reader, programs: list[tuple[int, int, int, int]]) -> str | None:
    for kind, offset, _, length in programs:
        if kind == Pt.INTERP:
            return reader.string(offset, offset + length, "the interpreter")
    return None


def _symbol_table(
    reader: Reader,
    layout: Layout,
    dynamic: dict[int, list[int]],
    segments: tuple[Segment, ...],
    sections: list[tuple[int, int]],
    names: tuple[int, int] | None,
) -> SymbolTable | None:
    """Locate the dynamic symbols.

    Their number stands in the section table or, where that was stripped, in the hash table.
    """
    if names is None or Dt.SYMTAB not in dynamic:
        return None
    offset = file_offset(segments, dynamic[Dt.SYMTAB][0])
    count = next((length // layout.symbol.size for start, length in sections if start == offset), None)
    if count is None and Dt.HASH in dynamic:
        place = file_offset(segments, dynamic[Dt.HASH][0])
        count = reader.unpack(struct.Struct(layout.endian + "II"), place, "the symbol hash table")[1]
    if count is None:
        return None
    if count > SYMBOL_LIMIT:
        raise BinaryError(f"{count} dynamic symbols: at most {SYMBOL_LIMIT} are believed")
    return SymbolTable(offset, count, *names)


def _symbols(reader: Reader, elf: Elf) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield (place of the name, info, section, address, size) of each dynamic symbol."""
    if elf.symbols is None:
        return
    layout = layout_for(elf.bits, elf.endian)
    per_read = 4096
    for first in range(0, elf.symbols.count, per_read):
        count = min(per_read, elf.symbols.count - first)
        start = elf.symbols.offset + first * layout.symbol.size
        table = reader.at(start, count * layout.symbol.size, "the dynamic symbol table")
        yield from map(layout.symbol_fields, layout.symbol.iter_unpack(table))


def _symbol_names(file: BinaryFile, size: int, elf: Elf, *, defined: bool) -> Iterator[str]:
    if elf.symbols is None:
        return
    if elf.symbols.names_size > NAMES_AT_ONCE_LIMIT:
        raise BinaryError(f"{elf.symbols.names_size} bytes of symbol names: at most {NAMES_AT_ONCE_LIMIT} are read")
    reader = Reader(file, size)
    table = reader.at(elf.symbols.names_offset, elf.symbols.names_size, "the dynamic string table")
    names = Strings(table, "the dynamic string table")
    for at, info, section, _, _ in _symbols(reader, elf):
        if at and bool(section) is defined and info >> 4:  # binding 0 is a local symbol
            yield names.at(at)


def _places_of(reader: Reader, table: SymbolTable, name: bytes) -> set[int]:
    """Return the offsets in the string table at which ``name`` stands, also as the tail of a longer name."""
    needle = name + b"\0"
    places: set[int] = set()
    for start, data in reader.chunks(table.names_offset, table.names_size, len(needle), "the dynamic string table"):
        found = data.find(needle)
        while found >= 0:
            places.add(start - table.names_offset + found)
            found = data.find(needle, found + 1)
    return places


def _last(values: tuple[str, ...]) -> str | None:
    """Return the value that the loader keeps of a tag that should stand once."""
    return values[-1] if values else None

"""A PE file as the loader maps it: headers, sections, data directories, and where an address lies in the file.

Source: https://learn.microsoft.com/windows/win32/debug/pe-format
"""

from __future__ import annotations

import struct

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader, Section, text
from torchsmith.model.place import Place
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

SECTION_LIMIT = 96

EXPORTS, IMPORTS, RESOURCES, DEBUG, LOAD_CONFIG, DELAY_IMPORTS = 0, 1, 2, 6, 10, 13
"""Indices of the data directories."""

_COFF = struct.Struct("<4sHHIIIHH")
_SECTION = struct.Struct("<8sIIIIIIHHI")
_PAIR = struct.Struct("<II")
_SECTOR, _PAGE = 0x200, 0x1000


@record
class Mapping:
    """A part of the file and the addresses that it is mapped to, relative to the image."""

    address: int
    offset: int
    size: int
    """Bytes in the file: what lies behind them in memory is zero, and holds no table."""
    section: str
    """Its name; "" for the headers."""


@record
class Image:
    """The headers of a PE file, and reads by address."""

    reader: Reader
    mappings: tuple[Mapping, ...]
    directories: tuple[tuple[int, int], ...]
    base: int
    """The preferred address in memory."""
    bits: Literal[32, 64]
    machine: int
    linker: tuple[int, int]
    """The version that the linker wrote, as major and minor."""
    sections: tuple[Section, ...]

    def directory(self, index: int) -> int | None:
        """Return the address of a data directory, relative to the image; None where the file has none."""
        if index >= len(self.directories) or not all(self.directories[index]):
            return None
        return self.directories[index][0]

    def mapping(self, address: int) -> Mapping:
        """Return the part of the file that holds ``address``; raise BinaryError where none does."""
        for mapping in self.mappings:
            if mapping.address <= address < mapping.address + mapping.size:
                return mapping
        raise BinaryError(f"address {address:#x} is in no section of the file")

    def offset(self, address: int) -> int:
        """Return where in the file ``address`` lies, in bytes."""
        mapping = self.mapping(address)
        return mapping.offset + address - mapping.address

    def place(self, address: int, size: int) -> Place:
        """Return where in the file ``size`` bytes at ``address`` lie."""
        mapping = self.mapping(address)
        return Place(mapping.section, mapping.offset + address - mapping.address, size)

    def unpack(self, layout: struct.Struct, address: int, what: str) -> tuple[int, ...]:
        """Return the fields of ``layout`` at ``address``."""
        return self.reader.unpack(layout, self.offset(address), what)

    def at(self, address: int, length: int, what: str) -> bytes:
        """Return ``length`` bytes at ``address``."""
        return self.reader.at(self.offset(address), length, what)

    def string(self, address: int, what: str) -> str:
        """Return the NUL-terminated string at ``address``."""
        return self.reader.string(self.offset(address), self.reader.size, what)


def image(file: BinaryFile, size: int) -> Image:
    """Read the headers; raise BinaryError for a file that is no PE file, or whose headers are damaged or cut short."""
    reader = Reader(file, size)
    if reader.up_to(0, 2, "the DOS header") != b"MZ":
        raise BinaryError("not a PE file")
    (start,) = reader.unpack(struct.Struct("<I"), 0x3C, "the DOS header")
    magic, machine, count, _, _, _, optional_size, _ = reader.unpack(_COFF, start, "the PE header")
    if magic != b"PE\0\0":
        raise BinaryError("a DOS program, not a PE file")
    if count > SECTION_LIMIT:
        raise BinaryError(f"{count} sections: at most {SECTION_LIMIT} are believed")
    optional = reader.at(start + _COFF.size, optional_size, "the optional header")
    bits, base, directories = _optional_header(optional)
    table = reader.at(start + _COFF.size + optional_size, count * _SECTION.size, "the section table")
    rows = list(_SECTION.iter_unpack(table))
    (alignment,) = struct.unpack_from("<I", optional, 32)
    (headers,) = struct.unpack_from("<I", optional, 60)
    # Windows reads whole sectors; only an image that is aligned to less than a page is mapped as it lies in the file.
    sector = _SECTOR if alignment >= _PAGE else 1
    names = [text(row[0].rstrip(b"\0")) for row in rows]
    mappings = [
        Mapping(row[2], row[4] // sector * sector, row[3], name)
        for row, name in zip(rows, names, strict=True)
        if row[4] and row[3]
    ]
    return Image(
        reader=reader,
        mappings=(*mappings, Mapping(0, 0, min(headers, size), "")),
        directories=directories,
        base=base,
        bits=bits,
        machine=machine,
        linker=(optional[2], optional[3]),
        sections=tuple(Section(name, row[4], row[3], row[9]) for row, name in zip(rows, names, strict=True)),
    )


def _optional_header(data: bytes) -> tuple[Literal[32, 64], int, tuple[tuple[int, int], ...]]:
    """Return the word size, the preferred base address and the data directories."""
    magic = data[:2]
    if magic == b"\x0b\x02" and len(data) >= 112:
        bits: Literal[32, 64] = 64
        (base,), start = struct.unpack_from("<Q", data, 24), 112
    elif magic == b"\x0b\x01" and len(data) >= 96:
        bits = 32
        (base,), start = struct.unpack_from("<I", data, 28), 96
    else:
        raise BinaryError(f"an optional header of {len(data)} bytes that is neither PE32 nor PE32+")
    (said,) = struct.unpack_from("<I", data, start - 4)
    count = min(said, 16, (len(data) - start) // _PAIR.size)
    return bits, base, tuple(_PAIR.iter_unpack(data[start : start + count * _PAIR.size]))

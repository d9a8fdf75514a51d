"""Windows executables and DLLs: what they import, and the version that they carry.

Source: https://learn.microsoft.com/windows/win32/debug/pe-format
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader, Section, text
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

SECTION_LIMIT = 96
IMPORT_LIMIT = 4096
RESOURCE_LIMIT = 4096

IMPORTS, RESOURCES, DELAY_IMPORTS = 1, 2, 13
RT_VERSION = 16
FIXED_FILE_INFO = struct.pack("<I", 0xFEEF04BD)

_COFF = struct.Struct("<4sHHIIIHH")
_SECTION = struct.Struct("<8sIIIIIIHHI")
_IMPORT = struct.Struct("<IIIII")
_DELAY_IMPORT = struct.Struct("<IIIIIIII")
_RESOURCE_TABLE = struct.Struct("<IIHHHH")
_PAIR = struct.Struct("<II")


@record
class Pe:
    """What the headers, import tables and version resource of a PE file say."""

    bits: Literal[32, 64]
    machine: int
    """``Machine``: 0x8664 x86-64, 0xAA64 ARM64, 0x14C x86."""
    imports: tuple[str, ...]
    """DLL names in the order of the import table, spelled as in the file."""
    delay_imports: tuple[str, ...]
    """DLL names that are loaded when first used."""
    sections: tuple[Section, ...]
    file_version: str | None
    """``VS_FIXEDFILEINFO`` as ``a.b.c.d``; None where the file carries none."""


@record
class _Mapping:
    """A section as the loader maps it."""

    address: int
    offset: int
    size: int


@record
class _Image:
    reader: Reader
    mappings: tuple[_Mapping, ...]
    directories: tuple[tuple[int, int], ...]
    base: int

    def directory(self, index: int) -> int | None:
        """Return the address of a data directory, relative to the image; None where the file has none."""
        if index >= len(self.directories) or not all(self.directories[index]):
            return None
        return self.directories[index][0]

    def offset(self, address: int) -> int:
        for mapping in self.mappings:
            if mapping.address <= address < mapping.address + mapping.size:
                return mapping.offset + address - mapping.address
        raise BinaryError(f"address {address:#x} is in no section of the file")

    def unpack(self, layout: struct.Struct, address: int, what: str) -> tuple[int, ...]:
        return self.reader.unpack(layout, self.offset(address), what)

    def string(self, address: int, what: str) -> str:
        start = self.offset(address)
        return self.reader.string(start, self.reader.size, what)


def read(file: BinaryFile, size: int) -> Pe:
    """Read a PE file of ``size`` bytes; raise BinaryError for one that is none, is damaged or is cut short."""
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
    image = _Image(reader, tuple(_Mapping(row[2], row[4], row[3]) for row in rows), directories, base)
    return Pe(
        bits=bits,
        machine=machine,
        imports=tuple(_imports(image)),
        delay_imports=tuple(_delay_imports(image)),
        sections=tuple(Section(text(row[0].rstrip(b"\0")), row[4], row[3], row[9]) for row in rows),
        file_version=_file_version(image),
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


def _imports(image: _Image) -> Iterator[str]:
    address = image.directory(IMPORTS)
    if address is None:
        return
    for _ in range(IMPORT_LIMIT):
        _, _, _, name, thunk = image.unpack(_IMPORT, address, "the import table")
        if not name or not thunk:  # where the Windows loader stops
            return
        yield image.string(name, "the name of an imported DLL")
        address += _IMPORT.size
    raise BinaryError(f"more than {IMPORT_LIMIT} imported DLLs")


def _delay_imports(image: _Image) -> Iterator[str]:
    address = image.directory(DELAY_IMPORTS)
    if address is None:
        return
    for _ in range(IMPORT_LIMIT):
        attributes, name, *_rest = image.unpack(_DELAY_IMPORT, address, "the delay import table")
        if not name:
            return
        relative = attributes & 1  # before Visual C++ 7 these were absolute addresses
        yield image.string(name if relative else name - image.base, "the name of a delay-loaded DLL")
        address += _DELAY_IMPORT.size
    raise BinaryError(f"more than {IMPORT_LIMIT} delay-loaded DLLs")


def _file_version(image: _Image) -> str | None:
    """Return the version in the first language that the version resource has."""
    root = image.directory(RESOURCES)
    if root is None:
        return None
    place = 0
    for level in range(3):  # type, name, language
        entry = _resource_entry(image, root + place, RT_VERSION if level == 0 else None)
        if entry is None:
            return None
        place = entry & 0x7FFFFFFF
        is_table = entry >> 31
        if bool(is_table) is (level == 2):
            raise BinaryError("the version resource is not three levels deep")
    address, length = image.unpack(_PAIR, root + place, "the version resource")
    data = image.reader.at(image.offset(address), min(length, 512), "the version resource")
    at = data.find(FIXED_FILE_INFO)
    if at < 0 or at + 16 > len(data):
        return None
    high, low = _PAIR.unpack_from(data, at + 8)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


def _resource_entry(image: _Image, table: int, wanted: int | None) -> int | None:
    """Return the target of the entry ``wanted``, or of the first one, in one resource table."""
    *_, named, numbered = image.unpack(_RESOURCE_TABLE, table, "the resource table")
    if named + numbered > RESOURCE_LIMIT:
        raise BinaryError(f"{named + numbered} resources: at most {RESOURCE_LIMIT} are believed")
    length = (named + numbered) * _PAIR.size
    rows = image.reader.at(image.offset(table) + _RESOURCE_TABLE.size, length, "the resource table")
    for identifier, target in _PAIR.iter_unpack(rows):
        if wanted is None or identifier == wanted:
            return int(target)
    return None

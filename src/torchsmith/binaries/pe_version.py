"""The version resource of a PE file.

Source: https://learn.microsoft.com/windows/win32/menurc/vs-versioninfo
"""

from __future__ import annotations

import struct

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.pe_image import RESOURCES, Image
from torchsmith.model.place import Place
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

RESOURCE_LIMIT = 4096
SIZE_LIMIT = 64 * 1024
STRING_LIMIT = 256

_RT_VERSION = 16
_FIXED_FILE_INFO = struct.pack("<I", 0xFEEF04BD)
_RESOURCE_TABLE = struct.Struct("<IIHHHH")
_PAIR = struct.Struct("<II")
_BLOCK = struct.Struct("<HHH")
_TEXT = 1
"""``wType`` of a block whose value is text and counted in characters; 0 counts bytes."""


@record
class Version:
    """What the version resource says; ``file`` and ``product`` are the fixed numbers as ``a.b.c.d``."""

    file: str | None
    product: str | None
    strings: tuple[tuple[str, str], ...]
    """``FileVersion``, ``ProductVersion``, ``CompanyName`` ... as written, of the first language."""
    place: Place

    def get(self, name: str) -> str | None:
        """Return a string of the resource."""
        return dict(self.strings).get(name)


def file_version(image: Image) -> str | None:
    """Return the fixed file version, reading no more than that takes."""
    found = _find(image)
    return _fixed(_data(image, found, 512), 8) if found else None


def version(image: Image) -> Version | None:
    """Return the version resource in the first language that has one; raise BinaryError where it is damaged."""
    found = _find(image)
    if found is None:
        return None
    data = _data(image, found, SIZE_LIMIT)
    return Version(_fixed(data, 8), _fixed(data, 16), tuple(_strings(data)), image.place(*found))


def _data(image: Image, found: tuple[int, int], limit: int) -> bytes:
    return image.at(found[0], min(found[1], limit), "the version resource")


def _find(image: Image) -> tuple[int, int] | None:
    """Return address and size of the resource."""
    root = image.directory(RESOURCES)
    if root is None:
        return None
    place = 0
    for level in range(3):  # type, name, language
        entry = _resource_entry(image, root + place, _RT_VERSION if level == 0 else None)
        if entry is None:
            return None
        place = entry & 0x7FFFFFFF
        is_table = entry >> 31
        if bool(is_table) is (level == 2):
            raise BinaryError("the version resource is not three levels deep")
    address, length = image.unpack(_PAIR, root + place, "the version resource")
    return address, length


def _resource_entry(image: Image, table: int, wanted: int | None) -> int | None:
    """Return the target of the entry ``wanted``, or of the first one, in one resource table."""
    *_, named, numbered = image.unpack(_RESOURCE_TABLE, table, "the resource table")
    if named + numbered > RESOURCE_LIMIT:
        raise BinaryError(f"{named + numbered} resources: at most {RESOURCE_LIMIT} are believed")
    rows = image.at(table + _RESOURCE_TABLE.size, (named + numbered) * _PAIR.size, "the resource table")
    for identifier, target in _PAIR.iter_unpack(rows):
        if wanted is None or identifier == wanted:
            return int(target)
    return None


def _fixed(data: bytes, at: int) -> str | None:
    """Return the two numbers at ``at`` of VS_FIXEDFILEINFO."""
    start = data.find(_FIXED_FILE_INFO)
    if start < 0 or start + at + _PAIR.size > len(data):
        return None
    high, low = _PAIR.unpack_from(data, start + at)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


def _strings(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the strings of the first table: VS_VERSIONINFO > StringFileInfo > StringTable > String."""
    for name, _, children, end in _blocks(data, 0, len(data)):
        if name != "VS_VERSION_INFO":
            continue
        for kind, _, tables, tables_end in _blocks(data, children, end):
            if kind != "StringFileInfo":
                continue
            for _, _, first, first_end in _blocks(data, tables, tables_end):
                yield from ((key, value) for key, value, _, _ in _blocks(data, first, first_end))
                return


def _blocks(data: bytes, position: int, end: int) -> Iterator[tuple[str, str, int, int]]:
    """Yield name, value as text, start of the children and end of each block; a damaged one is the last."""
    for _ in range(STRING_LIMIT):
        position = (position + 3) & ~3
        if position + _BLOCK.size > end:
            return
        length, value_length, kind = _BLOCK.unpack_from(data, position)
        stop = position + length
        if length < _BLOCK.size or stop > end:
            return
        name_end = _text_end(data, position + _BLOCK.size, stop)
        value = (name_end + 2 + 3) & ~3
        value_end = min(value + value_length * (2 if kind == _TEXT else 1), stop)
        said = data[value : _text_end(data, value, value_end)] if kind == _TEXT else b""
        yield _utf16(data[position + _BLOCK.size : name_end]), _utf16(said), (value_end + 3) & ~3, stop
        position = stop


def _text_end(data: bytes, start: int, end: int) -> int:
    """Return where the UTF-16 text at ``start`` has its NUL, or ``end``."""
    return next((at for at in range(start, end - 1, 2) if data[at : at + 2] == b"\0\0"), end)


def _utf16(data: bytes) -> str:
    """Return text that can always be printed and written as JSON: lone surrogates are replaced."""
    return data.decode("utf-16-le", "replace")

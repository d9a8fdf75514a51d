"""/etc/ld.so.cache: where the GNU loader finds the libraries that ldconfig has seen.

Source: glibc, sysdeps/generic/dl-cache.h and ldconfig.h.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import TEXT_LIMIT, text

OLD_MAGIC = b"ld.so-1.7.0\0"
MAGIC = b"glibc-ld.so.cache1.1"
ENTRY_LIMIT = 1_000_000
PATH_LIMIT = 4096

EM_X86_64, EM_AARCH64 = 62, 183
_MACHINES: Mapping[int, int] = MappingProxyType({0x0300: EM_X86_64, 0x0A00: EM_AARCH64})
_FLAG_LIBC6 = 3

_HEADER = struct.Struct("<20sIIB3xI12x")
_ENTRY = struct.Struct("<iIIIQ")
_EXTENSION = struct.Struct("<II")
_PART = struct.Struct("<IIII")
_EXTENSION_MAGIC = 0xEAA42174
_HWCAPS_TAG = 1
_PART_LIMIT = 64
_HWCAPS_LIMIT = 256
_OF_HWCAPS, _LEVELS = 1 << 30, 0x3FF


def parse(data: bytes, machine: int | None = None) -> dict[str, str]:
    """Return soname -> path of the 64-bit libraries for ``machine`` (``e_machine``), or for x86-64 and AArch64.

    Entries of a ``glibc-hwcaps`` folder stand under that folder and the soname: ``glibc-hwcaps/x86-64-v3/libx.so.1``. Those
    for hardware capabilities of the older kind are left out where there is a plain one. Raises BinaryError for what is no
    cache of the format that glibc 2.2 introduced.
    """
    start = _start(data)
    _, count, _, _, extension = _HEADER.unpack_from(data, start)
    first = start + _HEADER.size
    if count > ENTRY_LIMIT or first + count * _ENTRY.size > len(data):
        raise BinaryError(f"{count} entries do not fit into a loader cache of {len(data)} bytes", cut_short=True)
    plain: dict[str, str] = {}
    special: dict[str, str] = {}
    better: dict[str, str] = {}
    hwcaps = _hwcaps(data, start, extension)
    left = TEXT_LIMIT
    for flags, key, value, _, capabilities in _ENTRY.iter_unpack(data[first : first + count * _ENTRY.size]):
        found = _MACHINES.get(flags & 0xFF00)
        if flags & 0xFF != _FLAG_LIBC6 or found is None or (machine is not None and found != machine):
            continue
        name, path = _string(data, start + key), _string(data, start + value)
        left -= len(name) + len(path)
        if left < 0:
            raise BinaryError(f"more than {TEXT_LIMIT} bytes of names in the loader cache")
        if not capabilities:
            plain.setdefault(name, path)
        elif capabilities >> 32 & ~_LEVELS != _OF_HWCAPS:
            special.setdefault(name, path)
        elif (index := capabilities & 0xFFFFFFFF) < len(hwcaps):
            better.setdefault(f"glibc-hwcaps/{hwcaps[index]}/{name}", path)
    return special | plain | better


def _hwcaps(data: bytes, start: int, extension: int) -> list[str]:
    """The names of the ``glibc-hwcaps`` folders that entries refer to by number; none in a cache before glibc 2.33."""
    place = start + extension
    if not extension or place + _EXTENSION.size > len(data):
        return []
    magic, parts = _EXTENSION.unpack_from(data, place)
    if magic != _EXTENSION_MAGIC or parts > _PART_LIMIT or place + _EXTENSION.size + parts * _PART.size > len(data):
        return []
    table = data[place + _EXTENSION.size : place + _EXTENSION.size + parts * _PART.size]
    for tag, _, offset, size in _PART.iter_unpack(table):
        if tag == _HWCAPS_TAG and size // 4 <= _HWCAPS_LIMIT and start + offset + size <= len(data):
            return [_string(data, start + at) for at in struct.unpack_from(f"<{size // 4}I", data, start + offset)]
    return []


def _start(data: bytes) -> int:
    """Return the place of the new-format header, which may follow a table of the old format."""
    start = 0
    if data.startswith(OLD_MAGIC) and len(data) >= 16:
        (count,) = struct.unpack_from("<I", data, 12)
        start = (16 + count * 12 + 7) & ~7
    if len(data) < start + _HEADER.size or data[start : start + len(MAGIC)] != MAGIC:
        raise BinaryError("not a loader cache of a known format")
    return start


def _string(data: bytes, at: int) -> str:
    end = data.find(b"\0", at, at + PATH_LIMIT)
    if end < 0:
        raise BinaryError(f"the name at {at} of the loader cache has no end")
    return text(data[at:end])

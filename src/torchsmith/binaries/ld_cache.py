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


def parse(data: bytes, machine: int | None = None) -> dict[str, str]:
    """Return soname -> path of the 64-bit libraries for ``machine`` (``e_machine``), or for x86-64 and AArch64.

    Entries for special hardware capabilities are left out where there is a plain one. Raises BinaryError for what is
    no cache of the format that glibc 2.2 introduced.
    """
    start = _start(data)
    _, count, *_rest = _HEADER.unpack_from(data, start)
    first = start + _HEADER.size
    if count > ENTRY_LIMIT or first + count * _ENTRY.size > len(data):
        raise BinaryError(f"{count} entries do not fit into a loader cache of {len(data)} bytes", cut_short=True)
    plain: dict[str, str] = {}
    special: dict[str, str] = {}
    left = TEXT_LIMIT
    for flags, key, value, _, capabilities in _ENTRY.iter_unpack(data[first : first + count * _ENTRY.size]):
        found = _MACHINES.get(flags & 0xFF00)
        if flags & 0xFF != _FLAG_LIBC6 or found is None or (machine is not None and found != machine):
            continue
        name, path = _string(data, start + key), _string(data, start + value)
        left -= len(name) + len(path)
        if left < 0:
            raise BinaryError(f"more than {TEXT_LIMIT} bytes of names in the loader cache")
        (special if capabilities else plain).setdefault(name, path)
    return special | plain


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

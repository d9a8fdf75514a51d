"""AMD GPU code in a library: clang's offload bundles, for which targets they carry code.

Sources: https://clang.llvm.org/docs/ClangOffloadBundler.html (the bundle, and its compressed form), and for the three
versions of the compressed header ``CompressedOffloadBundle`` in LLVM's ``OffloadBundler.cpp``. A bundle begins with a table of
its code objects. A compressed bundle is a header and one zstd or zlib stream, of which only the beginning is unpacked.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import CHUNK, BinaryFile, Reader, Section, apart, text
from torchsmith.model.inspected import HipCode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SECTION_NAMES = frozenset({".hip_fatbin", ".hip_fat"})
"""In ELF, and cut to the eight bytes that PE has."""

MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"
COMPRESSED_MAGIC = b"CCOB"

BUNDLE_LIMIT = 100_000
ENTRY_LIMIT = 4096
TARGET_LIMIT = 4096
ID_LIMIT = 1024
TABLE_LIMIT = 64 * 1024
"""Bytes of a table that are unpacked: a target takes about 70."""
WARNING_LIMIT = 16

ZLIB, ZSTD = 0, 1

_ENTRY = struct.Struct("<QQQ")
_HEADERS = {1: (struct.Struct("<I8x"), False), 2: (struct.Struct("<II8x"), True), 3: (struct.Struct("<QQ8x"), True)}
"""Version -> the header behind magic, version and method; whether its first number is the size of the whole."""
_INPUTS = (16 * 1024, 256 * 1024)
"""Bytes of a compressed bundle that are unpacked, at first and where they lack the table: a zstd block has up to 128 KiB."""


class _NoZstdError(Exception):
    """This Python cannot unpack zstd."""


def scan(file: BinaryFile, size: int, sections: Iterable[Section]) -> HipCode | None:
    """Read the tables of all bundles in those of ``sections`` that are named in SECTION_NAMES; None where there is none.

    Damage ends up in ``warnings``, a missing zstd in ``unknown``; BinaryError is raised only where the file cannot be read.
    """
    scanned = _Scan(Reader(file, size))
    named = apart(section for section in sections if section.name in SECTION_NAMES)
    for section in named:
        scanned.section(section)
    if not scanned.bundles and not scanned.warnings:
        return None
    return HipCode(
        targets=tuple(sorted(scanned.targets)),
        bundles=scanned.bundles,
        unknown=scanned.unknown,
        warnings=tuple(scanned.warnings),
    )


class _Scan:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.targets: set[str] = set()
        self.bundles = 0
        self.unknown = ""
        self.warnings: list[str] = []

    def section(self, section: Section) -> None:
        """Walk the bundles of one section."""
        end = section.offset + section.size
        if end > self.reader.size:
            self._warn(f"section {section.name} ends at {end}, the file at {self.reader.size}: the file was cut short")
            end = self.reader.size
        position = self._next(section.offset, end)
        while position < end:
            self.bundles += 1
            if self.bundles > BUNDLE_LIMIT:
                self._warn(f"more than {BUNDLE_LIMIT} bundles: the rest was not read")
                return
            try:
                position = max(self._bundle(position, end), position + 8)
            except BinaryError as error:
                self._warn(str(error))
                position += 8
            position = self._next(position, end)

    def _bundle(self, position: int, end: int) -> int:
        """Read the bundle at ``position``; return a place that is not before its end."""
        if self.reader.up_to(position, len(MAGIC), "a bundle") != MAGIC:
            return self._compressed(position, end)

        def read(offset: int, length: int) -> bytes:
            return self.reader.at(position + offset, length, "a bundle's table")

        stop = self._table(read, f"the bundle at {position}")
        if position + stop > end:
            raise BinaryError(f"the bundle at {position} ends at {position + stop}, behind the end of its section at {end}")
        return position + stop

    def _compressed(self, position: int, end: int) -> int:
        version, method = struct.unpack("<4xHH", self.reader.at(position, 8, "a compressed bundle"))
        if version not in _HEADERS:
            raise BinaryError(f"the compressed bundle at {position} has version {version}: 1 to 3 are known")
        layout, sized = _HEADERS[version]
        first, *_ = self.reader.unpack(layout, position + 8, "a compressed bundle")
        start = position + 8 + layout.size
        stop = position + first if sized else end
        if not start <= stop <= end:
            raise BinaryError(f"the compressed bundle at {position} ends at {stop}, behind the end of its section at {end}")
        if method not in {ZLIB, ZSTD}:
            raise BinaryError(f"the compressed bundle at {position} has method {method}: zlib (0) and zstd (1) are known")
        if method == ZSTD and self.unknown:  # asked for before: failed imports are dear, and there may be thousands of bundles
            return stop if sized else start
        try:
            self._packed_table(_unpack_zstd if method == ZSTD else _unpack_zlib, start, stop, position)
        except _NoZstdError:
            self.unknown = "zstd not available"
        return stop if sized else start

    def _packed_table(self, unpack: Callable[[bytes], bytes], start: int, stop: int, position: int) -> None:
        for length in _INPUTS:
            data = unpack(self.reader.at(start, min(length, stop - start), "a compressed bundle"))
            try:
                self._table(_of(data), f"the compressed bundle at {position}")
            except BinaryError:
                if length == _INPUTS[-1] or length >= stop - start:
                    raise
            else:
                return

    def _table(self, read: Callable[[int, int], bytes], what: str) -> int:
        """Note the targets of a table; return where its last code object ends, in bytes from the bundle's start."""
        if read(0, len(MAGIC)) != MAGIC:
            raise BinaryError(f"{what} does not begin with a table")
        (count,) = struct.unpack("<Q", read(len(MAGIC), 8))
        if count > ENTRY_LIMIT:
            raise BinaryError(f"{what} has {count} code objects: at most {ENTRY_LIMIT} are believed")
        place = stop = len(MAGIC) + 8
        targets = []
        for _ in range(count):
            offset, length, name_length = _ENTRY.unpack(read(place, _ENTRY.size))
            if name_length > ID_LIMIT:
                raise BinaryError(f"{what} has a name of {name_length} bytes: at most {ID_LIMIT} are believed")
            name = text(read(place + _ENTRY.size, name_length))
            place += _ENTRY.size + name_length
            stop = max(stop, place, offset + length)
            if not name.startswith("host"):
                targets.append(name.split("-", 5)[-1])  # kind, then architecture-vendor-system-environment, then the target
        if len(self.targets) < TARGET_LIMIT:
            self.targets.update(targets)
        return stop

    def _next(self, position: int, end: int) -> int:
        """Return the place of the next bundle at or behind ``position``, or ``end``; bundles begin at multiples of eight."""
        window = 4096
        while position < end:
            data = self.reader.up_to(position, min(window + len(MAGIC), end - position), "AMD GPU code")
            places = [place for magic in (MAGIC, COMPRESSED_MAGIC) if (place := _aligned(data, magic, position)) >= 0]
            if places:
                return position + min(places)
            position += window
            window = min(window * 2, CHUNK)
        return end

    def _warn(self, message: str) -> None:
        if len(self.warnings) < WARNING_LIMIT and message not in self.warnings:
            self.warnings.append(message)


def _aligned(data: bytes, magic: bytes, position: int) -> int:
    found = data.find(magic)
    while found >= 0 and (position + found) % 8:
        found = data.find(magic, found + 1)
    return found


def _of(data: bytes) -> Callable[[int, int], bytes]:
    def read(offset: int, length: int) -> bytes:
        if offset + length > len(data):
            raise BinaryError(f"a compressed table ends after {len(data)} bytes")
        return data[offset : offset + length]

    return read


def _unpack_zlib(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, TABLE_LIMIT)
    except zlib.error as error:
        raise BinaryError(f"a compressed bundle cannot be unpacked: {error}") from error


def _unpack_zstd(data: bytes) -> bytes:
    """The first TABLE_LIMIT bytes of a zstd stream; raise _NoZstdError where this Python cannot unpack it."""
    from torchsmith.binaries import zstd

    try:
        module = zstd.module()
    except BinaryError:
        raise _NoZstdError from None
    try:
        found: bytes = module.ZstdDecompressor().decompress(data, TABLE_LIMIT)
    except module.ZstdError as error:
        raise BinaryError(f"a compressed bundle cannot be unpacked: {error}") from error
    return found

"""Bounded reads from a file that nobody has reason to trust."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator

from torchsmith.binaries.errors import BinaryError
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class BinaryFile(Protocol):
        """What the readers need of a file object; buffered or raw, on disk or in memory."""

        def seek(self, offset: int, whence: int = 0, /) -> int:
            """Move to ``offset`` bytes from the start."""

        def read(self, size: int = -1, /) -> bytes | None:
            """Return up to ``size`` bytes."""

    ReadAt = Callable[[int, int], bytes]
    """(length, offset) -> bytes, as ``os.pread`` without its first argument."""
else:
    BinaryFile = object  # annotations only: ``typing`` costs more to import than this module

STRING_LIMIT = 64 * 1024
"""Bytes: no name in a sane binary is longer."""

TEXT_LIMIT = 64 * 1024 * 1024
"""Bytes of names taken from one table: overlapping strings could otherwise turn a small file into gigabytes."""

NAMES_LIMIT = 16 * 1024 * 1024
"""Bytes of names that are taken one by one through a reader, and no more than its file has: these are kept."""

CHUNK = 1024 * 1024
"""Bytes per read while searching."""


BLOCK = 4096
"""Bytes that are kept of what was read last: a page."""


@record
class Section:
    """A named part of a binary."""

    name: str
    offset: int
    """Bytes from the start of the file."""
    size: int
    """Bytes in the file; 0 for a section that exists in memory only."""
    flags: int
    """As in the file: ``sh_flags`` (ELF) or ``Characteristics`` (PE)."""

    def __init__(self, name: str, offset: int, size: int, flags: int) -> None:
        """Written out, for there are thousands of them: a third of the time that any record takes."""
        put = object.__setattr__
        put(self, "name", name)
        put(self, "offset", offset)
        put(self, "size", size)
        put(self, "flags", flags)


def apart(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Return the sections by their place, without those that lie on an earlier one.

    No real file has such; a hostile one makes a gigabyte a terabyte with them.
    """
    found: list[Section] = []
    end = 0
    for section in sorted(sections, key=lambda section: section.offset):
        if section.size and section.offset >= end:
            found.append(section)
            end = section.offset + section.size
    return tuple(found)


class Reader:
    """Reads that stay inside a file and are complete or refused."""

    __slots__ = ("_block", "_block_at", "_file", "_read_at", "_text_left", "size")

    def __init__(self, file: BinaryFile, size: int) -> None:
        self._file = file
        # A file that reads at a place in one call (``pread``) halves the cost of a walk over thousands of headers.
        self._read_at: ReadAt | None = getattr(file, "read_at", None)
        self.size = size
        self._block, self._block_at = b"", 0
        self._text_left = min(size + STRING_LIMIT, NAMES_LIMIT)

    def at(self, offset: int, length: int, what: str) -> bytes:
        """Return exactly ``length`` bytes at ``offset``; ``what`` names them in the error."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise BinaryError(f"{what} ({length} bytes at {offset}) lies outside the file of {self.size} bytes", cut_short=True)
        parts = b""
        try:
            if self._read_at is not None:
                parts = self._read_at(length, offset)
                if len(parts) == length:
                    return parts
            self._file.seek(offset + len(parts))
            while len(parts) < length:
                more = self._file.read(length - len(parts))
                if not more:
                    raise BinaryError(f"{what}: the file ends before its size of {self.size} bytes", cut_short=True)
                parts = parts + more if parts else more
        except OSError as error:
            raise BinaryError(f"{what} cannot be read: {error}") from error
        return parts

    def up_to(self, offset: int, length: int, what: str) -> bytes:
        """Return ``length`` bytes at ``offset``, or those that the file has."""
        return self.at(offset, min(length, max(self.size - offset, 0)), what)

    def unpack(self, layout: struct.Struct, offset: int, what: str) -> tuple[Any, ...]:
        """Return the fields of ``layout`` at ``offset``."""
        return layout.unpack(self._near(offset, layout.size, what))

    def string(self, offset: int, end: int, what: str) -> str:
        """Return the NUL-terminated string at ``offset``; it must end before ``end``."""
        found = b""
        position = offset
        while len(found) <= STRING_LIMIT:
            length = min(256, min(end, self.size) - position)
            if length <= 0:
                raise BinaryError(f"{what}: the name at {offset} has no end", cut_short=end > self.size)
            piece, nul, _ = self._near(position, length, what).partition(b"\0")
            found += piece
            if nul:
                self._text_left -= len(found)
                if self._text_left < 0:
                    raise BinaryError(
                        f"{what}: more names than a file of {self.size} bytes can have, or than {NAMES_LIMIT} bytes"
                    )
                return text(found)
            position += length
        raise BinaryError(f"{what}: the name at {offset} is longer than {STRING_LIMIT} bytes")

    def _near(self, offset: int, length: int, what: str) -> bytes:
        """Return a few bytes; neighbours, such as the records and names of one table, come from one read."""
        start = offset - self._block_at
        if start < 0 or start + length > len(self._block):
            if length > BLOCK or offset < 0 or offset + length > self.size:
                return self.at(offset, length, what)
            self._block_at = offset & -BLOCK if (offset & BLOCK - 1) + length <= BLOCK else offset
            self._block = self.up_to(self._block_at, BLOCK, what)
            start = offset - self._block_at
        return self._block[start : start + length]

    def chunks(self, offset: int, size: int, overlap: int, what: str) -> Iterator[tuple[int, bytes]]:
        """Yield ``(offset, bytes)`` windows over a part of the file; neighbours share ``overlap`` bytes."""
        end = min(offset + size, self.size)
        while offset < end:
            data = self.at(offset, min(CHUNK + overlap, end - offset), what)
            yield offset, data
            offset += CHUNK


class Placed:
    """A file that reads at any place (``read_at``) and knows its ``size``, read from a place of its own as well."""

    __slots__ = ("_place",)

    if TYPE_CHECKING:

        @property
        def size(self) -> int:
            """Bytes."""

        def read_at(self, length: int, offset: int) -> bytes:
            """Return ``length`` bytes at ``offset``, fewer at the end."""

    def __init__(self) -> None:
        self._place = 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move; ``whence`` as in ``io``."""
        self._place = max(0, offset + (0 if whence == 0 else self._place if whence == 1 else self.size))
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes from the present place, all that are left if negative."""
        data = self.read_at(max(self.size - self._place, 0) if size < 0 else size, self._place)
        self._place += len(data)
        return data


class Window(Placed):
    """A part of a file that is a file of its own: a member of an archive that is stored as it is."""

    __slots__ = ("_reader", "_start", "size")

    size: int

    def __init__(self, file: BinaryFile, offset: int, size: int, whole: int) -> None:
        """``whole`` is the size of ``file``; raise BinaryError where the window does not lie in it."""
        if offset < 0 or size < 0 or offset + size > whole:
            raise BinaryError(f"a member ({size} bytes at {offset}) lies outside the file of {whole} bytes", cut_short=True)
        super().__init__()
        self._reader = Reader(file, whole)
        self._start, self.size = offset, size

    def read_at(self, length: int, offset: int) -> bytes:
        """Return ``length`` bytes at ``offset``, fewer at the end."""
        length = min(length, max(self.size - offset, 0))
        return self._reader.at(self._start + offset, length, "a member") if length > 0 else b""


class Strings:
    """A table of NUL-terminated strings, held in memory, that gives out a bounded amount of text."""

    __slots__ = ("_data", "_left", "_most", "_what")

    def __init__(self, data: bytes, what: str, most: int = TEXT_LIMIT) -> None:
        self._data = data
        self._what = what
        self._left = self._most = most

    def at(self, offset: int) -> str:
        """Return the string at ``offset`` of the table."""
        end = self._data.find(b"\0", offset, offset + STRING_LIMIT) if 0 <= offset < len(self._data) else -1
        if end < 0:
            raise BinaryError(f"{self._what}: there is no name at {offset}")
        self._left -= end - offset
        if self._left < 0:
            raise BinaryError(f"{self._what}: more than {self._most} bytes of names")
        return text(self._data[offset:end])


def text(data: bytes) -> str:
    """Return bytes as text that can always be printed and written as JSON."""
    return data.decode("utf-8", "backslashreplace")

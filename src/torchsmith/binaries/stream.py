"""A tar that may be compressed, as bytes that can be read anywhere, within a bound of work: no bomb goes off."""

from __future__ import annotations

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.inflate import GZIP, Inflated
from torchsmith.binaries.reader import Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from torchsmith.binaries.reader import BinaryFile

    class Unpacking(Protocol):
        """What gives the bytes behind a compression."""

        def read_at(self, length: int, offset: int, /) -> bytes:
            """Return ``length`` bytes at ``offset``, fewer at the end."""

        def step(self, offset: int) -> int:
            """How many bytes must be unpacked again at most to reach a place that was passed."""


RATIO = 64
"""An archive unpacks to so many times its size at most; the layers of real images to four times."""

ALWAYS = 1 << 30
"""Bytes that may be unpacked from the smallest archive."""

NEAR = 2 << 20
"""Bytes behind the last place that are still in memory."""


class Budget:
    """Bytes that may still be unpacked, again and again where a reader jumps back."""

    def __init__(self, size: int, times: int = 1) -> None:
        """``size`` is that of the archive; ``times`` is for who reads it here and there."""
        self._all = self._left = max(ALWAYS, RATIO * size) * times

    def take(self, count: int) -> None:
        """Spend some of it; raise BinaryError where it is spent."""
        if count > self._left:
            raise BinaryError(f"more than {self._all >> 20} MiB would have to be unpacked")
        self._left -= count


class Stream:
    """A file behind gzip or zstd. Work is counted before it is done."""

    def __init__(self, unpacking: Unpacking, budget: Budget) -> None:
        self._unpacking = unpacking
        self._budget = budget
        self._front = self._last = self._place = 0

    def read_at(self, length: int, offset: int) -> bytes:
        """Return ``length`` bytes at ``offset``, fewer at the end."""
        end = offset + length
        if end > self._front:
            self._budget.take(end - self._front)
            self._front = end
        elif not self._last - NEAR <= offset <= self._last:
            step = self._unpacking.step(offset)
            self._budget.take(min(step, offset - self._last) if offset > self._last else step)
        self._last = offset
        return self._unpacking.read_at(length, offset)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move; from the start or from here."""
        self._place = max(0, offset + (0, self._place)[whence])
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes from the present place."""
        data = self.read_at(max(size, 0), self._place)
        self._place += len(data)
        return data


class _Gzip:
    """A gzip stream, whose size nobody knows before its end."""

    def __init__(self, file: BinaryFile, size: int) -> None:
        self._inflated = Inflated(file, 0, size, size, None, GZIP)
        self.read_at = self._inflated.read_at
        self._front = 0

    def step(self, offset: int) -> int:
        """See ``Unpacking``: the states that were kept lie a few blocks, later a sixty-fourth of the way apart."""
        self._front = max(self._front, offset)
        return max(1 << 20, self._front >> 6)


def compression_of(file: BinaryFile, size: int) -> str:
    """``gzip``, ``zstd``, ``xz``, ``bzip2`` or "" by the first bytes."""
    start = Window(file, 0, size, size).read_at(6, 0)
    for magic, name in ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2")):
        if start.startswith(magic):
            return name
    return ""


def opened(file: BinaryFile, size: int, budget: Budget) -> Window | Stream:
    """The bytes behind ``file``, unpacked where it is compressed; raise BinaryError for what cannot be unpacked here."""
    compression = compression_of(file, size)
    if not compression:
        return Window(file, 0, size, size)
    if compression == "gzip":
        return Stream(_Gzip(file, size), budget)
    if compression == "zstd":
        from torchsmith.binaries.zstd import Zstd

        return Stream(Zstd(file, size), budget)
    raise BinaryError(f"compressed by {compression}, which is not read")

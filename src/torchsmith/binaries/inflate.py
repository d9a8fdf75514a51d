"""A compressed part of a file as a file of its own: it can be read anywhere, in bounded memory, and nothing is written.

Deflate can only be read forwards. States of the decompressor are kept on the way, so that a place that was passed is reached
again from the nearest one: section tables stand at the end of an ELF file, and what they point to in front of them.
"""

from __future__ import annotations

import zlib

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Placed, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BLOCK = 256 * 1024
"""Bytes that are inflated at once."""

KEPT_BLOCKS = 16
STATES = 128
"""At most so many states are kept, of about 45 KB each; their distance doubles when there are more."""

RAW, ZLIB, GZIP = -zlib.MAX_WBITS, zlib.MAX_WBITS, zlib.MAX_WBITS | 16
"""``wbits`` of deflate without a frame (zip), with zlib's, and with gzip's."""

_INPUT = 128 * 1024


class Inflated(Placed):
    """``packed`` deflated bytes of a file, seen as the bytes that they stand for.

    ``size`` is what was declared: a stream that is longer is cut there, so that no bomb goes off; a shorter one, or a damaged
    one, raises BinaryError where it is read. None for a gzip stream, whose size ``measure`` finds. ``problem`` says what is
    wrong with a stream that was read to its end: a wrong checksum or more data than declared; "" while nothing is.
    """

    def __init__(
        self,
        file: BinaryFile,
        offset: int,
        packed: int,
        whole: int,
        size: int | None,
        wbits: int = RAW,
        crc: int | None = None,
    ) -> None:
        """``whole`` is the size of ``file``; raise BinaryError where the packed bytes do not begin in it."""
        if offset < 0 or packed < 0 or offset > whole:
            raise BinaryError(f"a compressed part ({packed} bytes at {offset}) lies outside the file of {whole} bytes")
        self._reader = Reader(file, whole)
        self._start = offset
        self._packed = min(packed, whole - offset)  # a file that was cut short is read as far as it goes
        self._end = size
        self._wbits = wbits
        self._crc = crc
        self._sum = 0
        super().__init__()
        self.problem = ""
        self._blocks: dict[int, bytes] = {}
        self._frontier = 0
        """The first block that was never inflated."""
        self._distance = 4
        self._states: dict[int, tuple[int, Any]] = {}
        """Block -> (place in the packed bytes, decompressor) before it."""
        self._resume(0, 0, zlib.decompressobj(wbits))

    @property
    def size(self) -> int:
        """The declared or measured size."""
        if self._end is None:
            raise BinaryError("the size of the compressed part is not known yet")
        return self._end

    def measure(self, most: int) -> int:
        """Inflate to the end and return the size; raise BinaryError beyond ``most`` bytes."""
        while self._end is None:
            self._block(self._frontier)
            if self._frontier * BLOCK > most:
                raise BinaryError(f"inflates to more than {most} bytes")
        return self._end

    def read_at(self, length: int, offset: int) -> bytes:
        """Return ``length`` bytes at ``offset``, fewer at the end."""
        parts = []
        while length > 0 and (self._end is None or offset < self._end):
            block, skip = divmod(offset, BLOCK)
            part = self._block(block)[skip : skip + length]
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks[number] = self._blocks.pop(number)  # the last one is the freshest
            return self._blocks[number]
        nearest = max((block for block in self._states if block <= number), default=0)
        if not nearest < self._next <= number:
            place, state = self._states.get(nearest, (0, None))
            self._resume(nearest, place, state.copy() if state else zlib.decompressobj(self._wbits))
        data = b""
        while self._next <= number and (self._end is None or self._next * BLOCK < self._end):
            data = self._advance()
        self._blocks[number] = data
        if len(self._blocks) > KEPT_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        return data

    def _resume(self, block: int, place: int, state: Any) -> None:
        self._next, self._fed, self._state, self._tail = block, place, state, b""

    def _advance(self) -> bytes:
        """Inflate the block that follows."""
        if self._next == self._frontier:
            self._keep_state()
        wanted = BLOCK if self._end is None else min(BLOCK, self._end - self._next * BLOCK)
        try:
            data = self._inflate(wanted)
        except zlib.error as error:
            self._next = -1  # this state is of no use: the next reading begins at a kept one
            raise BinaryError(f"the compressed data is damaged behind byte {self._frontier * BLOCK}: {error}") from None
        except BinaryError:
            self._next = -1
            raise
        if self._end is None and len(data) < wanted:
            self._end = self._next * BLOCK + len(data)
        self._next += 1
        if self._next > self._frontier:
            self._frontier = self._next
            self._sum = zlib.crc32(data, self._sum)
            if self._end is not None and self._frontier * BLOCK >= self._end:
                self._check_end()
        return data

    def _inflate(self, wanted: int) -> bytes:
        parts, got = [], 0
        while got < wanted:
            if self._state.eof and not self._another_member():
                if self._end is None:
                    break
                raise BinaryError(f"the compressed data ends {wanted - got} bytes before its declared size of {self._end} bytes")
            data = self._tail or self._input()
            part = self._state.decompress(data, wanted - got)
            self._tail = self._state.unconsumed_tail
            if not part and not data and not self._state.eof:
                raise BinaryError("the compressed data has no end", cut_short=True)
            parts.append(part)
            got += len(part)
        return b"".join(parts)

    def _input(self) -> bytes:
        data = self._reader.at(self._start + self._fed, min(_INPUT, self._packed - self._fed), "compressed data")
        self._fed += len(data)
        return data

    def _another_member(self) -> bool:
        """Whether another gzip stream follows, as gzip allows: then it goes on there."""
        unused = self._state.unused_data
        place = self._fed - len(unused)
        if self._wbits != GZIP or self._packed - place < 18 or self._reader.at(self._start + place, 2, "gzip") != b"\x1f\x8b":
            return False
        self._resume(self._next, place, zlib.decompressobj(self._wbits))
        return True

    def _keep_state(self) -> None:
        if self._next % self._distance or not self._next:
            return
        self._states[self._next] = (self._fed - len(self._tail), self._state.copy())
        if len(self._states) > STATES:
            self._distance *= 2
            self._states = {block: kept for block, kept in self._states.items() if block % self._distance == 0}

    def _check_end(self) -> None:
        if self._crc is not None and self._sum != self._crc:
            self.problem = f"checksum {self._sum:08x} instead of {self._crc:08x}"
        elif not self._state.eof:
            try:
                more = self._state.copy().decompress(self._tail or self._input(), 1)
            except zlib.error:
                more = b""
            if more:
                self.problem = f"inflates to more than the declared {self._end} bytes"

"""A zstd stream as a file that can be read anywhere, where this Python can unpack zstd: from 3.14, or with ``backports.zstd``.

A decompressor cannot be copied, so what was passed is reached again from the frame's beginning only. The tools that make layers
for lazy pulling begin thousands of frames in one, the others a single one.
"""

from __future__ import annotations

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BLOCK = 256 * 1024
"""Bytes that are unpacked at once."""

KEPT_BLOCKS = 16
FRAMES = 4096
"""Beginnings of frames that are kept."""

WINDOW_LOG = 25
"""32 MiB: how far back a stream may refer, and so what the decompressor keeps; layers are made with 8 MiB at most."""

_INPUT = 64 * 1024


def module() -> Any:
    """The standard library's ``compression.zstd``, or its backport; raise BinaryError where there is none."""
    from importlib import import_module

    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise BinaryError("zstd not available")


class Zstd:
    """See ``stream.Unpacking``."""

    def __init__(self, file: BinaryFile, size: int) -> None:
        self._zstd = module()
        self._reader = Reader(file, size)
        self._blocks: dict[int, bytes] = {}
        self._frames = [(0, 0)]
        """(place in the unpacked bytes, place in the packed ones) where a frame begins."""
        self._resume(0, 0)

    def read_at(self, length: int, offset: int) -> bytes:
        """Return ``length`` bytes at ``offset``, fewer at the end."""
        parts = []
        while length > 0:
            number, skip = divmod(offset, BLOCK)
            part = self._block(number)[skip : skip + length]
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return b"".join(parts)

    def step(self, offset: int) -> int:
        """See ``Unpacking``."""
        return 0 if offset // BLOCK in self._blocks else offset - self._frame(offset)[0]

    def _frame(self, offset: int) -> tuple[int, int]:
        """The last known beginning of a frame from which the block at ``offset`` can be made whole."""
        start = offset // BLOCK * BLOCK
        return next(frame for frame in reversed(self._frames) if frame[0] <= start)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            start = number * BLOCK
            if not self._frame(start)[0] <= self._at <= start:
                self._resume(*self._frame(start))
            self._unpack(-self._at % BLOCK)  # up to the next whole block
            data = b""
            while self._at <= start:
                data = self._unpack(BLOCK)
                if len(data) < BLOCK:
                    break
            self._blocks[number] = data if self._at > start else b""
            if len(self._blocks) > KEPT_BLOCKS:
                del self._blocks[next(iter(self._blocks))]
        return self._blocks[number]

    def _resume(self, at: int, place: int) -> None:
        self._at, self._fed = at, place
        self._tail = b""
        self._begin()

    def _begin(self) -> None:
        parameter = self._zstd.DecompressionParameter.window_log_max
        self._state = self._zstd.ZstdDecompressor(options={parameter: WINDOW_LOG})

    def _unpack(self, wanted: int) -> bytes:
        """The next bytes, fewer than wanted at the end only."""
        parts, got = [], 0
        try:
            while got < wanted:
                if self._state.eof:
                    self._tail = self._state.unused_data
                    self._note()
                    self._begin()
                data = b""
                if self._state.needs_input:
                    data = self._tail or self._reader.up_to(self._fed, _INPUT, "compressed data")
                    self._fed += 0 if self._tail else len(data)
                    self._tail = b""
                    if not data:
                        break
                part = self._state.decompress(data, wanted - got)
                parts.append(part)
                got += len(part)
                self._at += len(part)
        except self._zstd.ZstdError as error:
            at, self._at = self._at, 1 << 62  # the next reading begins at a frame
            raise BinaryError(f"the compressed data is damaged behind byte {at}: {error}") from None
        return b"".join(parts)

    def _note(self) -> None:
        """Keep the place where a frame ended and the next one begins."""
        frame = (self._at, self._fed - len(self._tail))
        if frame[0] >= self._frames[-1][0] + BLOCK and len(self._frames) < FRAMES:
            self._frames.append(frame)

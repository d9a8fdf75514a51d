"""What the hand-made hostile files share: endless files without bytes, holes, and how readers are held to their promises."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fuzz.judge import HANG, MEMORY, judged
from tests.fuzz.targets import warm
from torchsmith.binaries import (
    elf,
    fatbin,
    inspected,
    macho,
    numpy_abi,
    shared,
)
from torchsmith.binaries import zip as zips
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile

GIB = 1 << 30
Read = Callable[[BinaryFile, int], object]


class Repeated:
    """A file that is one piece over and over, after a beginning: it has no bytes of its own."""

    def __init__(self, piece: bytes, count: int, beginning: bytes = b"") -> None:
        self._block, self._start = piece * (1 + (1 << 20) // len(piece)), beginning
        self._piece, self._place = len(piece), 0
        self.size = len(beginning) + len(piece) * count

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._place = offset + (0, self._place, self.size)[whence]
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        data = self.read_at(self.size - self._place if size < 0 else size, self._place)
        self._place += len(data)
        return data

    def read_at(self, length: int, offset: int) -> bytes:
        parts = [self._start[offset : offset + length]] if offset < len(self._start) else []
        got = len(parts[0]) if parts else 0
        length = min(length, self.size - offset)
        while got < length:
            skip = (offset + got - len(self._start)) % self._piece
            parts.append(self._block[skip : skip + length - got])
            got += len(parts[-1])
        return b"".join(parts)


def kept_promises(read: Read, file: BinaryFile, size: int, *, may_open: bool = False, count: bool = True) -> None:
    """Python's bytes are counted, which takes time: the limit on the address space is rough where memory was freed."""
    if count:
        tracemalloc.start()
    try:
        fault = judged(lambda _: read(file, size), b"", HANG, may_open=may_open, memory=8 * MEMORY if count else MEMORY)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fault is None, fault.report
    assert peak < MEMORY


def refused(read: Read, file: BinaryFile, size: int, said: str | None = None) -> None:
    def once(file: BinaryFile, size: int) -> None:
        with pytest.raises(BinaryError, match=said):
            read(file, size)

    kept_promises(once, file, size)


def sparse(path: Path, beginning: bytes, size: int, end: bytes = b"") -> Path:
    with path.open("wb") as file:
        file.write(beginning)
        file.truncate(size - len(end))
        file.seek(0, 2)
        file.write(end)
    return path


def of_elf(read: Callable[[BinaryFile, int, elf.Elf], Iterator[str]]) -> Read:
    def names(file: BinaryFile, size: int) -> int:
        return sum(1 for _ in read(file, size, elf.read(file, size)))

    return names


warm("inspected")
warm("wheel")


def everything(file: BinaryFile, size: int) -> None:
    """Each reader of ELF and PE; one that refuses the file does not keep the next from it."""
    for read in (inspected.inspect, shared.describe, numpy_abi.read, of_elf(elf.exports), of_elf(elf.undefined), gpu_code):
        try:
            read(file, size)
        except BinaryError:
            continue


def gpu_code(file: BinaryFile, size: int) -> object:
    sections = elf.read(file, size, []).sections
    return fatbin.scan(file, size, sections), fatbin.elsewhere(file, size, sections)


def containers(file: BinaryFile, size: int) -> None:
    for read in (zips.read, macho.read, macho.inspected):
        try:
            read(file, size)
        except BinaryError:
            continue

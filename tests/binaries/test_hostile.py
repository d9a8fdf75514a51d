"""Damaged files end in BinaryError or an answer, soon, whatever the damage is."""

import contextlib
import io
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.binaries import samples
from tests.binaries.samples import container, entry
from tests.binaries.test_ld_cache import cache
from torchsmith.binaries import cudnn, elf, fatbin, ld_cache, numpy_abi, pe, shared, torch_build
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Section

SECONDS = 5.0
KIB_256 = 256 * 1024

Read = Callable[[BinaryFile, int], object]


def small(paths: list[Path], count: int) -> list[bytes]:
    return [path.read_bytes() for path in sorted(paths, key=lambda path: path.stat().st_size)[:count]]


def all_symbols(file: BinaryFile, size: int) -> object:
    library = elf.read(file, size)
    return [*elf.exports(file, size, library), *elf.undefined(file, size, library)]


def gpu_code(file: BinaryFile, size: int) -> object:
    sections = elf.read(file, size).sections
    return fatbin.scan(file, size, sections)


def pe_gpu_code(file: BinaryFile, size: int) -> object:
    return fatbin.scan(file, size, pe.read(file, size).sections)


FATBIN = b"".join(container(entry(2, sm), entry(1, sm), entry(8, sm, header=96)) for sm in (75, 90, 120)) + bytes(64)
CONSTANTS = b"\0sm_75 sm_80\0numpy.core._multiarray_umath\0"
ELVES = [
    *small(samples.real_elf(), 4),
    samples.elf([(".nv_fatbin", FATBIN), (".rodata", CONSTANTS)]),
    samples.elf_with_symbol("cudnn_graph_version", struct.pack("<I", 9 << 16)),
]
PES = [
    *small(samples.real_pe(), 2),
    samples.pe([(".nv_fatb", FATBIN), (".rdata", CONSTANTS)], imports=["a.dll"], delay_imports=["b.dll"], version=(1, 2, 3, 4)),
]
EVERY: tuple[Read, ...] = (shared.describe, numpy_abi.read, torch_build.arch_list, cudnn.version)
NUMBERS = [0, 1, 2, 7, 8, 16, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 62, (1 << 64) - 1]


@st.composite
def damaged(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A file in which numbers were overwritten, most of them in the headers, and which may have lost its end."""
    data = bytearray(draw(st.sampled_from(originals)))
    end = len(data)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(
            st.one_of(st.integers(0, min(end, 1024) - 1), st.integers(0, end - 1), st.integers(max(0, end - 2048), end - 1))
        )
        number = draw(st.one_of(st.sampled_from(NUMBERS), st.integers(0, 2 * end)))
        value = struct.pack("<Q", number)[: draw(st.sampled_from([1, 2, 4, 8]))]
        data[at : at + len(value)] = value
    return bytes(data[: draw(st.one_of(st.just(end), st.integers(0, end)))])


def survives(read: Read, data: bytes) -> None:
    start = time.process_time()
    with contextlib.suppress(BinaryError):
        read(io.BytesIO(data), len(data))
    assert time.process_time() - start < SECONDS


QUIET = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@QUIET
@given(damaged(ELVES))
def test_elf(data: bytes) -> None:
    for read in (*EVERY, all_symbols, gpu_code):
        survives(read, data)


@QUIET
@given(damaged(PES))
def test_pe(data: bytes) -> None:
    for read in (*EVERY, pe_gpu_code):
        survives(read, data)


@QUIET
@given(damaged([samples.elf([(".nv_fatbin", FATBIN)])]))
def test_fatbin(data: bytes) -> None:
    survives(lambda file, size: fatbin.scan(file, size, [Section(".nv_fatbin", 64, len(FATBIN), 2)]), data)


@QUIET
@given(damaged([cache((0x303, 0, "liba.so", "/a"), (0x303, 4, "libb.so", "/b")), cache((0x303, 0, "a", "/a"), old=True)]))
def test_ld_cache(data: bytes) -> None:
    survives(lambda file, _: ld_cache.parse(file.read() or b""), data)


@QUIET
@given(st.text() | st.lists(st.sampled_from(["__version__", "cuda", "=", ": ", "'", '"', "\n", "+", "2.1", "None"])).map("".join))
def test_texts(text: str) -> None:
    survives(lambda _file, _size: torch_build.version_py(text), b"")
    torch_build.cuda_config(text)


@QUIET
@given(st.binary(max_size=400).map(lambda tail: b"\x7fELF\2\1" + tail) | st.binary(max_size=400).map(lambda tail: b"MZ" + tail))
def test_noise(data: bytes) -> None:
    for read in EVERY:
        survives(read, data)


def overlapping_names() -> bytes:
    """Two hundred thousand sections, each with a name that is the tail of one long one."""
    names = b"\0" + b"x" * 60_000 + b"\0"
    rows = struct.pack("<IIQQQQIIQQ", 1, 1, 0, 0, 64, len(names), 0, 0, 1, 0) * 60_000
    header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, 64 + len(names), 0, 64, 56, 0, 64, 60_000, 1)
    return b"\x7fELF\2\1\1".ljust(16, b"\0") + header + names + rows


def looping_versions() -> Iterator[bytes]:
    """Version records that step on without end."""
    data = bytearray(samples.elf_with_symbol("name", bytes(8)))
    at = data.rindex(struct.pack("<QQ", 14, 1))
    data[at : at + 16] = struct.pack("<QQ", 0x6FFFFFFE, 0x1000)
    yield bytes(data)


@pytest.mark.parametrize("data", [overlapping_names(), *looping_versions()], ids=["overlapping names", "versions"])
def test_built_by_hand(data: bytes) -> None:
    for read in (*EVERY, all_symbols):
        survives(read, data)

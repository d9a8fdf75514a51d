"""Files that were made to hurt: huge numbers, a million parts, circles, holes of a gigabyte, bombs, things that are no files."""

from __future__ import annotations

import importlib
import io
import os
import shutil
import struct
import subprocess
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.binaries import samples
from tests.fuzz import targets
from tests.fuzz.judge import MEMORY, Memory, judged
from tests.fuzz.test_replay import HANG, warm
from tests.fuzz.targets import TARGETS
from torchsmith.binaries import dist_record, elf, fatbin, inflate, inspected, macho, macho_symbols, numpy_abi, pe, shared, wheel, zip
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Section
from torchsmith.host import readers
from torchsmith.model.known import Known, Unknown

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
    """The limit on the address space is rough where memory was freed before: every byte of Python's is counted, which takes time."""
    if count:
        tracemalloc.start()
    try:
        fault = judged(lambda _: read(file, size), b"", HANG, may_open=may_open)
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
importlib.import_module("torchsmith.binaries.ar")


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
    for read in (zip.read, macho.read, macho.inspected):
        try:
            read(file, size)
        except BinaryError:
            continue


# Numbers


@pytest.mark.parametrize("name", TARGETS)
def test_every_number_huge(name: str) -> None:
    """At each place of each seed, of both widths, what no file has."""
    target = TARGETS[name]
    warm(name)
    for seed in target.seeds:
        places = sorted({*range(0, min(len(seed), 700), 4), *range(max(len(seed) - 300, 0) & -4, len(seed), 4)})
        for at in places:
            for number in (struct.pack("<Q", 1 << 62), b"\xff\xff\xff\x7f", b"\xff" * 4):
                data = seed[:at] + number + seed[at + len(number) :]
                assert judged(target.read, data, HANG) is None, (at, number)


@pytest.mark.parametrize("name", sorted({*TARGETS} - {"torch_build", "dist_info"}))
def test_every_length(name: str) -> None:
    target = TARGETS[name]
    warm(name)
    for seed in target.seeds[:3]:
        for length in {*range(0, len(seed), 1 + len(seed) // 400)}:
            assert judged(target.read, seed[:length], HANG) is None, length


# A million of something


def test_a_million_entries() -> None:
    entry = struct.pack("<HHIQ", 2, 0x101, 64, 0).ljust(28, b"\0") + struct.pack("<III", 90, 0, 0) + struct.pack("<QQQ", 0x11, 0, 0)
    beginning = struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(entry) * 1_100_000)
    file = Repeated(entry, 1_100_000, beginning)
    kept_promises(lambda f, size: fatbin.scan(f, size, [fatbin.whole(size)]), file, file.size, count=False)


def test_a_million_containers() -> None:
    file = Repeated(struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 0), 1_000_000)
    kept_promises(lambda f, size: fatbin.scan(f, size, [fatbin.whole(size)]), file, file.size, count=False)
    kept_promises(lambda f, size: sum(1 for _ in fatbin.entries(f, size, [fatbin.whole(size)])), file, file.size, count=False)


def test_a_million_kinds_of_container() -> None:
    """Each with another set of architectures, which are counted by set."""
    made = b"".join(
        samples.container(*(samples.entry(2, 10 + (number * 7 + part * 31) % 980) for part in range(12))) for number in range(4000)
    )
    kept_promises(lambda f, size: fatbin.scan(f, size, [fatbin.whole(size)]), Memory(made), len(made))


def test_as_many_sections_as_are_believed_and_more() -> None:
    for count in (199_999, 1_000_000):
        row = struct.pack("<IIQQQQIIQQ", 1, 1, 0, 0, 64, 4096, 0, 0, 1, 0)
        first = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, count, 1, 0, 0, 0)
        names = b"\0.nv_fatbin\0" + bytes(20)
        header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, 96, 0, 64, 56, 0, 64, 0, 0xFFFF)
        file = Repeated(row, count - 1, b"\x7fELF\2\1\1".ljust(16, b"\0") + header + names + first)
        kept_promises(everything, file, file.size)


@pytest.mark.parametrize("name", [".rodata", ".lrodata", ".nv_fatbin", ".hip_fatbin", ".comment", ".cask_resource"])
def test_a_thousand_sections_on_one_place(name: str, tmp_path: Path) -> None:
    """Each as long as the file: read one by one they are a terabyte."""
    names = b"\0" + name.encode() + b"\0"
    kinds = {".note.gnu.build-id": 7}
    row = struct.pack("<IIQQQQIIQQ", 1, kinds.get(name, 1), 2, 0, 0, GIB, 0, 0, 1, 0)
    rows = bytes(64) + struct.pack("<IIQQQQIIQQ", 1, 3, 0, 0, 64, len(names), 0, 0, 1, 0) + row * 1000
    header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, 128, 0, 64, 56, 0, 64, 1002, 1)
    start = (b"\x7fELF\2\1\1".ljust(16, b"\0") + header + names).ljust(128, b"\0") + rows
    path = sparse(tmp_path / "same.so", start, GIB)
    with path.open("rb", buffering=0) as file:
        kept_promises(everything, file, GIB, count=False)


def test_overlapping_names_of_symbols() -> None:
    """A hundred thousand symbols with the tails of one long name: six gigabytes of text in two megabytes."""
    data = bytearray(samples.elf_with_symbol("y" * 60_000, bytes(8)))
    row = struct.pack("<IBBHQQ", 2, 0x11, 0, 1, 0x1000, 8)
    at = data.index(row)
    count = 100_000
    made = bytes(data) + row * count
    hashes = data.index(struct.pack("<II", 1, 2), at)
    segment = data.index(struct.pack("<II", 1, 4), 64)
    patched = bytearray(made)
    struct.pack_into("<I", patched, hashes + 4, count)
    struct.pack_into("<QQ", patched, segment + 32, len(made), len(made))
    symbols = patched.index(struct.pack("<Q", 6), data.index(struct.pack("<QQ", 10, 60_003)))
    offset, _, = struct.unpack_from("<QQ", patched, segment + 8)
    struct.pack_into("<Q", patched, symbols + 8, 0x1000 + len(data) - offset)
    refused(of_elf(elf.exports), Memory(bytes(patched)), len(patched), "bytes of names")


def test_a_million_imported_dlls() -> None:
    data = samples.pe(imports=["a.dll"])
    row = data.index(struct.pack("<III", 1, 0, 0))
    head, grown = bytearray(data[:row]), 200_000 * 20
    section = data.index(b".tables")
    for field in (8, 16):
        struct.pack_into("<I", head, section + field, grown)
    file = Repeated(data[row : row + 20], 200_100, bytes(head))
    refused(pe.read, file, file.size, "more than 4096")


@pytest.mark.parametrize("size", [16 << 20, 40 << 20, GIB])
def test_a_long_record(size: int, tmp_path: Path) -> None:
    """Also with a letter that makes every other one of the text four bytes wide."""
    row = "é😀/a.py,sha256=abc,1\n".encode()
    file = Repeated(row, size // len(row))
    kept_promises(lambda f, whole: dist_record.read(f, whole, []), file, file.size)


# Circles


def test_a_resource_table_that_holds_itself() -> None:
    data = bytearray(samples.pe(version=(1, 2, 3, 4)))
    first = data.index(struct.pack("<HHII", 0, 1, 16, 0x80000000 | 24)) + 8
    struct.pack_into("<I", data, first, 0x80000000)
    kept_promises(pe.read, Memory(bytes(data)), len(data))


def test_a_trie_that_holds_itself() -> None:
    data = targets.IMAGES[0].replace(b"\0\1_ab\0\6", b"\0\1_ab\0\0")
    refused(lambda f, size: list(macho_symbols.exports(f, size, macho.read(f, size))), Memory(data), len(data), "in circles")


def test_symbol_versions_that_never_end() -> None:
    name = struct.pack("<QQ", 14, 1)
    for tag in (0x6FFFFFFE, 0x6FFFFFFC):
        data = samples.elf_with_symbol("name", struct.pack("<HHHHIII", 1, 0, 0, 1, 0, 0, 1) * 5_000)
        data = data.replace(name, struct.pack("<QQ", tag, 0x1000))
        kept_promises(elf.read, Memory(data), len(data))


# Holes


HOLES = [".rodata", ".lrodata", ".nv_fatbin", ".hip_fatbin", ".comment", ".note.gnu.build-id", ".note.gnu.property", ".shstrtab", ".dynsym"]


@pytest.mark.parametrize("name", HOLES)
def test_a_section_of_a_gigabyte_of_nothing(name: str, tmp_path: Path) -> None:
    data = samples.elf([(name, bytes(16))])
    sections = struct.unpack_from("<Q", data, 40)[0]
    rows = bytearray(data[sections:])
    kinds = {".dynsym": 11, ".note.gnu.build-id": 7, ".note.gnu.property": 7}
    struct.pack_into("<I", rows, 64 + 4, kinds.get(name, 1))
    struct.pack_into("<Q", rows, 64 + 32, GIB)
    head = bytearray(data[:sections])
    struct.pack_into("<Q", head, 40, GIB + 4096)
    path = sparse(tmp_path / "hole.so", bytes(head), GIB + 4096 + len(rows), bytes(rows))
    with path.open("rb", buffering=0) as file:
        kept_promises(everything, file, path.stat().st_size)


def test_a_table_of_names_of_a_gigabyte(tmp_path: Path) -> None:
    for length in (GIB, 200 << 20, 64 << 20):
        data = samples.elf_with_symbol("name", bytes(8))
        size_tag = data.index(struct.pack("<Q", 10), 200)
        made = bytearray(data)
        struct.pack_into("<Q", made, size_tag + 8, length)
        path = sparse(tmp_path / "names.so", bytes(made), 2 * GIB)
        with path.open("rb", buffering=0) as file:
            kept_promises(everything, file, 2 * GIB)


@pytest.mark.parametrize("beginning", [b"", b"\x7fELF\2\1\1", b"MZ", b"\xcf\xfa\xed\xfe", b"PK\3\4", b"!<arch>\n", b"\x50\xed\x55\xba\1\0\x10\0"])
def test_a_gigabyte_of_nothing(beginning: bytes, tmp_path: Path) -> None:
    path = sparse(tmp_path / "nothing", beginning, GIB)
    with path.open("rb", buffering=0) as file:
        kept_promises(everything, file, GIB)
        for read in (pe.read, lambda f, size: dist_record.read(f, size, [])):
            refused(read, file, GIB)
        kept_promises(containers, file, GIB)


@pytest.mark.parametrize("reader", readers.READERS)
def test_the_host_reads_a_gigabyte_of_nothing(reader: str, tmp_path: Path) -> None:
    path = sparse(tmp_path / "METADATA", b"Name: torch\n", GIB)
    kept_promises(lambda _f, _s: readers.read(reader, str(path), "METADATA"), Memory(b""), 0, may_open=True)


# Bombs


def zipped(tmp_path: Path, members: dict[str, bytes]) -> Path:
    path = tmp_path / "torch-2.15.0-cp313-cp313-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def bomb(path: Path, member: str, size: int, claimed: int | None = None) -> Path:
    """A wheel with one member of ``size`` zeros, which claims another size if given."""
    squeezer = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = b"".join(squeezer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + squeezer.flush()
    claims = size if claimed is None else claimed
    name = member.encode()
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(packed), claims, len(name), 0) + name + packed
    row = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(packed), claims, len(name), 0, 0, 0, 0, 0, 0) + name
    path.write_bytes(local + row + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(row), len(local), 0))
    return path


@pytest.mark.parametrize("claimed", [None, 1000])
@pytest.mark.parametrize(
    "member", ["METADATA", "torch-2.15.0.dist-info/METADATA", "torch-2.15.0.dist-info/RECORD", "torch/lib/libtorch_cuda.so"]
)
def test_a_bomb(member: str, claimed: int | None, tmp_path: Path) -> None:
    path = bomb(tmp_path / "torch-2.15.0-cp313-cp313-manylinux_2_28_x86_64.whl", member, 256 << 20, claimed)

    def read(file: BinaryFile, size: int) -> None:
        found, archive = wheel.read(file, size, path.name)
        list(wheel.objects(file, archive, found, inspected.inspect))
        try:
            wheel.compare_record(file, archive, hashed=True)
        except BinaryError:
            pass

    with path.open("rb") as file:
        kept_promises(read, file, path.stat().st_size)


def test_an_elf_bomb(tmp_path: Path) -> None:
    """Inside a wheel: section names of 60 MiB of zeros, and a table of strings."""
    data = samples.elf([(".rodata", bytes(60 << 20)), (".lrodata", bytes(200 << 20))])
    path = zipped(tmp_path, {"torch/lib/libtorch_cuda.so": data})
    del data

    def read(file: BinaryFile, size: int) -> None:
        found, archive = wheel.read(file, size, path.name)
        opened = zip.opened(file, archive, archive.members[0])
        everything(opened, opened.size)
        assert found.natives

    with path.open("rb") as file:
        kept_promises(read, file, path.stat().st_size)


def test_a_gzip_bomb() -> None:
    data = zlib.compress(bytes(64 << 20), wbits=31)
    opened = inflate.Inflated(Memory(data * 20), 0, len(data) * 20, len(data) * 20, None, inflate.GZIP)
    refused(lambda _f, _size: opened.measure(GIB // 4), Memory(b""), 0, "more than")


def test_a_hundred_thousand_members() -> None:
    name = b"a" * 60
    row = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 4, 4, len(name), 0, 0, 0, 0, 0, 0) + name
    count = 100_000
    end = struct.pack("<4sLQL", b"PK\6\7", 0, count * len(row), 1)
    end_64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, count * len(row), 0)
    data = row * count + end_64 + end + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    kept_promises(zip.read, Memory(data), len(data))


@pytest.mark.parametrize("line", ["Requires-Dist: a" + " " * 200_000 + "x", "Requires-Dist: " + "a" * 200_000, "x" * 500_000, " :" * 200_000])
def test_a_line_of_metadata_that_goes_on(line: str) -> None:
    kept_promises(lambda _f, _size: list(wheel.pins([v for _, v in wheel.headers(f"Name: a\n{line}\n")])), Memory(b""), 0)


# Cut short


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Like libtorch_cuda.so: a real library with needs, versions, and a section of GPU code that fills most of it."""
    if not shutil.which("gcc") or not shutil.which("objcopy"):
        pytest.skip("no compiler here")
    folder = tmp_path_factory.mktemp("library")
    code = b"".join(samples.container(samples.entry(2, sm), samples.entry(1, 90)) for sm in (75, 80, 90) for _ in range(100))
    (folder / "code").write_bytes(code)
    (folder / "a.c").write_text("#include <stdio.h>\nint cuda(void) { return puts(\"x\"); }\n")
    (folder / "a.s").write_text(f'.section .nv_fatbin, "a"\n.balign 8\n.incbin "{folder / "code"}"\n')
    path = folder / "libtorch_cuda.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", path, folder / "a.c", folder / "a.s", "-Wl,-rpath,$ORIGIN/../lib", "-Wl,-soname,libtorch_cuda.so"],
        check=True,
    )
    return path.read_bytes()


def test_the_library_whole(library: bytes) -> None:
    found = inspected.inspect(Memory(library), len(library), "libtorch_cuda.so")
    assert found.gpu_code is not None
    assert found.gpu_code.containers == 300
    assert found.needed == ("libc.so.6",)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_the_library_cut_short(library: bytes, part: float) -> None:
    """Its end holds the dynamic section and the list of sections; what the start says is told."""
    data = library[: int(len(library) * part)]
    found = inspected.inspect(Memory(data), len(data), "libtorch_cuda.so")
    assert found.machine == "x86_64"
    assert found.warnings
    with pytest.raises(BinaryError) as caught:
        elf.read(Memory(data), len(data))
    assert caught.value.cut_short


def test_gpu_code_cut_short(library: bytes) -> None:
    section = next(section for section in elf.read(Memory(library), len(library)).sections if section.name == ".nv_fatbin")
    data = library[: section.offset + section.size // 2]
    found = fatbin.scan(Memory(data), len(data), [Section(".nv_fatbin", section.offset, section.size, 2)])
    assert 140 <= found.containers <= 150
    assert any("cut short" in warning for warning in found.warnings)


# No files


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("reader", readers.READERS)
def test_the_host_refuses_what_is_no_file(reader: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/null")):
        assert readers.read(reader, str(path), "x") == Unknown("not a regular file", ("x",))
    for _ in range(3):
        try:
            assert isinstance(readers.read(reader, str(tmp_path), "x"), Unknown)
        except OSError:
            continue
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


@pytest.mark.parametrize("left", [0, 1, 100, 5000])
def test_a_file_that_shrinks(library: bytes, left: int, tmp_path: Path) -> None:
    """Another process overwrites it while it is read: an error or a part, never a signal."""
    path = tmp_path / "libtorch_cuda.so"
    path.write_bytes(library)

    class Shrinks(io.FileIO):
        reads = 0

        def read_at(self, length: int, offset: int) -> bytes:
            self.reads += 1
            if self.reads == 3:
                os.truncate(path, left)
            return os.pread(self.fileno(), length, offset)

    with Shrinks(path, "rb") as file:
        try:
            found = inspected.inspect(file, len(library), "libtorch_cuda.so")
        except BinaryError:
            return
    assert found.warnings


def test_a_library_that_is_looked_at_is_not_loaded(library: bytes, tmp_path: Path) -> None:
    path = tmp_path / "libtorch_cuda.so"
    path.write_bytes(library)
    for reader in ("gpu-code", "shared", "loading", "numpy-abi", "cudnn"):
        assert isinstance(readers.read(reader, str(path), "x"), Known)
    maps = Path("/proc/self/maps")
    assert not maps.exists() or str(path) not in maps.read_text()

"""Files that were made to hurt: huge numbers, a million parts, circles, holes of a gigabyte, bombs."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from tests.binaries import samples
from tests.fuzz import seeds
from tests.fuzz.hostile import GIB, Repeated, containers, everything, gpu_code, kept_promises, of_elf, refused, sparse
from tests.fuzz.judge import HANG, Memory, judged
from tests.fuzz.targets import TARGETS, warm
from torchsmith.binaries import (
    dist_record,
    elf,
    fatbin,
    hip,
    image,
    inflate,
    inspected,
    macho,
    macho_symbols,
    numpy_abi,
    pe,
    symbols,
    wheel,
)
from torchsmith.binaries import zip as zips
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Section
from torchsmith.host import readers

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
    entry = (
        struct.pack("<HHIQ", 2, 0x101, 64, 0).ljust(28, b"\0") + struct.pack("<III", 90, 0, 0) + struct.pack("<QQQ", 0x11, 0, 0)
    )
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
        samples.container(*(samples.entry(2, 10 + (number * 7 + part * 31) % 980) for part in range(12)))
        for number in range(4000)
    )
    kept_promises(lambda f, size: fatbin.scan(f, size, [fatbin.whole(size)]), Memory(made), len(made))


def test_as_many_sections_as_are_believed_and_more() -> None:
    for count in (199_999, 1_000_000):
        row = struct.pack("<IIQQQQIIQQ", 1, 1, 0, 0, 64, 4096, 0, 0, 1, 0)
        first = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, count, 1, 0, 0, 0)
        names = b"\0.nv_fatbin\0" + bytes(20)
        header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, 96, 0, 64, 56, 0, 64, 0, 0xFFFF)
        file = Repeated(row, count - 1, b"\x7fELF\2\1\1".ljust(16, b"\0") + header + names + first)
        kept_promises(elf.read, file, file.size)
        for read in (inspected.inspect, gpu_code, numpy_abi.read):
            kept_promises(read, file, file.size, count=False)


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
    (
        offset,
        _,
    ) = struct.unpack_from("<QQ", patched, segment + 8)
    struct.pack_into("<Q", patched, symbols + 8, 0x1000 + len(data) - offset)
    refused(of_elf(elf.exports), Memory(bytes(patched)), len(patched), "bytes of names")


@pytest.mark.parametrize("tag", [1, 15])
def test_the_same_long_name_needed_again_and_again(tag: int) -> None:
    """Sixty-five thousand times: four gigabytes of text in a megabyte."""
    data = samples.elf_with_symbol("y" * 60_000, bytes(8))
    segment = data.index(struct.pack("<II", 2, 4), 64)
    start, _ = struct.unpack_from("<QQ", data, segment + 8)
    tags = data[start:].replace(bytes(16), b"") + struct.pack("<QQ", tag, 2) * 65_000 + bytes(16)
    made = bytearray(data[:start] + tags)
    struct.pack_into("<Q", made, segment + 32, len(tags))
    kept_promises(everything, Memory(bytes(made)), len(made))


def test_many_objects_with_the_same_long_name() -> None:
    line = b"n" * 60_000 + b"/\n"
    made = seeds.archive((b"//", line), *((b"/0", seeds.ELVES[2]) for _ in range(2_000)))
    kept_promises(inspected.inspect, Memory(made), len(made))


def test_a_layer_in_every_place_of_every_image() -> None:
    layer = seeds.tarred({f"lib/{number}.so": b"" for number in range(2_000)})
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["a"], "Layers": ["l.tar"] * 512}] * 64).encode()
    made = seeds.tarred({"l.tar": layer, "c.json": b"{}", "manifest.json": manifest})

    def read(file: BinaryFile, size: int) -> None:
        archive = image.Archive(file, size)
        for one in archive.images:
            list(archive.objects(one, archive.files(one)))

    kept_promises(read, Memory(made), len(made), count=False)


def test_a_manifest_of_a_million_parts() -> None:
    for data in (
        b"[" + b"{}," * 1_300_000 + b"{}]",
        b"[" * 1_000_000,
        b"1" * 3_000_000,
        b'{"manifests": [' + b"{}," * 1_300_000 + b"{}]}",
    ):
        for name in ("manifest.json", "index.json"):
            made = seeds.tarred({name: data})
            kept_promises(image.Archive, Memory(made), len(made))


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_hundred_thousand_packed_bundles(version: int) -> None:
    piece = struct.pack("<4sHHQQQ", b"CCOB", version, 0, 64, 64, 0)
    file = Repeated(piece, 200_000)
    kept_promises(lambda f, size: hip.scan(f, size, [Section(".hip_fatbin", 0, size, 2)]), file, file.size, count=False)


@pytest.mark.parametrize("tag", [0x6FFFFEF5, 4])
def test_a_hash_table_as_large_as_is_believed(tag: int) -> None:
    """And relocations that name millions of symbols."""
    size = 300 << 20
    tags = [(5, 0x10000), (10, 0x1000), (6, 0x20000), (tag, 0x400), (7, 0x30000), (8, 100 << 20), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *pair) for pair in tags)
    head = struct.pack("<4I", 4 << 20, 1, 2 << 20, 6) if tag != 4 else struct.pack("<2I", 2 << 20, 2 << 20)
    programs = struct.pack("<IIQQQQQQ", 1, 4, 0, 0, 0, size, size, 1) + struct.pack(
        "<IIQQQQQQ", 2, 4, 0x200, 0, 0, len(dynamic), 0, 1
    )
    header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    start = (b"\x7fELF\2\1\1".ljust(16, b"\0") + header + programs).ljust(0x200, b"\0") + dynamic
    start = (start.ljust(0x400, b"\0") + head).ljust(0x30000, b"\0")
    relocations = b"".join(struct.pack("<QQQ", 0, number * 7 % 7_900_000 << 32, 0) for number in range(500_000))
    file = Repeated(relocations, 20, start)
    file.size = size

    def read(file: BinaryFile, size: int) -> None:
        library = symbols.Library(file, size)
        for part in (library.wanted, library.version_needs, lambda: library.offers("f")):
            try:
                part()
            except BinaryError:
                continue

    kept_promises(read, file, size)


def test_names_of_a_macos_library_as_long_as_are_believed() -> None:
    for command in (0x2, 0x80000033):
        data = bytearray(seeds.IMAGES[0])
        at = data.index(struct.pack("<I", command), 32)
        if command == 0x2:
            struct.pack_into("<IIII", data, at + 8, len(data), 1, len(data), 250 << 20)
        else:
            struct.pack_into("<II", data, at + 8, len(data), 60 << 20)
        file = Repeated(b"\0" * 64, 5 << 20, bytes(data))

        def read(file: BinaryFile, size: int) -> None:
            found = macho.read(file, size)
            for names in (macho_symbols.exports, macho_symbols.undefined):
                try:
                    for _ in names(file, size, found):
                        pass
                except BinaryError:
                    continue

        kept_promises(read, file, file.size)


def test_a_million_imported_dlls() -> None:
    data = samples.pe(imports=["a.dll"])
    row = data.index(struct.pack("<III", 1, 0, 0), data.index(b"a.dll"))
    head, grown = bytearray(data[:row]), 200_000 * 20
    section = data.index(b".tables")
    for field in (8, 16):
        struct.pack_into("<I", head, section + field, grown)
    file = Repeated(data[row : row + 20], 200_100, bytes(head))
    refused(pe.read, file, file.size, "more than 4096")


@pytest.mark.parametrize("size", [5 << 20, 40 << 20, GIB])
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
    data = seeds.IMAGES[0].replace(b"\0\1_ab\0\6", b"\0\1_ab\0\0")
    refused(lambda f, size: list(macho_symbols.exports(f, size, macho.read(f, size))), Memory(data), len(data), "in circles")


def test_symbol_versions_that_never_end() -> None:
    name = struct.pack("<QQ", 14, 1)
    for tag in (0x6FFFFFFE, 0x6FFFFFFC):
        data = samples.elf_with_symbol("name", struct.pack("<HHHHIII", 1, 0, 0, 1, 0, 0, 1) * 5_000)
        data = data.replace(name, struct.pack("<QQ", tag, 0x1000))
        kept_promises(elf.read, Memory(data), len(data))


# Holes


HOLES = [
    ".rodata",
    ".lrodata",
    ".nv_fatbin",
    ".hip_fatbin",
    ".comment",
    ".note.gnu.build-id",
    ".note.gnu.property",
    ".shstrtab",
    ".dynsym",
]


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


@pytest.mark.parametrize(
    "beginning", [b"", b"\x7fELF\2\1\1", b"MZ", b"\xcf\xfa\xed\xfe", b"PK\3\4", b"!<arch>\n", b"\x50\xed\x55\xba\1\0\x10\0"]
)
def test_a_gigabyte_of_nothing(beginning: bytes, tmp_path: Path) -> None:
    path = sparse(tmp_path / "nothing", beginning, GIB)
    with path.open("rb", buffering=0) as file:
        kept_promises(everything, file, GIB, count=False)
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
        with suppress(BinaryError):
            wheel.compare_record(file, archive, hashed=True)

    with path.open("rb") as file:
        kept_promises(read, file, path.stat().st_size)


def test_an_elf_bomb(tmp_path: Path) -> None:
    """Inside a wheel: section names of 60 MiB of zeros, and a table of strings."""
    data = samples.elf([(".rodata", bytes(60 << 20)), (".lrodata", bytes(200 << 20))])
    path = zipped(tmp_path, {"torch/lib/libtorch_cuda.so": data})
    del data

    def read(file: BinaryFile, size: int) -> None:
        found, archive = wheel.read(file, size, path.name)
        opened = zips.opened(file, archive, archive.members[0])
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
    kept_promises(zips.read, Memory(data), len(data), count=False)


@pytest.mark.parametrize(
    "line", ["Requires-Dist: a" + " " * 200_000 + "x", "Requires-Dist: " + "a" * 200_000, "x" * 500_000, " :" * 200_000]
)
def test_a_line_of_metadata_that_goes_on(line: str) -> None:
    kept_promises(lambda _f, _size: list(wheel.pins([v for _, v in wheel.headers(f"Name: a\n{line}\n")])), Memory(b""), 0)

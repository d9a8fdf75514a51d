"""Zip files: what every archiver makes, and what only an enemy makes."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import struct
import tracemalloc
import zipfile
import zlib
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.binaries.samples import MIB, opened
from torchsmith.binaries import inflate
from torchsmith.binaries import zip as zips
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.inflate import BLOCK, GZIP, Inflated
from torchsmith.binaries.reader import BinaryFile

NOISE = random.Random(1).randbytes(3 * MIB)
TEXTURE = b"".join(NOISE[at : at + 64] * 3 for at in range(0, len(NOISE), 64))
"""9 MiB that shrink to a third."""


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, *, wide: bool = False) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in members.items():
            with archive.open(name, "w", force_zip64=wide) as file:
                file.write(data)
    return made.getvalue()


def all_of(data: bytes) -> dict[str, bytes]:
    file, size = opened(data)
    archive = zips.read(file, size)
    return {member.name: zips.content(file, archive, member, 64 * MIB) for member in archive.members}


class TestSound:
    MEMBERS: ClassVar = {"a.txt": b"one", "b/c.so": TEXTURE, "empty": b"", "ümläut": b"name"}

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    @pytest.mark.parametrize("wide", [False, True])
    def test_members_are_what_was_put_in(self, method: int, wide: bool) -> None:
        assert all_of(packed(self.MEMBERS, method, wide=wide)) == self.MEMBERS

    def test_the_directory_tells_what_zipfile_tells(self) -> None:
        data = packed(self.MEMBERS)
        found = zips.read(*opened(data))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            expected = [(i.filename, i.file_size, i.compress_size, i.CRC, i.header_offset) for i in archive.infolist()]
        assert [(m.name, m.size, m.packed, m.crc, m.header) for m in found.members] == expected
        assert not found.warnings

    def test_a_stream_without_sizes_in_front(self) -> None:
        class OneWay(io.RawIOBase):
            def __init__(self) -> None:
                self.data = bytearray()

            def writable(self) -> bool:
                return True

            def write(self, data: Any) -> int:
                self.data += bytes(data)
                return len(bytes(data))

        stream = OneWay()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a", b"later" * 100)
        assert all_of(bytes(stream.data)) == {"a": b"later" * 100}

    def test_folders_are_left_out_and_comments_do_not_hide_the_end(self) -> None:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.mkdir("folder")
            archive.writestr("folder/file", "x")
            archive.comment = b"PK\5\6" * 1000
        assert list(all_of(made.getvalue())) == ["folder/file"]

    def test_many_members(self) -> None:
        data = packed({f"folder/{number}": b"" for number in range(70_000)}, zipfile.ZIP_STORED)
        assert len(zips.read(*opened(data)).members) == 70_000


class TestInflated:
    DATA = TEXTURE

    def stream(self, size: int | None = None, **options: int) -> Inflated:
        body = zlib.compress(self.DATA, wbits=inflate.RAW)
        whole = b"front" + body + b"behind"
        size = len(self.DATA) if size is None else size
        return Inflated(io.BytesIO(whole), 5, len(body), len(whole), size, crc=options.get("crc", zlib.crc32(self.DATA)))

    @given(st.lists(st.tuples(st.integers(0, 9 * MIB), st.integers(0, 600_000)), max_size=6))
    @settings(max_examples=12)
    def test_any_place_in_any_order(self, reads: list[tuple[int, int]]) -> None:
        file = self.stream()
        for offset, length in reads:
            assert file.read_at(length, offset) == self.DATA[offset : offset + length]

    def test_seek_and_read(self) -> None:
        file = self.stream()
        file.seek(-10, 2)
        assert file.read() == self.DATA[-10:]
        file.seek(3)
        assert file.read(4) == self.DATA[3:7]
        assert file.seek(-2, 1) == 5
        assert file.problem == ""

    def test_from_the_end_to_the_start_little_is_read_twice(self) -> None:
        class Counting(io.BytesIO):
            taken = 0

            def read(self, size: int | None = -1, /) -> bytes:
                data = super().read(size)
                self.taken += len(data)
                return data

        body = zlib.compress(self.DATA, wbits=inflate.RAW)
        counting = Counting(body)
        file = Inflated(counting, 0, len(body), len(body), len(self.DATA))
        for at in range(len(self.DATA) - 1, -1, -BLOCK):
            assert file.read_at(1, at) == self.DATA[at : at + 1]
        assert counting.taken < 6 * len(body)

    def test_memory_does_not_grow_with_the_file(self) -> None:
        size = 200 * MIB
        packer = zlib.compressobj(1, wbits=inflate.RAW)
        body = (
            b"".join(packer.compress(NOISE[:MIB]) if at % 40 == 0 else packer.compress(bytes(MIB)) for at in range(200))
            + packer.flush()
        )
        tracemalloc.start()
        file = Inflated(io.BytesIO(body), 0, len(body), len(body), size)
        base = tracemalloc.get_traced_memory()[0]
        for at in [size - 1, 0, size // 2, size // 3, size - MIB]:
            file.read_at(64, at)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak - base < 24 * MIB

    def test_a_wrong_checksum_is_told(self) -> None:
        file = self.stream(crc=1)
        file.read_at(1, file.size - 1)
        assert file.problem.startswith("checksum ")

    def test_a_longer_stream_is_cut_at_its_declared_size(self) -> None:
        file = self.stream(size=BLOCK + 1, crc=zlib.crc32(self.DATA[: BLOCK + 1]))
        assert file.read() == self.DATA[: BLOCK + 1]
        assert file.problem == f"inflates to more than the declared {BLOCK + 1} bytes"
        assert file.read_at(5, 0) == self.DATA[:5]

    def test_a_shorter_stream_is_refused_where_it_ends(self) -> None:
        file = self.stream(size=len(self.DATA) + BLOCK)
        assert file.read_at(10, 100) == self.DATA[100:110]
        with pytest.raises(BinaryError, match=r"ends \d+ bytes before its declared size"):
            file.read_at(1, len(self.DATA))
        assert file.read_at(10, 100) == self.DATA[100:110]

    def test_what_was_cut_off_can_be_read_up_to_there(self) -> None:
        body = zlib.compress(self.DATA, wbits=inflate.RAW)[: len(self.DATA) // 10]
        file = Inflated(io.BytesIO(body), 0, 3 * MIB, len(body), len(self.DATA))
        assert file.read_at(MIB, 0) == self.DATA[:MIB]
        with pytest.raises(BinaryError, match="has no end") as caught:
            file.read_at(1, len(self.DATA) - 1)
        assert caught.value.cut_short

    def test_damage_is_refused(self) -> None:
        body = bytearray(zlib.compress(self.DATA, wbits=inflate.RAW))
        body[len(body) // 2 : len(body) // 2 + 200] = bytes(200)
        file = Inflated(io.BytesIO(bytes(body)), 0, len(body), len(body), len(self.DATA), crc=zlib.crc32(self.DATA))
        with contextlib.suppress(BinaryError):
            file.read()
            assert file.problem
        assert file.read_at(100, 0) == self.DATA[:100]

    def test_gzip_of_several_members_and_unknown_size(self) -> None:
        body = gzip.compress(self.DATA[:MIB]) + gzip.compress(b"") + gzip.compress(self.DATA[MIB:])
        file = Inflated(io.BytesIO(body), 0, len(body), len(body), None, GZIP)
        assert file.read_at(10, MIB - 5) == self.DATA[MIB - 5 : MIB + 5]
        assert file.measure(64 * MIB) == len(self.DATA)
        assert file.read_at(100, 0) == self.DATA[:100]
        assert file.read_at(MIB, 5 * MIB) == self.DATA[5 * MIB : 6 * MIB]

    def test_a_gzip_bomb_is_not_measured_to_its_end(self) -> None:
        body = gzip.compress(bytes(64 * MIB))
        with pytest.raises(BinaryError, match="more than"):
            Inflated(io.BytesIO(body), 0, len(body), len(body), None, GZIP).measure(8 * MIB)


def raw(
    members: list[tuple[bytes, dict[str, int]]], *, shift: int = 0, count: int | None = None, directory: int | None = None
) -> bytes:
    """A zip whose every number can be a lie: keys are size, packed, header, flags, method, and local_size."""
    body, rows = b"", b""
    for name, lies in members:
        data = zlib.compress(b"x" * 100, wbits=inflate.RAW)
        method, flags = lies.get("method", 8), lies.get("flags", 0)
        header = lies.get("header", len(body))
        extra = b""
        numbers = [lies.get("size", 100), lies.get("packed", len(data)), header]
        if any(number > 0xFFFFFFFF for number in numbers):
            extra = struct.pack("<HH3Q", 1, 24, *numbers)
            numbers = [0xFFFFFFFF] * 3
        crc = zlib.crc32(b"x" * 100)
        body += struct.pack("<4s5H3L2H", b"PK\3\4", 20, flags, method, 0, 0, crc, len(data), 100, len(name), 0) + name + data
        fixed = (20, 20, flags, method, 0, 0, crc, numbers[1], numbers[0], len(name), len(extra), 0, 0, 0, 0, numbers[2])
        rows += struct.pack("<4s6H3L5H2L", b"PK\1\2", *fixed)
        rows += name + extra
    number = len(members) if count is None else count
    length = len(rows) if directory is None else directory
    return body + rows + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, number, number, length, len(body) + shift, 0)


class TestHostile:
    @pytest.mark.parametrize(
        ("name", "lies", "fault"),
        [
            (b"/etc/passwd", {}, "an absolute path"),
            (b"\\\\server\\share", {}, "an absolute path"),
            (b"C:\\Windows\\x.dll", {}, "an absolute path"),
            (b"torch/../../x.so", {}, "a path that climbs out of its folder"),
            (b"torch\\..\\..\\x.so", {}, "a path that climbs out of its folder"),
            (b"a\0b", {}, "no file can have this name"),
            (b"a\nb", {}, "no file can have this name"),
            (b"", {}, "no file can have this name"),
            (b"a", {"flags": 1}, "encrypted"),
            (b"a", {"method": 14}, "compressed with lzma, which is not read"),
            (b"a", {"method": 77}, "compressed with method 77, which is not read"),
            (b"a", {"size": 1 << 62}, "it lies outside the file"),
            (b"a", {"packed": 1 << 62}, "it lies outside the file"),
            (b"a", {"header": 1 << 62}, "it lies outside the file"),
            (b"a", {"size": 1 << 30}, "bytes cannot inflate to 1073741824"),
            (b"a", {"method": 0, "size": 5000}, "bytes claim to be 5000"),
        ],
    )
    def test_faulty_members_are_named_and_not_opened(self, name: bytes, lies: dict[str, int], fault: str) -> None:
        file, size = opened(raw([(name, lies), (b"good", {})]))
        archive = zips.read(file, size)
        bad, good = archive.members
        assert zips.content(file, archive, good, 1000) == b"x" * 100
        assert bad.fault.endswith(fault)
        assert any(bad.fault in warning for warning in archive.warnings)
        with pytest.raises(BinaryError):
            zips.opened(file, archive, bad)

    def test_overlapping_members_are_a_bomb(self) -> None:
        file, size = opened(raw([(b"a", {"header": 0}), (b"a", {"header": 0}), (b"a", {"header": 0})]))
        archive = zips.read(file, size)
        assert {member.fault for member in archive.members} == {"it overlaps another member"}
        assert "two members have the same name" in archive.warnings

    def test_another_name_in_front_of_the_data(self) -> None:
        data = raw([(b"name.txt", {})]).replace(b"name.txt", b"evil.txt", 1)
        file, size = opened(data)
        archive = zips.read(file, size)
        with pytest.raises(BinaryError, match="do not agree"):
            zips.opened(file, archive, archive.members[0])

    def test_a_gigabyte_is_refused_before_it_is_read(self) -> None:
        file, size = opened(packed({"METADATA": bytes(80 * MIB)}))
        archive = zips.read(file, size)
        with pytest.raises(BinaryError, match="at most 1000 are believed"):
            zips.content(file, archive, archive.members[0], 1000)

    def test_a_million_members_are_refused(self) -> None:
        row = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
        directory = row * 110_000
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(directory), 0, 0)
        with pytest.raises(BinaryError, match="members"):
            zips.read(*opened(directory + end))
        wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1_000_000, 1_000_000, len(directory), 0)
        locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(directory), 1)
        with pytest.raises(BinaryError, match="1000000 members"):
            zips.read(*opened(directory + wide + locator + end))

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"PK",
            b"PK\5\6",
            b"MZ" + bytes(100),
            raw([(b"a", {})], shift=7),
            raw([(b"a", {})], directory=1 << 31),
            b"front" + raw([(b"a", {})]),
            struct.pack("<4s4H2LH", b"PK\5\6", 1, 0, 1, 1, 0, 0, 0),
        ],
    )
    def test_no_zip_file(self, data: bytes) -> None:
        with pytest.raises(BinaryError):
            zips.read(*opened(data))

    def test_a_file_without_its_end_is_walked(self) -> None:
        data = packed({"first": b"1" * 5000, "second.so": TEXTURE, "third": b"3"})
        file, size = opened(data[: len(data) // 2])
        archive = zips.read(file, size)
        assert archive.cut
        assert [member.name for member in archive.members] == ["first", "second.so"]
        assert zips.content(file, archive, archive.members[0], 10_000) == b"1" * 5000
        half = zips.opened(file, archive, archive.members[1])
        assert half.read_at(MIB, 0) == TEXTURE[:MIB]
        with pytest.raises(BinaryError) as caught:
            half.read_at(1, len(TEXTURE) - 1)
        assert caught.value.cut_short


def everything(file: BinaryFile, size: int) -> None:
    archive = zips.read(file, size)
    for member in archive.members[:20]:
        with contextlib.suppress(BinaryError):
            zips.opened(file, archive, member).read_at(4096, max(member.size - 4096, 0))


SMALL = {"a.txt": b"one", "b/c.so": NOISE[:3000] * 2, "ümläut": b""}
ORIGINALS = [packed(SMALL), packed({"a": b"1" * 3000, "b": b""}, zipfile.ZIP_STORED, wide=True), raw([(b"a", {})])]
NUMBERS = [0, 1, 22, 0x7F, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 62, (1 << 64) - 1]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A zip in which numbers were overwritten, most of them in its directory, and which may have lost its end."""
    data = bytearray(draw(st.sampled_from(ORIGINALS)))
    end = len(data)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.one_of(st.integers(max(0, end - 400), end - 1), st.integers(0, min(end, 200) - 1), st.integers(0, end - 1)))
        value = struct.pack("<Q", draw(st.sampled_from(NUMBERS)))[: draw(st.sampled_from([1, 2, 4, 8]))]
        data[at : at + len(value)] = value
    return bytes(data[: draw(st.one_of(st.just(end), st.integers(0, end)))])


@given(damaged())
@settings(max_examples=300)
def test_damage_ends_in_an_answer_or_our_own_error(data: bytes) -> None:
    with contextlib.suppress(BinaryError):
        everything(*opened(data))


@given(st.binary(max_size=400))
@settings(max_examples=200)
def test_noise_ends_in_an_answer_or_our_own_error(data: bytes) -> None:
    for prefix in (b"", b"PK\3\4", b"PK\5\6"):
        with contextlib.suppress(BinaryError):
            everything(*opened(prefix + data))

"""The tar reader against Python's own tarfile and GNU tar's archives, and against archives that mean harm."""

from __future__ import annotations

import contextlib
import io
import itertools
import shutil
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchsmith.binaries import tar
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import Window
from torchsmith.binaries.tar import Member

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
LINKS = {tarfile.SYMTYPE, tarfile.LNKTYPE}
LONG = "/".join(["a-folder-with-a-long-name"] * 6) + "/libtorch_cuda.so"
NAMES = {
    "ustar": ["lib.so", LONG[: LONG.rindex("/", 0, 150)] + "/lib.so.1"],
    "gnu": ["lib.so", LONG, "ü/" + "n" * 300, "../climbs.so", "/absolute.so"],
    "pax": ["lib.so", LONG, "ü/" + "n" * 300, "../climbs.so", "/absolute.so"],
}


def archive(form: int, names: list[str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as file:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size = 700 * number
            file.addfile(info, io.BytesIO(bytes([number]) * info.size))
        for kind, name in (
            (tarfile.SYMTYPE, "link.so"),
            (tarfile.LNKTYPE, "hard.so"),
            (tarfile.DIRTYPE, "folder"),
            (tarfile.FIFOTYPE, "p"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, (names[0] if form == tarfile.USTAR_FORMAT else names[2]) if kind in LINKS else ""
            file.addfile(info)
    return packed.getvalue()


def members(data: bytes, limit: int = tar.MEMBERS_LIMIT) -> tuple[list[Member], list[str]]:
    warnings: list[str] = []
    return list(tar.members(Window(io.BytesIO(data), 0, len(data), len(data)).read_at, warnings, limit)), warnings


def by_tarfile(data: bytes) -> list[tuple[str, int, int, str]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as file:
        return [(one.name.rstrip("/"), one.size, one.offset_data, one.linkname) for one in file]


@pytest.mark.parametrize("form", FORMATS)
def test_agrees_with_tarfile(form: str) -> None:
    data = archive(FORMATS[form], NAMES[form])
    found, warnings = members(data)
    assert [(one.name.rstrip("/"), one.size, one.offset, one.link) for one in found] == by_tarfile(data)
    assert [one.kind for one in found] == ["file"] * len(NAMES[form]) + ["symlink", "link", "dir", "pipe"]
    assert not warnings


@pytest.mark.skipif(shutil.which("tar") is None, reason="needs GNU tar")
@pytest.mark.parametrize(
    "form", ["v7", "oldgnu", "gnu", "ustar", "pax", "--sparse-version=0.0", "--sparse-version=0.1", "--sparse-version=1.0"]
)
def test_agrees_with_tarfile_on_what_gnu_tar_writes(form: str, tmp_path: Path) -> None:
    """Names, sizes and what follows a file with holes; the file itself is told apart."""
    sparse = "sparse" in form
    (tmp_path / "first.so").write_bytes(b"1" * 1000)
    with (tmp_path / "holes.so").open("wb") as file:
        for block in range(40):  # so many that GNU's map takes a second block
            file.seek(block << 20)
            file.write(b"2" * 4096)
    (tmp_path / "last.so").write_bytes(b"3" * 1000)
    words = ["tar", "-C", str(tmp_path), "--format", "pax" if sparse else form, *(["-S", form] if sparse else []), "-cf", "-"]
    words += ["-S"] if form in {"oldgnu", "gnu"} else []
    data = subprocess.run([*words, "first.so", "holes.so", "last.so"], check=True, capture_output=True).stdout
    found, warnings = members(data)
    assert not warnings
    assert [one.name for one in found] == ["first.so", "holes.so", "last.so"]
    assert found[1].kind == ("sparse" if sparse or form in {"oldgnu", "gnu"} else "file")
    for one, number in ((found[0], b"1"), (found[2], b"3")):
        assert data[one.offset : one.offset + one.size] == number * 1000
    if form in {"oldgnu", "gnu"}:
        assert data[found[1].offset :].startswith(b"2" * 4096), "the map of the holes is no data"


def header(name: bytes = b"a.so", size: bytes = b"00000000000\0", mark: bytes = b"0") -> bytes:
    block = bytearray(struct.pack("<100s24x12s12x8sc100s8s80x155s12x", name, size, b" " * 8, mark, b"", b"ustar\x0000", b""))
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def test_a_size_in_binary_of_more_than_eight_gib() -> None:
    found, warnings = members(header(size=b"\x80" + (1 << 40).to_bytes(11, "big")))
    assert found[0].size == 1 << 40
    assert "cut short" in warnings[0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no tar at all" * 50, "not a tar file"),
        (b"", "cut short"),
        (header(size=b"\xff" * 12), "impossible size"),
        (header(size=b"\x80" + b"\x7f" * 11), "impossible size"),
        (header(mark=b"x", size=b"77777777777\0"), "an extended header of"),
        (header(mark=b"L", size=b"00001000000\0"), "an extended header of"),
        (header(mark=b"x", size=b"00000000012\0") + b"99 path=a\n".ljust(512, b"\0"), "damaged"),
    ],
)
def test_no_tar_is_one_clear_error(data: bytes, said: str) -> None:
    with pytest.raises(BinaryError, match=said):
        members(data)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (b"", "cut short"),
        (b"\1" * 512, "damaged"),
        (header(mark=b"x", size=b"00000000024\0") + b"20 size=-1234567890\n".ljust(512, b"\0") + header(), "damaged|impossible"),
        (header(mark=b"S")[:482] + b"\1" + header(mark=b"S")[483:], "damaged"),
    ],
)
def test_damage_behind_the_first_file_keeps_that(second: bytes, said: str) -> None:
    found, warnings = members(header() + second)
    assert [one.name for one in found][:1] == ["a.so"]
    assert len(warnings) == 1
    assert any(word in warnings[0] for word in said.split("|"))


def test_members_are_counted() -> None:
    found, warnings = members(header() * 20 + bytes(1024), limit=10)
    assert len(found) == 11
    assert warnings == ["more than 10 members: the rest was not read"]


def test_extended_headers_count_too() -> None:
    pax = header(mark=b"g", size=b"00000000000\0")
    found, warnings = members(header() + pax * 20, limit=10)
    assert (len(found), warnings) == (1, ["more than 10 members: the rest was not read"])


SEEDS = [archive(form, NAMES[name]) for name, form in FORMATS.items()]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 8))):
        block = draw(st.integers(0, len(data) // 512 - 1)) * 512
        field = draw(st.sampled_from([0, 124, 156, 157, 257, 345, 482, draw(st.integers(0, 511))]))
        value = draw(
            st.one_of(st.binary(min_size=1, max_size=12), st.sampled_from([b"x", b"g", b"L", b"K", b"S", b"1", b"77777777777"]))
        )
        data[block + field : block + field + len(value)] = value
        if draw(st.booleans()):  # a right checksum: the damage is meant
            one = data[block : block + 512]
            one[148:156] = b" " * 8
            data[block + 148 : block + 156] = b"%06o\0 " % sum(one)
    return bytes(data[: draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))])


@given(damaged())
def test_damage_ends_in_an_answer_or_our_error(data: bytes) -> None:
    with contextlib.suppress(BinaryError):
        found, warnings = members(data)
        assert all(0 <= one.offset <= len(data) and 0 <= one.size <= tar.SIZE_LIMIT for one in found)
        assert len(warnings) <= 1
        assert all(first.offset < second.offset for first, second in itertools.pairwise(found))

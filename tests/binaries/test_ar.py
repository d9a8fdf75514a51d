"""Archives: whose names are long in three ways, and whose sizes are not believed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.binaries import samples
from tests.binaries.samples import container, entry
from torchsmith.binaries import ar, coff
from torchsmith.binaries.ar import Member
from torchsmith.binaries.errors import BinaryError

AR = shutil.which("ar")
FATBINS = Path(__file__).parent / "fatbins"
LONG = "a_name_that_is_longer_than_sixteen_characters.o"


def member(name: str, data: bytes, size: int | None = None) -> bytes:
    header = f"{name:<16}{'0':<12}{'0':<6}{'0':<6}{'644':<8}{len(data) if size is None else size:<10}`\n"
    return header.encode() + data + b"\n" * (len(data) % 2)


def members(data: bytes) -> list[Member]:
    return list(ar.members(*samples.opened(data)))


def contents(data: bytes) -> list[tuple[str, bytes]]:
    return [(one.name, data[one.offset : one.offset + one.size]) for one in members(data)]


def test_short_names_and_odd_sizes() -> None:
    data = ar.MAGIC + member("a.o/", b"odd") + member("b.o/", b"even")
    assert contents(data) == [("a.o", b"odd"), ("b.o", b"even")]


def test_symbol_tables_are_no_members() -> None:
    data = (
        ar.MAGIC + member("/", b"index") + member("/SYM64/", b"index") + member("__.SYMDEF SORTED", b"i") + member("a.o/", b"a")
    )
    assert contents(data) == [("a.o", b"a")]
    bsd_index = member("#1/20", b"__.SYMDEF SORTED".ljust(20, b"\0") + b"index")
    assert contents(ar.MAGIC + bsd_index + member("a.o", b"a")) == [("a.o", b"a")]


def test_gnu_bsd_and_microsoft_names() -> None:
    gnu = member("//", f"{LONG}/\nother_long_name_of_an_object.o/\n".encode())
    assert contents(ar.MAGIC + gnu + member("/49", b"2") + member("/0", b"1")) == [
        ("other_long_name_of_an_object.o", b"2"),
        (LONG, b"1"),
    ]
    assert contents(ar.MAGIC + member(f"#1/{len(LONG) + 1}", LONG.encode() + b"\0" + b"data")) == [(LONG, b"data")]
    microsoft = member("//", f"{LONG}\0other.obj\0".encode())
    assert contents(ar.MAGIC + microsoft + member("/48", b"2") + member("/0", b"1")) == [("other.obj", b"2"), (LONG, b"1")]


def test_a_thin_archive_has_names_only() -> None:
    data = ar.THIN_MAGIC + member("//", f"{LONG}/\n".encode()) + member("/0", b"", 123456) + member("a.o/", b"", 99)
    assert ar.is_thin(*samples.opened(data))
    assert [(one.name, one.size) for one in members(data)] == [(LONG, 0), ("a.o", 0)]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (member("a.o/", b"data", size=10**9), "it was cut short"),
        (member("a.o/", b"data").replace(b"4         `", b"-4        `"), "no size"),
        (member("a.o/", b"data").replace(b"`\n", b"??"), "no member"),
        (member("/0", b"data"), "not in the archive's table of names"),
        (member("//", b"a.o/\n") + member("/99", b"data"), "not in the archive's table of names"),
        (member("#1/99", b"data"), "takes 99 bytes of its 4"),
        (b"half a header", "lies outside the file"),
    ],
)
def test_damage_is_an_error_behind_the_sound_members(bad: bytes, message: str) -> None:
    found = ar.members(*samples.opened(ar.MAGIC + member("first.o/", b"fine") + bad))
    assert next(found).name == "first.o"
    with pytest.raises(BinaryError, match=message):
        next(found)


def test_no_archive() -> None:
    with pytest.raises(BinaryError, match="not an archive"):
        members(b"\x7fELF" + bytes(100))


def test_many_members_are_bounded() -> None:
    data = ar.MAGIC + member("a.o/", b"") * (ar.MEMBER_LIMIT + 10)
    with pytest.raises(BinaryError, match="the rest was not read"):
        members(data)


def object_file(sections: list[tuple[str, bytes]]) -> bytes:
    """A COFF object; names longer than eight bytes stand in its string table."""
    strings, rows, body = bytearray(4), b"", b""
    start = 20 + 40 * len(sections)
    for name, data in sections:
        short = name.encode()
        if len(short) > 8:
            short = b"/%d" % len(strings)
            strings += name.encode() + b"\0"
        rows += short.ljust(8, b"\0") + b"".join(
            number.to_bytes(4, "little") for number in (0, 0, len(data), start + len(body), 0, 0, 0, 0x40000040)
        )
        body += data
    header = b"\x64\x86" + len(sections).to_bytes(2, "little") + bytes(4) + (start + len(body)).to_bytes(4, "little") + bytes(8)
    return header + rows + body + bytes(strings)


def test_gpu_code_of_each_object() -> None:
    code = container(entry(2, 75), entry(1, 90))
    data = ar.MAGIC + member("/", b"index")
    data += member("one.o/", samples.elf([(".nv_fatbin", code)])) + member("readme/", b"no object")
    data += member("two.o/", samples.elf([("__nv_relfatbin", code * 2)])) + member("broken.o/", b"\x7fELF" + bytes(20))
    data += member("three.obj/", object_file([(".text", b"x"), (".nv_fatbin", code * 3)]))
    found = [(one.name, code.containers, code.sass, code.ptx) for one, code in ar.gpu_code(*samples.opened(data))]
    expected = [("one.o", 1), ("two.o", 2), ("three.obj", 3)]
    assert found == [(name, count, ("sm_75",), ("compute_90",)) for name, count in expected]


def test_sections_of_an_object_file() -> None:
    data = object_file([(".text", b"code"), ("a_long_name", b"data")])
    found = coff.sections(*samples.opened(data))
    assert [(section.name, data[section.offset :][: section.size]) for section in found] == [
        (".text", b"code"),
        ("a_long_name", b"data"),
    ]


@pytest.mark.skipif(AR is None, reason="there is no ar")
@pytest.mark.parametrize("options", ["rcs", "rcsT"])
def test_what_the_real_ar_makes(options: str, tmp_path: Path) -> None:
    """Objects that nvcc made, one under a long name, in a plain and in a thin archive."""
    for name, source in (("rdc.o", "rdc.o"), (LONG, "plain.o")):
        shutil.copy(FATBINS / source, tmp_path / name)
    done = subprocess.run([AR or "", options, "all.a", "rdc.o", LONG], cwd=tmp_path, capture_output=True, check=True)
    assert done.returncode == 0
    listed = subprocess.run([AR or "", "t", "all.a"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    path = tmp_path / "all.a"
    with path.open("rb") as file:
        size = path.stat().st_size
        assert [one.name for one in ar.members(file, size)] == listed
        code = {one.name: found.sass for one, found in ar.gpu_code(file, size)}
        assert ar.is_thin(file, size) == ("T" in options)
    assert code == ({} if "T" in options else {"rdc.o": ("sm_75", "sm_90"), LONG: ("sm_75",)})

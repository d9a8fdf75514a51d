"""The Mach-O reader says what macholib says of real wheels, and bears whatever damage there is."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from macholib.MachO import MachO as TheirMachO

from tests.binaries.samples import opened
from tests.binaries.test_hostile import QUIET, damaged, survives
from tests.lab import foreign
from tests.lab.fixtures import have
from torchsmith.binaries import macho, macho_symbols
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile
from torchsmith.model.record import replace

LOADS = {"LC_LOAD_DYLIB": "load", "LC_LOAD_WEAK_DYLIB": "weak", "LC_REEXPORT_DYLIB": "reexport", "LC_LOAD_UPWARD_DYLIB": "upward"}
ARM, INTEL = 0x0100000C, 0x01000007


# made by hand


def command(kind: int, data: bytes) -> bytes:
    data += bytes(-len(data) % 8)
    return struct.pack("<II", kind, 8 + len(data)) + data


def dylib(name: str, kind: int = 0xC, current: int = 0x10203, compatible: int = 0x10000) -> bytes:
    return command(kind, struct.pack("<IIII", 24, 2, current, compatible) + name.encode() + b"\0")


def rpath(folder: str) -> bytes:
    return command(0x8000001C, struct.pack("<I", 12) + folder.encode() + b"\0")


def build_version(minimum: int, sdk: int) -> bytes:
    return command(0x32, struct.pack("<IIII", 1, minimum, sdk, 0))


def trie(names: list[bytes]) -> bytes:
    """One node with an edge for each name, and a leaf at the end of each."""
    head = 2 + sum(len(name) + 2 for name in names)
    edges = b"".join(name + b"\0" + bytes((head + 3 * index,)) for index, name in enumerate(names))
    return bytes((0, len(names))) + edges + b"\1\0\0" * len(names)


def thin(*commands: bytes, processor: int = ARM, subtype: int = 0, kind: int = 6, symbols: tuple[str, ...] = ()) -> bytes:
    """A 64-bit image; each of ``symbols`` is undefined, of the first library, and there is a trie of two exports."""
    names, rows = b"\0", b""
    for symbol in symbols:
        rows += struct.pack("<IBBHQ", len(names), 1, 0, 0x0100, 0)
        names += symbol.encode() + b"\0"
    exported = trie([b"_PyInit_x", b"_other"])
    size = sum(map(len, commands)) + 24 + 16
    start = 32 + size
    table = struct.pack("<IIII", start, len(symbols), start + len(rows), len(names))
    exports = struct.pack("<II", start + len(rows) + len(names), len(exported))
    body = b"".join(commands) + command(2, table) + command(0x80000033, exports)
    head = struct.pack("<IIIIIIII", 0xFEEDFACF, processor, subtype, kind, len(commands) + 2, size, 0x85, 0)
    return head + body + rows + names + exported


def universal(*images: tuple[int, bytes]) -> bytes:
    rows, body, place = b"", b"", 4096
    for processor, image in images:
        rows += struct.pack(">IIIII", processor, 3, place + len(body), len(image), 12)
        body += image + bytes(-len(image) % 4096)
    return (struct.pack(">II", 0xCAFEBABE, len(images)) + rows).ljust(place, b"\0") + body


EVERYTHING = thin(
    dylib("@rpath/libme.dylib", 0xD, 0x20304),
    dylib("@rpath/libc10.dylib"),
    dylib("/usr/lib/libc++.1.dylib", 0x80000018),
    dylib("/usr/lib/libup.dylib", 0x80000023),
    dylib("@loader_path/libre.dylib", 0x8000001F),
    rpath("@loader_path/lib"),
    rpath("/opt/lib"),
    command(0x1B, bytes(range(16))),
    build_version(0x0B0000, 0x0E0500),
    symbols=("_torch_add", "_PyList_New"),
)


def test_reads_everything() -> None:
    file, size = opened(EVERYTHING)
    found = macho.read(file, size)
    assert (found.bits, found.machine, found.kind) == (64, "aarch64", "dylib")
    assert (found.name, found.version, found.compatible) == ("@rpath/libme.dylib", "2.3.4", "1.0.0")
    assert [(d.name, d.how) for d in found.dylibs] == [
        ("@rpath/libc10.dylib", "load"),
        ("/usr/lib/libc++.1.dylib", "weak"),
        ("/usr/lib/libup.dylib", "upward"),
        ("@loader_path/libre.dylib", "reexport"),
    ]
    assert (found.dylibs[0].current, found.dylibs[0].compatible) == ("1.2.3", "1.0.0")
    assert found.rpaths == ("@loader_path/lib", "/opt/lib")
    assert (found.platform, found.minimum, found.sdk) == ("macos", "11.0", "14.5")
    assert found.uuid == "000102030405060708090A0B0C0D0E0F"
    assert set(macho_symbols.exports(file, size, found)) == {"_PyInit_x", "_other"}
    assert list(macho_symbols.undefined(file, size, found)) == [
        macho_symbols.Undefined("_torch_add", "@rpath/libc10.dylib", weak=False),
        macho_symbols.Undefined("_PyList_New", "@rpath/libc10.dylib", weak=False),
    ]
    ours = macho.inspected(file, size)
    assert (ours.format, ours.machine, ours.soname, ours.file_version) == ("macho", "aarch64", "@rpath/libme.dylib", "2.3.4")
    assert ours.needed == ("@rpath/libc10.dylib", "/usr/lib/libup.dylib", "@loader_path/libre.dylib")
    assert ours.delay_needed == ("/usr/lib/libc++.1.dylib",)
    assert (ours.rpath, ours.build_id) == ("@loader_path/lib:/opt/lib", found.uuid)
    place = dict(ours.places)["build_id"]
    assert EVERYTHING[place.offset + 8 : place.offset + 24] == bytes(range(16))


def test_the_images_of_a_universal_file() -> None:
    data = universal((INTEL, thin(dylib("/a"), processor=INTEL)), (ARM, thin(dylib("/b"), dylib("/c"))))
    file, size = opened(data)
    assert [found.machine for found in macho.slices(file, size)] == ["x86_64", "aarch64"]
    assert [d.name for d in macho.read(file, size, "x86_64").dylibs] == ["/a"]
    assert [d.name for d in macho.read(file, size).dylibs] == ["/b", "/c"]
    ours = macho.inspected(file, size)
    assert (ours.machine, ours.needed) == ("x86_64+aarch64", ("/b", "/c"))
    assert ours.warnings == ("the image for x86_64 needs other libraries than that for aarch64",)
    with pytest.raises(BinaryError, match="no image for arm64e, only for x86_64, aarch64"):
        macho.read(file, size, "arm64e")


def test_one_broken_image_does_not_hide_the_other() -> None:
    broken = bytearray(thin(dylib("/a"), processor=INTEL))
    broken[16:20] = struct.pack("<I", 100_000)
    ours = macho.inspected(*opened(universal((INTEL, bytes(broken)), (ARM, thin(dylib("/b"))))))
    assert ours.needed == ("/b",)
    assert "the image for x86_64" in ours.warnings[0]


@pytest.mark.parametrize(
    ("data", "message", "cut_short"),
    [
        (b"\x7fELF" + bytes(60), "not a Mach-O file", False),
        (struct.pack(">II", 0xCAFEBABE, 52) + bytes(60), "not a Mach-O file", False),  # a Java class
        (struct.pack(">II", 0xFEEDFACF, 18) + bytes(60), "big-endian", False),
        (b"\xcf\xfa\xed\xfe" + bytes(8), "has no header", True),
        (EVERYTHING[:200], "end behind their image", True),
        (universal((ARM, EVERYTHING))[:4200], "lies outside the file", True),
        (universal(*(((ARM, b"x"),) * 17)), "17 images", False),
    ],
)
def test_what_is_refused_and_why(data: bytes, message: str, cut_short: bool) -> None:
    with pytest.raises(BinaryError, match=message) as caught:
        macho.inspected(*opened(data))
    assert caught.value.cut_short is cut_short


def test_arm64e_is_another_machine() -> None:
    data = thin(subtype=0x80000002)
    assert macho.read(*opened(data)).machine == "arm64e"


def test_a_trie_that_runs_in_circles_is_refused() -> None:
    outside = bytearray(EVERYTHING)
    outside[outside.rindex(b"_other\0") + 7] = 0x7F
    circle = bytearray(EVERYTHING)
    circle[circle.rindex(b"_other\0") + 7] = 0
    for damage in (outside, circle):
        file, size = opened(bytes(damage))
        with pytest.raises(BinaryError):
            list(macho_symbols.exports(file, size, macho.read(file, size)))


# damage


def everything(file: BinaryFile, size: int) -> Any:
    image = macho.read(file, size)
    return [
        *macho_symbols.undefined(file, size, image),
        *macho_symbols.exports(file, size, image),
    ]


WHOLE = universal((INTEL, thin(dylib("/a"), processor=INTEL)), (ARM, EVERYTHING))


@QUIET
@given(damaged([EVERYTHING, WHOLE]))
def test_damage(data: bytes) -> None:
    for read in (everything, macho.inspected):
        survives(read, data)


@QUIET
@given(
    st.sampled_from((b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\2", b"\xca\xfe\xba\xbf\0\0\0\1")),
    st.binary(max_size=400),
)
def test_noise(start: bytes, tail: bytes) -> None:
    survives(everything, start + tail)


# real wheels


@pytest.fixture(scope="module")
def files() -> list[Path]:
    sites = [have(foreign.mac), have(foreign.mac_universal)]
    return [path for site in sites for path in sorted(site.rglob("*")) if path.suffix in {".so", ".dylib"}]


def theirs(path: Path) -> list[dict[str, Any]]:
    """What macholib reads of each image."""
    images = []
    for header in TheirMachO(str(path)).headers:
        found: dict[str, Any] = {"dylibs": [], "rpaths": [], "name": None, "uuid": None}
        for load, body, data in header.commands:
            kind = load.get_cmd_name()
            text = data.rstrip(b"\0").decode("utf-8", "replace") if isinstance(data, bytes) else ""
            if kind in LOADS:
                found["dylibs"].append((text, LOADS[kind], str(body.current_version), str(body.compatibility_version)))
            elif kind == "LC_ID_DYLIB":
                found["name"] = text
            elif kind == "LC_RPATH":
                found["rpaths"].append(text)
            elif kind == "LC_UUID":
                found["uuid"] = body.uuid.hex().upper()
            elif kind == "LC_BUILD_VERSION":
                found["minimum"], found["sdk"] = body.minos, body.sdk
            elif kind.startswith("LC_VERSION_MIN"):
                found["minimum"], found["sdk"] = body.version, body.sdk
            elif kind == "LC_DYSYMTAB":
                found["undefined"] = body.nundefsym
        images.append(found)
    return images


def version(number: int) -> str:
    return f"{number >> 16}.{number >> 8 & 255}.{number & 255}".removesuffix(".0")


@pytest.mark.online
def test_agrees_with_macholib(files: list[Path]) -> None:
    exported = 0
    for path in files:
        size = path.stat().st_size
        with path.open("rb", buffering=0) as file:
            images = macho.slices(file, size)
            for image, wanted in zip(images, theirs(path), strict=True):
                ours = macho.read(file, size, image.machine)
                assert [(d.name, d.how, d.current, d.compatible) for d in ours.dylibs] == wanted["dylibs"], path
                assert list(ours.rpaths) == wanted["rpaths"], path
                assert (ours.name, ours.uuid) == (wanted["name"], wanted["uuid"]), path
                assert (ours.minimum, ours.sdk) == (version(int(wanted["minimum"])), version(int(wanted["sdk"]))), path
                # the linker counts what it left undefined, and sorts it behind all else
                assert len(list(macho_symbols.undefined(file, size, ours))) == wanted["undefined"], path
                names = list(macho_symbols.exports(file, size, ours))
                assert len(names) == len(set(names)), path
                exported += len(names)
                if path.suffix == ".so" and "darwin" in path.name:
                    assert f"_PyInit_{path.name.partition('.')[0]}" in names, path
            assert macho.inspected(file, size).warnings == ()
    assert len(files) > 30
    assert exported > 1000


@pytest.mark.online
def test_real_files_for_two_processors(files: list[Path]) -> None:
    both = [path for path in files if "markupsafe" in str(path)]
    assert both
    for path in both:
        with path.open("rb", buffering=0) as file:
            assert macho.inspected(file, path.stat().st_size).machine == "x86_64+aarch64"


@pytest.mark.online
def test_an_exported_name_is_in_the_symbol_table_too(files: list[Path]) -> None:
    """The trie and the symbol table are two records of one truth."""
    for path in files:
        size = path.stat().st_size
        with path.open("rb", buffering=0) as file:
            image = macho.read(file, size)
            if image.exported is None or image.name is None:
                continue
            table = set(macho_symbols.exports(file, size, replace(image, exported=None)))
            assert set(macho_symbols.exports(file, size, image)) <= table, path

"""What a PE file says of itself beyond its imports: on files made for it, whole and damaged."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.binaries import samples
from tests.binaries.test_hostile import PES, QUIET, damaged, survives
from torchsmith.binaries import pe, pe_exports, pe_version
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.pe_image import image
from torchsmith.binaries.reader import BinaryFile

BASE = 0x1000
VERSION = (9, 28, 0, 42)


class Tables:
    """One section of a PE file, filled table by table, and the data directories that point into it."""

    def __init__(self, *, wide: bool = True, base: int = 0) -> None:
        self.data = bytearray()
        self.directories: dict[int, tuple[int, int]] = {}
        self.wide, self.base = wide, base

    def put(self, data: bytes) -> int:
        self.data += bytes(-len(self.data) % 8)
        self.data += data
        return BASE + len(self.data) - len(data)

    def text(self, name: str) -> int:
        return self.put(name.encode() + b"\0")

    def exports(self, names: dict[str, str], *, unnamed: int = 0) -> None:
        """Name -> forwarder, "" for none."""
        start = self.put(bytes(40))
        texts = {name: self.text(name) for name in sorted(names)}
        forwarders = {name: self.text(to) for name, to in names.items() if to}
        end = BASE + len(self.data)
        functions = [forwarders.get(name, 0x10) for name in sorted(names)] + [0x20] * unnamed
        addresses = self.put(struct.pack(f"<{len(functions)}I", *functions))
        name_table = self.put(struct.pack(f"<{len(texts)}I", *texts.values()))
        numbers = self.put(struct.pack(f"<{len(texts)}H", *range(len(texts))))
        row = struct.pack("<IIHHIIIIIII", 0, 0, 0, 0, start, 7, len(functions), len(texts), addresses, name_table, numbers)
        self.data[start - BASE : start - BASE + 40] = row
        self.directories[0] = (start, end - start)

    def imports(self, dll: str, *symbols: str | int) -> None:
        width, flag = (8, 1 << 63) if self.wide else (4, 1 << 31)
        values = [flag | s if isinstance(s, int) else self.put(b"\0\0" + s.encode() + b"\0") for s in symbols]
        thunks = self.put(b"".join(value.to_bytes(width, "little") for value in (*values, 0)))
        rows = struct.pack("<IIIII", thunks, 0, 0, self.text(dll), thunks) + bytes(20)
        self.directories[1] = (self.put(rows), len(rows))

    def old_delay_imports(self, dll: str, *symbols: str) -> None:
        """As before Visual C++ 7: addresses in memory, not relative to the image."""
        values = [self.put(b"\0\0" + s.encode() + b"\0") + self.base for s in symbols]
        thunks = self.put(struct.pack(f"<{len(values) + 1}I", *values, 0))
        rows = struct.pack("<IIIIIIII", 0, self.text(dll) + self.base, 0, 0, thunks + self.base, 0, 0, 0) + bytes(32)
        self.directories[13] = (self.put(rows), len(rows))

    def pdb(self, path: str) -> None:
        guid = bytes(range(16))
        place = self.put(b"RSDS" + guid + struct.pack("<I", 3) + path.encode() + b"\0")
        length = 24 + len(path) + 1
        self.directories[6] = (self.put(struct.pack("<IIHHIIII", 0, 0, 0, 0, 2, length, place, self.offset(place))), 28)

    def hybrid(self) -> None:
        self.directories[10] = (self.put(struct.pack("<I", 0xD0) + bytes(0xC4) + struct.pack("<Q", 1)), 0xD0)

    def load_flags(self, flags: int) -> None:
        self.directories[10] = (self.put(struct.pack("<I", 0x60) + bytes(0x4A) + struct.pack("<H", flags) + bytes(0x10)), 0x60)

    @property
    def start(self) -> int:
        return 0x40 + 24 + (240 if self.wide else 224) + 40

    def offset(self, address: int) -> int:
        return (self.start + 0x1FF) // 0x200 * 0x200 + address - BASE

    def file(self, machine: int = 0x8664, linker: tuple[int, int] = (14, 44)) -> bytes:
        directory = b"".join(struct.pack("<II", *self.directories.get(index, (0, 0))) for index in range(16))
        magic = (b"\x0b\x02" if self.wide else b"\x0b\x01") + bytes(linker)
        head = bytearray(magic.ljust(108 if self.wide else 92, b"\0"))
        struct.pack_into("<I", head, 28, self.base)
        struct.pack_into("<I", head, 32, 0x1000)
        place = self.offset(BASE)
        struct.pack_into("<I", head, 60, place)
        optional = bytes(head) + struct.pack("<I", 16) + directory
        coff = struct.pack("<4sHHIIIHH", b"PE\0\0", machine, 1, 0, 0, 0, len(optional), 0x2022)
        row = struct.pack("<8sIIIIIIHHI", b".rdata", len(self.data), BASE, len(self.data), place, 0, 0, 0, 0, 0x40000040)
        return (b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40) + coff + optional + row).ljust(place, b"\0") + bytes(self.data)


def test_exports_and_forwarders() -> None:
    tables = Tables()
    tables.exports({"PyList_New": "python312.PyList_New", "by_number": "other.dll.#5", "own": ""}, unnamed=2)
    found = list(pe_exports.exports(*samples.opened(tables.file())))
    assert [(e.name, e.ordinal, e.forwarder) for e in found] == [
        ("PyList_New", 7, "python312.PyList_New"),
        ("by_number", 8, "other.dll.#5"),
        ("own", 9, ""),
        ("", 10, ""),
        ("", 11, ""),
    ]
    assert pe_exports.forwarded(*samples.opened(tables.file())) == ("python312.dll", "other.dll")


def test_imported_symbols_by_name_and_by_number() -> None:
    tables = Tables()
    tables.imports("WS2_32.dll", "recv", 115)
    assert list(pe_exports.imported(*samples.opened(tables.file()))) == [
        pe_exports.Imported("WS2_32.dll", "recv"),
        pe_exports.Imported("WS2_32.dll", "", 115),
    ]


def test_old_delay_imports_are_addresses_in_memory() -> None:
    tables = Tables(wide=False, base=0x10000000)
    tables.old_delay_imports("nvcuda.dll", "cuInit")
    file, size = samples.opened(tables.file(0x14C))
    assert pe.read(file, size).delay_imports == ("nvcuda.dll",)
    assert list(pe_exports.imported(file, size)) == [pe_exports.Imported("nvcuda.dll", "cuInit", delayed=True)]


def test_debugging_symbols_are_the_build_id() -> None:
    tables = Tables()
    tables.pdb(r"C:\build\c10.pdb")
    file, size = samples.opened(tables.file())
    found = pe.pdb(image(file, size))
    assert found is not None
    assert (found.identity, found.path) == ("0302010005040706" + "08090A0B0C0D0E0F" + "3", r"C:\build\c10.pdb")
    inspected = pe.inspected(file, size)
    assert (inspected.build_id, inspected.compiler) == (found.identity, "linker 14.44")
    assert dict(inspected.places)["build_id"].section == ".rdata"


@pytest.mark.parametrize(
    ("number", "hybrid", "name"),
    [
        (0x8664, False, "x86_64"),
        (0x8664, True, "arm64ec"),
        (0xAA64, False, "aarch64"),
        (0xAA64, True, "arm64x"),
        (0x5064, False, "pe-0x5064"),
    ],
)
def test_arm64_hybrids_are_told_from_plain_files(number: int, hybrid: bool, name: str) -> None:
    tables = Tables()
    if hybrid:
        tables.hybrid()
    assert pe.inspected(*samples.opened(tables.file(number))).machine == name


def test_load_flags() -> None:
    tables = Tables()
    tables.load_flags(0x800)
    assert pe.load_flags(*samples.opened(tables.file())) == 0x800
    assert pe.load_flags(*samples.opened(Tables().file())) == 0


def test_version_resource() -> None:
    file, size = samples.opened(samples.pe(version=VERSION))
    found = pe_version.version(image(file, size))
    assert found is not None
    assert (found.file, found.product, found.strings) == ("9.28.0.42", "0.0.0.0", ())
    assert pe.inspected(file, size).file_version == pe.read(file, size).file_version == "9.28.0.42"


@pytest.mark.parametrize(
    ("imports", "abi", "runtime"),
    [
        (("python312.dll", "KERNEL32.dll"), "cp312", ()),
        (("PYTHON313t.dll",), "cp313t", ()),
        (("python3.dll", "VCRUNTIME140.dll"), "abi3", ("VCRUNTIME140.dll",)),
        (("python3t.dll",), "abi3t", ()),
        (("python3.dll", "python311.dll"), "cp311", ()),
        (("python311_d.dll",), "cp311", ()),
        (
            ("msvcrt.dll", "ucrtbase.dll", "MSVCP140_ATOMIC_WAIT.dll", "msvcr120.dll"),
            None,
            ("MSVCP140_ATOMIC_WAIT.dll", "msvcr120.dll"),
        ),
        (("pythoncom312.dll", "msvcp140-a4c2229b.dll"), None, ()),
    ],
)
def test_what_imports_tell(imports: tuple[str, ...], abi: str | None, runtime: tuple[str, ...]) -> None:
    assert pe.python_abi(imports) == abi
    assert pe.runtime_dlls(imports) == runtime


def test_a_file_that_was_cut_off_tells_what_it_can() -> None:
    data = samples.pe([(".nv_fatb", bytes(5000))], imports=["c10.dll"], version=VERSION)
    found = pe.inspected(*samples.opened(data[:-4000]))
    assert found.needed == ("c10.dll",)
    assert found.file_version == "9.28.0.42"
    assert "cut short" in found.warnings[0]


def test_a_damaged_table_is_told_and_the_rest_is_read() -> None:
    tables = Tables()
    tables.imports("c10.dll", "x")
    tables.directories[13] = (0xFFFF0000, 64)
    tables.directories[6] = (0xFFFF0000, 28)
    found = pe.inspected(*samples.opened(tables.file()))
    assert found.needed == ("c10.dll",)
    assert [warning.partition(":")[0] for warning in found.warnings] == ["delay imports", "debug directory"]


def hostile() -> list[tuple[str, bytes]]:
    many = Tables()
    many.exports({"a": ""})
    start = many.directories[0][0] - BASE
    struct.pack_into("<I", many.data, start + 20, 0x7FFFFFFF)
    endless = Tables()
    endless.imports("a.dll", *(1 for _ in range(5)))
    thunks = endless.data.index((1 << 63 | 1).to_bytes(8, "little"))
    for place in range(thunks, len(endless.data) // 8 * 8, 8):
        if endless.data[place : place + 8] == bytes(8):
            endless.data[place : place + 8] = (1 << 63 | 1).to_bytes(8, "little")
            break
    nameless = Tables()
    nameless.exports({"a": ""})
    nameless.data[-2:] = b"\xff\xff"
    return [("a billion exports", many.file()), ("a list without end", endless.file()), ("a wild number", nameless.file())]


@pytest.mark.parametrize("data", [data for _, data in hostile()], ids=[name for name, _ in hostile()])
def test_hostile_tables_are_refused(data: bytes) -> None:
    with pytest.raises(BinaryError):
        _everything(*samples.opened(data))


def _everything(file: BinaryFile, size: int) -> object:
    pe.inspected(file, size)
    return [*pe_exports.exports(file, size), *pe_exports.imported(file, size), pe_exports.forwarded(file, size)]


def _rest(file: BinaryFile, size: int) -> object:
    return pe.load_flags(file, size), pe_version.version(image(file, size))


def _rich() -> bytes:
    tables = Tables()
    tables.exports({"PyList_New": "python312.PyList_New", "own": ""}, unnamed=1)
    tables.imports("WS2_32.dll", "recv", 115)
    tables.pdb("c10.pdb")
    tables.hybrid()
    return tables.file()


@QUIET
@given(damaged([*PES, _rich()]))
def test_damage(data: bytes) -> None:
    for read in (_everything, _rest):
        survives(read, data)


@QUIET
@given(st.binary(max_size=400).map(lambda tail: b"MZ" + tail))
def test_noise(data: bytes) -> None:
    survives(_everything, data)

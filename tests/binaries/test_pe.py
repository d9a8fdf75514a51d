"""The PE reader says what pefile says, on every Windows program that is at hand."""

from pathlib import Path

import pefile
import pytest

from tests.binaries import samples
from torchsmith.binaries import pe
from torchsmith.binaries.errors import BinaryError

REAL = samples.real_pe()


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_agrees_with_pefile(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        ours = pe.read(file, path.stat().st_size)
    with pefile.PE(str(path), fast_load=True) as theirs:
        wanted = ("IMPORT", "DELAY_IMPORT", "RESOURCE")
        theirs.parse_data_directories(
            [pefile.DIRECTORY_ENTRY[f"IMAGE_DIRECTORY_ENTRY_{name}"] for name in wanted], import_dllnames_only=True
        )
        assert ours.machine == theirs.FILE_HEADER.Machine
        assert ours.imports == tuple(entry.dll.decode() for entry in theirs.DIRECTORY_ENTRY_IMPORT)
        assert ours.delay_imports == tuple(entry.dll.decode() for entry in getattr(theirs, "DIRECTORY_ENTRY_DELAY_IMPORT", ()))
        assert [(s.name, s.offset, s.size, s.flags) for s in ours.sections] == [
            (s.Name.rstrip(b"\0").decode(), s.PointerToRawData, s.SizeOfRawData, s.Characteristics) for s in theirs.sections
        ]
        assert ours.file_version == _version(theirs)


def _version(file: pefile.PE) -> str | None:
    for info in getattr(file, "VS_FIXEDFILEINFO", ()):
        high, low = info.FileVersionMS, info.FileVersionLS
        return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
    return None


def test_reads_a_dll_with_everything() -> None:
    data = samples.pe(
        [(".nv_fatb", b"abc")],
        imports=["c10.dll", "VCRUNTIME140_1.dll"],
        delay_imports=["nvcuda.dll"],
        version=(6, 14, 11, 13100),
    )
    found = pe.read(*samples.opened(data))
    assert (found.bits, found.machine) == (64, 0x8664)
    assert found.imports == ("c10.dll", "VCRUNTIME140_1.dll")
    assert found.delay_imports == ("nvcuda.dll",)
    assert found.file_version == "6.14.11.13100"
    section = found.sections[-1]
    assert (section.name, data[section.offset : section.offset + section.size]) == (".nv_fatb", b"abc")


def test_all_imports_are_kept() -> None:
    names = [f"lib{number}.dll" for number in range(300)]
    assert pe.read(*samples.opened(samples.pe(imports=names))).imports == tuple(names)


@pytest.mark.parametrize(
    ("data", "message", "cut_short"),
    [
        (b"\x7fELF", "not a PE file", False),
        (b"MZ", "the DOS header", True),
        (b"MZ".ljust(200, b"\0"), "a DOS program", False),
        (samples.pe(imports=["a.dll"])[:-30], "outside the file", True),
        (samples.pe()[:300], "the optional header|the section table", True),
    ],
)
def test_what_is_refused_and_why(data: bytes, message: str, cut_short: bool) -> None:
    with pytest.raises(BinaryError, match=message) as caught:
        pe.read(*samples.opened(data))
    assert caught.value.cut_short is cut_short

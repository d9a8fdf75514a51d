"""The ELF reader says what pyelftools says, on every library that is at hand."""

from pathlib import Path
from typing import Any

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection
from elftools.elf.sections import SymbolTableSection

from tests.binaries import samples
from torchsmith.binaries import elf
from torchsmith.binaries.errors import BinaryError

REAL = samples.real_elf()
SYMBOLS_UP_TO = 256 * 1024  # bytes: the second opinion takes its time


MACHINES = {"EM_X86_64": 62, "EM_AARCH64": 183, "EM_386": 3, "EM_ARM": 40}


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_agrees_with_pyelftools(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb", buffering=0) as file, path.open("rb") as other:
        ours, theirs = elf.read(file, size), ELFFile(other)
        assert ours.bits == theirs.elfclass
        assert ours.machine == MACHINES[theirs.header["e_machine"]]
        assert [(s.name, s.offset, s.size, s.flags) for s in ours.sections] == [
            (s.name, s["sh_offset"], 0 if s["sh_type"] == "SHT_NOBITS" else s["sh_size"], s["sh_flags"])
            for s in list(theirs.iter_sections())[1:]
        ]
        for section in theirs.iter_sections():
            if isinstance(section, DynamicSection):
                tags = list(section.iter_tags())
                needed: list[Any] = [tag for tag in tags if tag.entry.d_tag == "DT_NEEDED"]
                assert ours.needed == tuple(tag.needed for tag in needed)
                for name in ("soname", "rpath", "runpath"):
                    said = [getattr(tag, name) for tag in tags if tag.entry.d_tag == "DT_" + name.upper()]
                    assert getattr(ours, name) == (said[0] if said else None)
            elif isinstance(section, GNUVerNeedSection):
                assert ours.version_needs == {
                    need.name: tuple(version.name for version in versions) for need, versions in section.iter_versions()
                }
            elif isinstance(section, GNUVerDefSection):
                assert ours.version_defs == tuple(
                    next(iter(names)).name for definition, names in section.iter_versions() if not definition["vd_flags"] & 1
                )
            elif isinstance(section, SymbolTableSection) and section.name == ".dynsym" and size <= SYMBOLS_UP_TO:
                symbols = [s for s in section.iter_symbols() if s.name and s["st_info"]["bind"] != "STB_LOCAL"]
                assert list(elf.undefined(file, size, ours)) == [s.name for s in symbols if s["st_shndx"] == "SHN_UNDEF"]
                assert list(elf.exports(file, size, ours)) == [s.name for s in symbols if s["st_shndx"] != "SHN_UNDEF"]
        interpreter: Any = next(theirs.iter_segments("PT_INTERP"), None)
        assert ours.interpreter == (interpreter and interpreter.get_interp_name())


def test_a_symbol_is_found_by_its_exact_name_in_a_library_without_sections() -> None:
    file, size = samples.opened(samples.elf_with_symbol("cudnn_graph_version", b"\x01\x02\x03\x04"))
    library = elf.read(file, size)
    assert library.soname == "xcudnn_graph_version"
    assert list(elf.exports(file, size, library)) == ["cudnn_graph_version"]
    assert list(elf.undefined(file, size, library)) == []
    assert elf.symbol_bytes(file, size, library, "cudnn_graph_version", 4) == b"\x01\x02\x03\x04"
    assert elf.symbol_bytes(file, size, library, "graph_version", 4) is None
    assert elf.symbol_bytes(file, size, library, "cudnn_graph_version", 8) is None


@pytest.mark.parametrize(
    ("data", "message", "cut_short"),
    [
        (b"", "not an ELF file", False),
        (b"MZ" + bytes(100), "not an ELF file", False),
        (b"\x7fELF\x03\x01" + bytes(100), "unknown class 3", False),
        (samples.elf([(".text", b"x")])[:40], "the ELF header", True),
        (samples.elf([(".text", b"x" * 100)])[:-1], "the section header table", True),
        (samples.elf_with_symbol("name", b"1234")[:-1], "the dynamic section", True),
    ],
)
def test_what_is_refused_and_why(data: bytes, message: str, cut_short: bool) -> None:
    with pytest.raises(BinaryError, match=message) as caught:
        elf.read(*samples.opened(data))
    assert caught.value.cut_short is cut_short


def test_a_file_that_ends_before_its_stated_size_is_cut_short() -> None:
    data = samples.elf([(".text", b"x" * 100)])
    file, _ = samples.opened(data[:-10])
    with pytest.raises(BinaryError, match="ends before its size") as caught:
        elf.read(file, len(data))
    assert caught.value.cut_short

"""GPU code is counted per container, whatever stands around it."""

import io
import random
import struct
import time
import tracemalloc

import pytest

from tests.binaries import samples
from tests.binaries.samples import container, entry
from torchsmith.binaries import elf, fatbin, pe
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import Section
from torchsmith.model.gpu_code import Entry, GpuCode, Group
from torchsmith.model.place import Place

PTX, SASS, LTO = 1, 2, 8
A, F = 0x100011, 0x200011

TYPICAL = container(entry(SASS, 75), entry(SASS, 90), entry(SASS, 120), entry(PTX, 120, isa=(8, 8)))


def scan(data: bytes, name: str = ".nv_fatbin") -> GpuCode:
    return fatbin.scan(*samples.opened(data), [Section(name, 0, len(data), 2)])


@pytest.mark.parametrize(
    ("entries", "sass", "ptx", "lto"),
    [
        ([entry(SASS, 75)], ("sm_75",), (), ()),
        ([entry(SASS, 120), entry(SASS, 90, A), entry(SASS, 90)], ("sm_90", "sm_90a", "sm_120"), (), ()),
        ([entry(SASS, 103, F), entry(PTX, 100, F)], ("sm_103f",), ("compute_100f",), ()),
        ([entry(SASS, 75), entry(SASS, 75), entry(PTX, 75)], ("sm_75",), ("compute_75",), ()),
        ([entry(LTO, 90), entry(SASS, 80)], ("sm_80",), (), ("lto_90",)),
        ([entry(16, 120)], ("sm_120",), (), ()),
        ([], (), (), ()),
    ],
)
def test_one_container(entries: list[bytes], sass: tuple[str, ...], ptx: tuple[str, ...], lto: tuple[str, ...]) -> None:
    found = scan(container(*entries))
    assert (found.sass, found.ptx, found.lto) == (sass, ptx, lto)
    assert found.groups == (Group(sass, ptx, 1),)
    assert found.warnings == ()


@pytest.mark.parametrize("header", [64, 72, 80, 96, 104, 112, 120, 128, 65536])
def test_the_length_of_an_entry_header_is_read(header: int) -> None:
    found = scan(container(entry(SASS, 75, header=header), entry(PTX, 90, header=header)))
    assert (found.sass, found.ptx, found.warnings) == (("sm_75",), ("compute_90",), ())


def test_containers_with_the_same_content_are_one_group() -> None:
    other = container(entry(SASS, 90), entry(SASS, 90, A))
    found = scan(TYPICAL * 3 + other + TYPICAL)
    assert found.groups == (
        Group(("sm_75", "sm_90", "sm_120"), ("compute_120",), 4),
        Group(("sm_90", "sm_90a"), (), 1),
    )
    assert found.containers == 5
    assert found.sass == ("sm_75", "sm_90", "sm_90a", "sm_120")


def test_the_highest_ptx_isa_is_compared_as_numbers() -> None:
    isas = [(8, 8), (9, 0), (8, 10), (7, 8)]
    assert scan(b"".join(container(entry(PTX, 90, isa=isa)) for isa in isas)).ptx_isa == "9.0"
    assert scan(container(entry(PTX, 90, isa=(8, 10)), entry(PTX, 90, isa=(8, 8)))).ptx_isa == "8.10"
    assert scan(container(entry(SASS, 90))).ptx_isa is None


@pytest.mark.parametrize("padding", [8, 240, 504, 512, 1024, 1 << 20, (1 << 20) + 8, 3 << 20])
def test_padding_between_containers_is_skipped(padding: int) -> None:
    found = scan(bytes(padding) + TYPICAL + bytes(padding) + TYPICAL + bytes(padding))
    assert (found.containers, found.warnings) == (2, ())


@pytest.mark.parametrize("name", [".nv_fatbin", "__nv_relfatbin", ".nv_fatb", "__nv_rel"])
def test_sections_are_known_by_name(name: str) -> None:
    assert scan(TYPICAL, name).containers == 1
    assert scan(TYPICAL, ".rodata").containers == 0


def test_reads_the_sections_of_elf_and_pe() -> None:
    file, size = samples.opened(samples.elf([(".text", b"code"), (".nv_fatbin", TYPICAL), ("__nv_relfatbin", TYPICAL)]))
    assert fatbin.scan(file, size, elf.read(file, size).sections).containers == 2
    file, size = samples.opened(samples.pe([(".nv_fatb", TYPICAL + bytes(100)), ("__nv_rel", TYPICAL)]))
    assert fatbin.scan(file, size, pe.read(file, size).sections).containers == 2


def test_a_file_that_was_cut_short_is_read_up_to_there_with_a_warning() -> None:
    data = TYPICAL * 10
    cut = len(TYPICAL) * 6 + 200
    found = fatbin.scan(*samples.opened(data[:cut]), [Section(".nv_fatbin", 0, len(data), 2)])
    assert found.containers == 6
    assert "cut short" in found.warnings[0]


def damaged(at: int, value: bytes) -> bytes:
    return TYPICAL[:at] + value + TYPICAL[at + len(value) :]


@pytest.mark.parametrize(
    ("bad", "containers", "warning"),
    [
        (damaged(16 + 4, b"\0\0\0\0"), 2, "damaged entry"),
        (damaged(16 + 4, b"\xff\xff\xff\xff"), 2, "damaged entry"),
        (damaged(16 + 8, b"\xff" * 8), 2, "damaged entry"),
        (damaged(16 + 28, b"\xff" * 4), 3, "not believed"),
        (damaged(16, b"\x40"), 3, "unknown kind 64"),
        (damaged(4, b"\x07"), 2, "not GPU code"),
        (damaged(8, b"\0\0\0\0\0\0\0\x40"), 1, "behind the end"),
        (b"garbage!" * 200, 2, "not GPU code"),
    ],
)
def test_damage_costs_one_container_and_is_told(bad: bytes, containers: int, warning: str) -> None:
    found = scan(TYPICAL + bad + TYPICAL)
    assert found.containers == containers
    assert any(warning in text for text in found.warnings)


@pytest.mark.parametrize(
    "data",
    [
        container() * 2_000_000,
        container(*[entry(SASS, 90)] * 400_000),
        bytes(64 << 20),
        (b"garbage!" + container()) * 500_000,
        (b"\x50\xed\x55\xba" + bytes(4)) * 500_000,
    ],
    ids=["empty containers", "many entries", "zeros", "gaps", "magics"],
)
def test_hostile_bulk_takes_bounded_time(data: bytes) -> None:
    start = time.process_time()
    found = scan(data)
    assert time.process_time() - start < 20
    assert len(found.warnings) <= fatbin.WARNING_LIMIT


def cubin(number: int, payload: bytes, minor: int = 8) -> bytes:
    fields = struct.pack("<HHIQIIHHIIIQQQ", SASS, 0x101, 64, len(payload), 0, 0, minor, 1, number, 0, 0, 0x11, 0, 0)
    return fields + payload


EMPTY_CUBIN = b"\x7fELF".ljust(1464, b"\0")


@pytest.mark.parametrize(
    ("entries", "stub"),
    [
        ([cubin(75, EMPTY_CUBIN)], True),
        ([cubin(52, b"\x7fELF".ljust(760, b"\0"), minor=7)], True),
        ([cubin(52, b"\x7fELF".ljust(1864, b"\0"), minor=7)], False),
        ([cubin(75, b"\x7fELF".ljust(2856, b"\0"))], False),
        ([cubin(75, EMPTY_CUBIN.replace(b"\0\0\0\0\0\0\0", b"\0.text.k", 1))], False),
        ([cubin(75, bytes(1464))], False),
        ([cubin(75, EMPTY_CUBIN), cubin(90, EMPTY_CUBIN)], False),
        ([cubin(75, EMPTY_CUBIN), entry(PTX, 75)], False),
    ],
)
def test_a_lone_cubin_without_kernels_is_a_stub(entries: list[bytes], stub: bool) -> None:
    (group,) = scan(container(*entries)).groups
    assert group.stub is stub


def test_stubs_are_a_group_of_their_own() -> None:
    found = scan(container(cubin(75, EMPTY_CUBIN)) + container(cubin(75, b"\x7fELF".ljust(2856, b"\0"))))
    assert found.groups == (Group(("sm_75",), (), 1), Group(("sm_75",), (), 1, stub=True))
    assert (found.sass, found.containers) == (("sm_75",), 2)


def test_the_sections_that_were_read_are_told() -> None:
    file, size = samples.opened(samples.elf([(".text", b"code"), (".nv_fatbin", TYPICAL), ("__nv_relfatbin", TYPICAL)]))
    sections = elf.read(file, size).sections
    told = {section.name: Place(section.name, section.offset, section.size) for section in sections}
    assert fatbin.scan(file, size, sections).places == (told[".nv_fatbin"], told["__nv_relfatbin"])


# Entry by entry


def test_an_entry_in_words() -> None:
    compressed = struct.pack("<HHIQIIHHIIIQQQ", PTX, 0x101, 72, 40, 37, 0x40, 8, 8, 90, 0, 0, F | 0x8002, 0, 123).ljust(72, b"\0")
    data = bytes(256) + container(compressed + bytes(40), entry(SASS, 75, 0x2041)) + bytes(8) + container(entry(64, 80))
    file, size = samples.opened(data)
    found = list(fatbin.entries(file, size, [Section("__nv_relfatbin", 0, size, 2), Section(".rodata", 0, size, 2)]))
    first = Entry("__nv_relfatbin", 0, 272, "ptx", "compute_90f", "8.8", "zstd", 40, 37, 123, ("64bit", "debug", "linux", "rdc"))
    assert found[0] == first
    assert found[1] == Entry("__nv_relfatbin", 0, 384, "sass", "sm_75", "8.8", "lz4", 24, 0, 0, ("64bit", "windows", "rdc"))
    assert (found[2].container, found[2].kind, found[2].arch) == (1, "kind 64", "sm_80")
    assert len(found) == 3


def test_entries_before_the_damage_are_yielded() -> None:
    cut = bytearray(container(entry(SASS, 75), entry(SASS, 90)))
    cut[16 + 88 + 4] = 0  # the second entry's header has no size
    file, size = samples.opened(bytes(cut) + TYPICAL)
    found = fatbin.entries(file, size, [Section(".nv_fatbin", 0, size, 2)])
    assert [(one.container, one.arch) for one in found][:2] == [(0, "sm_75"), (1, "sm_75")]


# Elsewhere


def hidden(data: bytes, name: str = ".lrodata", *more: tuple[str, bytes]) -> tuple[tuple[str, GpuCode], ...]:
    file, size = samples.opened(samples.elf([(name, data), *more]))
    return fatbin.elsewhere(file, size, elf.read(file, size).sections)


@pytest.mark.parametrize("name", [".lrodata", ".ldata", ".cask_resource", ".cask_re", ".rodata", ".data", ".rdata"])
def test_containers_among_other_data_are_found(name: str) -> None:
    noise = random.Random(name).randbytes(10_000)
    ((section, code),) = hidden(noise + bytes(8 - len(noise) % 8) + TYPICAL * 2 + noise + bytes(48) + TYPICAL, name)
    assert (section, code.sass, code.ptx) == (name, ("sm_75", "sm_90", "sm_120"), ("compute_120",))
    assert code.containers >= 2
    assert code.warnings == ()


@pytest.mark.parametrize("length", [0, 8, 4096, 5000, 1 << 20, (1 << 20) - 8, (3 << 20) + 16])
def test_no_container_is_missed_between_two_reads(length: int) -> None:
    gap = b"\x50\xed\x55".ljust(length - length % 8, b"x") if length else b""
    ((_, code),) = hidden(gap + TYPICAL + gap + TYPICAL + gap, ".ldata", (".nv_fatbin", TYPICAL))
    assert code.containers == 2


@pytest.mark.parametrize(
    "false",
    [
        b"\x50\xed\x55\xba",
        b"\x50\xed\x55\xba\1\0\x10\0" + b"\xff" * 8,
        b"\x50\xed\x55\xba\1\0\x10\0" + b"\x20\0\0\0\0\0\0\0" + b"garbage!" * 4,
        TYPICAL[:100],
    ],
)
def test_what_only_looks_like_a_container_is_none(false: bytes) -> None:
    assert hidden(false.ljust(128, b"\0")) == ()
    ((_, code),) = hidden(false.ljust(128, b"\0") + TYPICAL)
    assert (code.containers, code.warnings) == (1, ())


def test_other_sections_are_not_searched_nor_the_known_ones() -> None:
    assert hidden(TYPICAL, ".text") == ()
    assert hidden(TYPICAL, ".nv_fatbin") == ()


def test_large_data_of_a_library_without_gpu_code_is_not_read() -> None:
    large = bytes(fatbin.SMALL * 2) + TYPICAL
    assert hidden(large, ".rodata") == ()
    assert [name for name, _ in hidden(large, ".rodata", (".nv_fatbin", TYPICAL))] == [".rodata"]


def test_a_library_of_hidden_code_alone_is_told_by_samples() -> None:
    """As cufft64_12.dll, whose containers lie in .data."""
    ((name, code),) = hidden(bytes(100_000) + TYPICAL * 6000 + bytes(100_000), ".data")
    assert (name, code.containers) == (".data", 6000)


# Files that misbehave


class Shrinking(io.BytesIO):
    """A file that ends earlier than it did when its size was asked for."""

    def read_at(self, length: int, offset: int) -> bytes:
        return self.getvalue()[offset : offset + length]


class Failing(io.BytesIO):
    def read_at(self, length: int, offset: int) -> bytes:
        raise OSError(5, f"no {length} bytes at {offset}")


@pytest.mark.parametrize("left", [0, 8, 15, 16, 40, 70, 200])
def test_a_file_that_shrinks_while_it_is_read(left: int) -> None:
    data = TYPICAL * 3
    try:
        found = fatbin.scan(Shrinking(data[:left]), len(data), [Section(".nv_fatbin", 0, len(data), 2)])
    except BinaryError as error:
        assert error.cut_short  # noqa: PT017 - either answer is right
    else:
        assert found.containers == 0
        assert "ends before its size" in found.warnings[0]


def test_a_disk_that_fails_is_one_clear_error() -> None:
    sections = [Section(".nv_fatbin", 0, len(TYPICAL), 2), Section(".lrodata", 0, len(TYPICAL), 2)]
    for read in (fatbin.scan, fatbin.elsewhere):
        with pytest.raises(BinaryError, match="cannot be read"):
            read(Failing(TYPICAL), len(TYPICAL), sections)
    with pytest.raises(BinaryError, match="cannot be read"):
        list(fatbin.entries(Failing(TYPICAL), len(TYPICAL), sections))


def test_hostile_variety_takes_bounded_memory() -> None:
    """A million different entries: what is kept of them is bounded."""
    different = [container(*[entry(PTX, 90, isa=(n % 99, m)) for m in range(60)]) for n in range(400)]
    data = b"".join(different) * 4 + container(*[entry(PTX, 10 + n % 900, isa=(n // 900, 1)) for n in range(20_000)])
    file, size = samples.opened(data)
    tracemalloc.start()
    found = fatbin.scan(file, size, [Section(".nv_fatbin", 0, size, 2)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * samples.MIB
    assert any("different entries" in text for text in found.warnings)

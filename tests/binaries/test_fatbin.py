"""GPU code is counted per container, whatever stands around it."""

import time

import pytest

from tests.binaries import samples
from tests.binaries.samples import container, entry
from torchsmith.binaries import elf, fatbin, pe
from torchsmith.binaries.reader import Section
from torchsmith.model.gpu_code import GpuCode, Group

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

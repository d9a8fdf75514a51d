"""Processor, room, CUDA's cache and Windows settings."""

from __future__ import annotations

from typing import Any

import pytest
from tests.lab.machine import MachineFactory
from tests.probes.paper import PaperHost
from tests.rules.judging import ARM, CPU, LINUX, ONE_GPU, WINDOWS, python

from torchsmith.host.local import LocalHost
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.system import ComputeCache, Room, WindowsSettings
from torchsmith.model.known import Known, Unknown
from torchsmith.probes import compute_cache, cpu, room, windows_settings

V2 = "fpu sse sse2 pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm"
V3 = f"{V2} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
V4 = f"{V3} avx512f avx512bw avx512cd avx512dq avx512vl"


@pytest.mark.parametrize(
    ("flags", "level", "avx", "avx2"),
    [
        ("fpu sse sse2 pni cx16 hypervisor", 1, False, False),
        (V2, 2, False, False),
        (f"{V2} avx xsave", 2, True, False),
        (V3, 3, True, True),
        (V3.replace(" movbe", ""), 2, True, True),
        (V4, 4, True, True),
        (V4.replace(" avx512vl", ""), 3, True, True),
    ],
)
def test_microarchitecture_levels(flags: str, level: int, avx: bool, avx2: bool) -> None:
    found = cpu.parse(f"processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nflags\t\t: {flags}\n\nprocessor\t: 1\nflags\t\t: fpu\n")
    assert found is not None
    assert (found.model, found.level, found.avx, found.avx2) == ("Some CPU @ 2.0GHz", level, avx, avx2)
    assert found.virtual == ("hypervisor" in flags)


@pytest.mark.parametrize("text", ["", "flags\n", "flags : nothing known", "\x00\xff" * 100])
def test_no_flags_no_claim(text: str) -> None:
    assert cpu.parse(text) is None
    assert isinstance(cpu.cpu(PaperHost({"/proc/cpuinfo": text}), LINUX, CPU), Unknown)


def test_cpu_of_the_laboratory(fake_machine: MachineFactory) -> None:
    lab = fake_machine("h200")
    found = cpu.cpu(LocalHost(root=str(lab.root), environ={}), LINUX, CPU)
    assert isinstance(found, Known)
    assert found.value is not None
    assert found.value.avx2
    assert isinstance(cpu.cpu(LocalHost(root=str(lab.root), environ={}), ARM, CPU), Known)


SITE = "/env/lib/python3.12/site-packages"


def test_room_where_there_is_no_torch() -> None:
    host = PaperHost({f"{SITE}/pip/x": ""}, free={SITE: 5, "/tmp": 7})
    found = room.room(host, python(), None)
    assert isinstance(found, Known)
    assert found.value == Room(SITE, 5, "/tmp", 7)
    assert room.room(host, python(), CPU) == Known(None, "not asked: torch is installed")


def test_room_that_cannot_be_had_is_no_claim() -> None:
    found = room.room(PaperHost(), python(), None)
    assert isinstance(found, Known)
    assert found.value == Room(SITE, None, "/tmp", None)


CACHE = "/home/me/.nv/ComputeCache"


@pytest.mark.parametrize(
    ("stats", "variables", "path", "owner"),
    [
        ({CACHE: ["dir", 0, 0o700, 0, 0, 0]}, {}, CACHE, 0),
        ({"/home/me/.nv": ["dir", 0, 0o700, 0, 0, 0]}, {}, "/home/me/.nv", 0),
        ({"/scratch/cache": ["dir", 0, 0o700, 1000, 0, 0]}, {"CUDA_CACHE_PATH": "/scratch/cache"}, "/scratch/cache", 1000),
    ],
)
def test_whose_the_cache_is(stats: dict[str, list[Any]], variables: dict[str, str], path: str, owner: int) -> None:
    host = PaperHost(stats=stats, locked=(path,))
    found = compute_cache.compute_cache(host, LINUX, ONE_GPU, Variables(variables))
    assert isinstance(found, Known)
    assert found.value == ComputeCache(path, owner, 1000, writable=False)


def test_no_cache_yet() -> None:
    host = PaperHost()
    found = compute_cache.compute_cache(host, LINUX, ONE_GPU, Variables({}))
    assert isinstance(found, Known)
    assert found.value is None
    host = PaperHost()
    assert compute_cache.compute_cache(host, LINUX, Gpus(()), Variables({})) == Known(None, "no CUDA program runs here")
    assert not host.asked


@pytest.mark.parametrize(
    ("value", "files"),
    [
        ([r"?:\pagefile.sys"], ((r"?:\pagefile.sys", 0, 0),)),
        ([r"c:\pagefile.sys 0 0"], ((r"c:\pagefile.sys", 0, 0),)),
        (
            [r"c:\pagefile.sys 1024 4096", r"d:\pagefile.sys 8192 8192"],
            ((r"c:\pagefile.sys", 1024, 4096), (r"d:\pagefile.sys", 8192, 8192)),
        ),
        ([], ()),
        ([""], ()),
        ("c:\\pagefile.sys", None),
        (None, None),
    ],
)
def test_page_files(value: object, files: object) -> None:
    assert windows_settings.parse_page_files(value) == files


def test_windows_settings() -> None:
    keys = {(windows_settings.LONG_PATHS, "LongPathsEnabled"): 0, (windows_settings.MEMORY, "PagingFiles"): [r"?:\pagefile.sys"]}
    found = windows_settings.windows_settings(PaperHost(registry=keys), WINDOWS)
    assert isinstance(found, Known)
    assert found.value == WindowsSettings(long_paths=False, page_files=((r"?:\pagefile.sys", 0, 0),))
    assert isinstance(windows_settings.windows_settings(PaperHost(), WINDOWS), Unknown)
    assert windows_settings.windows_settings(PaperHost(), LINUX) == Known(None, "not Windows")

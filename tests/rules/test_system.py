"""The machine beneath: C library, processor, Python, disk, Windows settings."""

from __future__ import annotations

import pytest
from tests.rules.judging import ARM, CPU, CUDA, LINUX, ONE_GPU, WINDOWS, findings, one, python, roots

from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.libraries import SharedObject, TorchLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.system import ComputeCache, Cpu, Room, WindowsSettings
from torchsmith.model.facts.torch import DeviceCoverage, GpuCoverage
from torchsmith.model.finding import Severity
from torchsmith.model.record import replace

# ---- glibc

CENTOS7 = replace(LINUX, distro="centos", distro_version="7", distro_name="CentOS Linux 7", libc_version="2.17")
OLD_PYTHON = python("3.11.9", libc="glibc 2.17")
ALPINE = replace(LINUX, distro="alpine", distro_name="Alpine Linux v3.22", libc="musl", libc_version="")


def libraries(glibc: str) -> TorchLibraries:
    objects = (
        SharedObject("/env/torch/lib/libtorch_cpu.so", "elf", glibc=glibc),
        SharedObject("/lib/x86_64-linux-gnu/libm.so.6", "elf", glibc="2.41"),
    )
    return TorchLibraries(objects, ())


def test_the_table_knows_what_the_wheels_need() -> None:
    found = one("glibc-too-old", machine=CENTOS7, interpreter=OLD_PYTHON, torch=CUDA)
    assert "2.28" in found.summary
    assert "2.17" in found.summary
    assert len(found.remedies) == 2, "an older release is named"


def test_the_binary_wins_over_the_table() -> None:
    facts = {"machine": replace(LINUX, libc_version="2.27"), "interpreter": python(libc="glibc 2.27"), "torch": CUDA}
    assert "libtorch_cpu.so" in one("glibc-too-old", **facts, torch_libraries=libraries("2.28")).evidence[1].value
    assert not findings("glibc-too-old", **facts, torch_libraries=libraries("2.27"))


@pytest.mark.parametrize(
    "changes",
    [
        {"machine": LINUX, "interpreter": python()},
        {"interpreter": python("3.11.9", libc="glibc 2.36")},  # it brings its own
        {"interpreter": replace(OLD_PYTHON, kind="conda")},  # another's build: the table of wheels says nothing of it
        {"torch": replace(CUDA, folder="/nix/store/x-torch/lib/python3.11/site-packages/torch")},
        {"torch": replace(CUDA, version="2.2.2+cu121")},
        {"torch": replace(CUDA, version="9.9.9+cu130")},
        {"torch": None},
        {"machine": ALPINE, "interpreter": python(libc="")},  # somebody built it here
    ],
)
def test_a_glibc_that_is_new_enough(changes: dict[str, object]) -> None:
    assert not findings("glibc-too-old", **{"machine": CENTOS7, "interpreter": OLD_PYTHON, "torch": CUDA, **changes})


def test_no_wheel_is_made_for_musl() -> None:
    facts = {"machine": ALPINE, "interpreter": python(libc=""), "torch": None}
    assert roots("glibc-too-old", "torch-not-installed", **facts) == ["glibc-too-old"]


# ---- processor


@pytest.mark.parametrize(
    ("cpu", "severity"),
    [
        (Cpu("QEMU Virtual CPU version 2.5+", 1, avx=False, avx2=False, virtual=True), Severity.BLOCKER),
        (Cpu("Intel(R) Celeron(R) N5105", 2, avx=False, avx2=False), Severity.DEGRADED),
        (Cpu("Intel(R) Xeon(R) E5-1680 v2", 2, avx=True, avx2=False), Severity.NOTE),
    ],
)
def test_a_processor_without(cpu: Cpu, severity: Severity) -> None:
    found = one("cpu-isa-too-old", cpu=cpu, torch=CUDA, interpreter=python())
    assert found.severity is severity
    assert ("virtual" in found.remedies[0].title) == cpu.virtual


@pytest.mark.parametrize("cpu", [Cpu("AMD Ryzen 7 7700X", 3, avx=True, avx2=True), None])
def test_a_processor_that_has_it_all(cpu: Cpu | None) -> None:
    assert not findings("cpu-isa-too-old", cpu=cpu, torch=CUDA)


# ---- Python


def test_a_32_bit_python_is_the_root() -> None:
    small = python("3.12.4", bits=32, executable="C:/Python312-32/python.exe", platform="win32", machine="AMD64")
    facts = {"machine": WINDOWS, "interpreter": small, "torch": None}
    assert roots("python-32bit", "python-version-unsupported", "torch-not-installed", **facts) == ["python-32bit"]
    assert not findings("python-32bit", **{**facts, "torch": CPU})
    assert not findings("python-32bit", **{**facts, "interpreter": python()})


@pytest.mark.parametrize(
    ("interpreter", "words"),
    [
        (python("3.6.9"), "Python 3.6"),
        (python("3.17.0"), "Python 3.17"),
        (python("3.10.14", implementation="pypy"), "pypy"),
        (python("3.12.0", free_threaded=True), "without the GIL"),
    ],
)
def test_a_python_without_wheels(interpreter: Interpreter, words: str) -> None:
    facts = {"machine": LINUX, "interpreter": interpreter, "torch": None}
    assert words in one("python-version-unsupported", **facts).summary
    assert roots("python-version-unsupported", "torch-not-installed", **facts) == ["python-version-unsupported"]


def test_a_python_newer_than_the_table_may_have_wheels_by_now() -> None:
    found = one("python-version-unsupported", machine=LINUX, interpreter=python("3.17.0"), torch=None)
    assert found.confidence == 0.8


@pytest.mark.parametrize(
    ("machine", "interpreter"),
    [
        (LINUX, python("3.12.4")),
        (ARM, python("3.12.4", machine="aarch64")),
        (LINUX, python("3.14.0", free_threaded=True)),
        (Machine("macos", "x86_64"), python("3.17.0", platform="darwin")),  # another rule's business
        (Machine("windows", "aarch64"), python("3.12.4", platform="win32")),  # no table speaks of it
    ],
)
def test_a_python_with_wheels(machine: Machine, interpreter: Interpreter) -> None:
    assert not findings("python-version-unsupported", machine=machine, interpreter=interpreter, torch=None)


MAC, SILICON = Machine("macos", "x86_64", "23.1.0"), Machine("macos", "aarch64", "23.1.0")


@pytest.mark.parametrize(
    ("machine", "version", "severity", "words"),
    [
        (SILICON, "3.12.4", Severity.DEGRADED, "arm64"),
        (SILICON, "3.13.1", Severity.BLOCKER, "arm64"),
        (MAC, "3.11.1", Severity.DEGRADED, "2.2.2"),
        (MAC, "3.13.1", Severity.BLOCKER, "Python 3.12"),
    ],
)
def test_an_intel_python_on_a_mac(machine: Machine, version: str, severity: Severity, words: str) -> None:
    facts = {"machine": machine, "interpreter": python(version, platform="darwin"), "torch": None}
    found = one("macos-x86-dropped", **facts)
    assert found.severity is severity
    assert words in found.remedies[0].title
    assert roots("macos-x86-dropped", "torch-not-installed", "python-version-unsupported", **facts) == ["macos-x86-dropped"]


def test_rosetta_hides_the_macs_gpu_from_an_installed_torch() -> None:
    mac = python("3.11.1", platform="darwin")
    assert one("macos-x86-dropped", machine=SILICON, interpreter=mac, torch=CPU).severity is Severity.NOTE
    assert not findings("macos-x86-dropped", machine=MAC, interpreter=mac, torch=CPU)
    assert not findings("macos-x86-dropped", machine=SILICON, interpreter=replace(mac, machine="arm64"), torch=None)
    assert not findings("macos-x86-dropped", machine=LINUX, interpreter=python(), torch=None)


# ---- Windows

STORE = (
    "C:/Users/someone.with.a.long.name/AppData/Local/Packages/PythonSoftwareFoundation.Python.3.11_qbz5n2kfra8p0/LocalCache/"
    "local-packages/Python311/site-packages"
)
SHORT = WindowsSettings(long_paths=False)


@pytest.mark.parametrize(("torch", "severity"), [(None, Severity.DEGRADED), (CUDA, Severity.NOTE)])
def test_a_long_path(torch: object, severity: Severity) -> None:
    deep = python(site_packages=(STORE,))
    assert one("windows-long-path", machine=WINDOWS, windows_settings=SHORT, interpreter=deep, torch=torch).severity is severity


@pytest.mark.parametrize(
    ("settings", "site"),
    [
        (WindowsSettings(long_paths=True), STORE),
        (WindowsSettings(long_paths=None), STORE),
        (SHORT, "C:/Users/me/project/.venv/Lib/site-packages"),
    ],
)
def test_a_path_that_fits(settings: WindowsSettings, site: str) -> None:
    facts = {"machine": WINDOWS, "interpreter": python(site_packages=(site,)), "torch": None}
    assert not findings("windows-long-path", windows_settings=settings, **facts)


@pytest.mark.parametrize("files", [(), (("C:/pagefile.sys", 1024, 4096),)])
def test_a_small_page_file_is_a_note(files: tuple[tuple[str, int, int], ...]) -> None:
    settings = WindowsSettings(page_files=files)
    assert one("windows-pagefile-too-small", machine=WINDOWS, windows_settings=settings, torch=CUDA).severity is Severity.NOTE


@pytest.mark.parametrize(
    ("files", "torch"),
    [
        (None, CUDA),
        (((r"?:\pagefile.sys", 0, 0),), CUDA),
        ((("C:/pagefile.sys", 1024, 4096), ("D:/pagefile.sys", 0, 0)), CUDA),
        ((("D:/pagefile.sys", 16384, 32768),), CUDA),
        ((), CPU),
    ],
)
def test_a_page_file_that_is_large_enough(files: tuple[tuple[str, int, int], ...] | None, torch: object) -> None:
    assert not findings(
        "windows-pagefile-too-small", machine=WINDOWS, windows_settings=WindowsSettings(page_files=files), torch=torch
    )


# ---- disk and cache

GB = 10**9


@pytest.mark.parametrize(
    ("room", "gpus", "words"),
    [
        (Room("/env/site", 50 * GB, "/tmp", 2 * GB), ONE_GPU, "/tmp has 2.0 GB"),
        (Room("/env/site", 3 * GB, "/tmp", 50 * GB), ONE_GPU, "/env/site has 3.0 GB"),
        (Room("/env/site", GB // 2, "/tmp", GB // 4), Gpus(()), " and "),
    ],
)
def test_too_little_room(room: Room, gpus: Gpus, words: str) -> None:
    facts = {"machine": LINUX, "room": room, "gpus": gpus, "torch": None}
    assert words in one("disk-or-tmp-full", **facts).summary
    assert roots("disk-or-tmp-full", "torch-not-installed", **facts, interpreter=python()) == ["disk-or-tmp-full"]


@pytest.mark.parametrize(
    ("room", "gpus", "torch"),
    [
        (Room("/env", 3 * GB, "/tmp", 2 * GB), Gpus(()), None),  # enough for a CPU build
        (Room("/env", 50 * GB, "/tmp", 5 * GB), ONE_GPU, None),
        (Room("/env", None, "/tmp", None), ONE_GPU, None),
        (Room("/env", 0, "/tmp", 0), ONE_GPU, CUDA),
    ],
)
def test_room_enough(room: Room, gpus: Gpus, torch: object) -> None:
    assert not findings("disk-or-tmp-full", machine=LINUX, room=room, gpus=gpus, torch=torch)


ROOTS = ComputeCache("/home/me/.nv/ComputeCache", owner=0, user=1000, writable=False)


def coverage(how: str) -> GpuCoverage:
    return GpuCoverage((DeviceCoverage(0, "RTX", 120, how, 400, 0, 0),))


@pytest.mark.parametrize(("how", "severity"), [("jit", Severity.DEGRADED), ("native", Severity.NOTE)])
def test_a_cache_that_belongs_to_root(how: str, severity: Severity) -> None:
    found = one("nv-cache-permissions", compute_cache=ROOTS, torch=CUDA, gpu_coverage=coverage(how))
    assert found.severity is severity
    assert "chown" in str(found.remedies)


def test_a_cache_of_ones_own_that_is_read_only() -> None:
    assert "chmod" in str(one("nv-cache-permissions", compute_cache=replace(ROOTS, owner=1000), torch=CUDA).remedies)


def test_a_cache_that_can_be_written() -> None:
    assert not findings("nv-cache-permissions", compute_cache=replace(ROOTS, writable=True), torch=CUDA)
    assert not findings("nv-cache-permissions", compute_cache=ROOTS, torch=CPU)
    assert not findings("nv-cache-permissions", compute_cache=None, torch=CUDA)

"""Declared baselines of objects that are compiled here, and what a disassembler counts in them."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.binaries import samples
from torchsmith.binaries import cpu_baseline, elf, notes, pe, vector_code
from torchsmith.binaries.cpu_baseline import Baseline
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import Section
from torchsmith.model.record import replace

GCC = shutil.which("gcc")
needs_x86 = pytest.mark.skipif(GCC is None or platform.machine() != "x86_64", reason="compiles with gcc for x86-64")
LOOP = "void f(float *a, const float *b, int n) { for (int i = 0; i < n; i++) a[i] += b[i] * 2.5f; }"
TORCH = b"-Wall\0 -fvisibility-inlines-hidden -DUSE_PTHREADPOOL -DNDEBUG -DUSE_FBGEMM%s -O2 -fPIC\0"


def compiled(folder: Path, *flags: str, source: str = LOOP) -> Path:
    assert GCC
    path = folder / "made.so"
    command = [GCC, "-x", "c", "-shared", "-fPIC", "-O3", *flags, "-", "-o", str(path)]
    subprocess.run(command, input=source, text=True, check=True)
    return path


def baseline(path: Path, name: str = "") -> Baseline:
    with path.open("rb") as file:
        size = path.stat().st_size
        return cpu_baseline.read(file, size, elf.read(file, size), name or str(path))


def of(data: bytes, name: str) -> Baseline:
    file, size = samples.opened(data)
    return cpu_baseline.read(file, size, elf.read(file, size) if data[:4] == b"\x7fELF" else pe.read(file, size), name)


@needs_x86
@pytest.mark.parametrize("level", ["x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"])
def test_what_is_declared_is_read_and_what_is_not_is_not_guessed(tmp_path: Path, level: str) -> None:
    assert baseline(compiled(tmp_path, f"-march={level}")).level is None
    recorded = baseline(compiled(tmp_path, f"-march={level}", "-frecord-gcc-switches"))
    assert (recorded.level, recorded.place and recorded.place.section) == (level, ".GCC.command.line")
    if level != "x86-64":
        noted = baseline(compiled(tmp_path, f"-march={level}", f"-Wl,-z,{level}"))
        assert (noted.level, noted.place and noted.place.section) == (level, ".note.gnu.property")


@needs_x86
def test_the_note_is_what_readelf_says(tmp_path: Path) -> None:
    path = compiled(tmp_path, "-Wl,-z,x86-64-v3")
    said = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
    assert "x86 ISA needed: x86-64-v3" in said
    with path.open("rb") as file:
        size = path.stat().st_size
        parsed = elf.read(file, size)
        found = notes.isa_needed(file, size, parsed)
        build = [
            one
            for section in parsed.sections
            if section.name == ".note.gnu.build-id"
            for one in notes.notes(file, size, parsed, section)
        ]
    assert found
    assert found[0] == "x86-64-v3"
    assert [one.content.hex() in said for one in build] == [True]


@needs_x86
def test_without_march_it_is_the_compilers_default(tmp_path: Path) -> None:
    found = baseline(compiled(tmp_path, "-frecord-gcc-switches"))
    assert found.level == "x86-64"
    assert found.place


@needs_x86
def test_parts_that_disagree_leave_it_open(tmp_path: Path) -> None:
    assert GCC
    for name, level in (("a", "x86-64"), ("b", "x86-64-v3")):
        command = [
            GCC,
            "-x",
            "c",
            "-c",
            "-fPIC",
            "-frecord-gcc-switches",
            f"-march={level}",
            "-",
            "-o",
            str(tmp_path / f"{name}.o"),
        ]
        subprocess.run(command, input=f"int {name}(int n) {{ return n; }}", text=True, check=True)
    path = tmp_path / "both.so"
    subprocess.run([GCC, "-shared", str(tmp_path / "a.o"), str(tmp_path / "b.o"), "-o", str(path)], check=True)
    found = baseline(path)
    assert found.level is None
    assert "x86-64, x86-64-v3" in found.reason


@needs_x86
def test_a_folder_for_better_processors_is_a_declaration(tmp_path: Path) -> None:
    path = compiled(tmp_path)
    assert baseline(path, "/usr/lib/glibc-hwcaps/x86-64-v3/libx.so.1").level == "x86-64-v3"
    assert baseline(path, "/usr/lib/glibc-hwcaps/x86-64-v3.so").level is None


@pytest.mark.parametrize(
    ("flags", "machine", "level"),
    [
        ("-O2", 62, "x86-64"),
        ("-O2 -march=native", 62, "native"),
        ("-march=x86-64 -O2 -march=x86-64-v3", 62, "x86-64-v3"),
        ("-mavx2 -mfma -mno-avx2", 62, "x86-64+fma"),
        ("-mavx2 -mfma", 62, "x86-64+avx2+fma"),
        ("/EHsc /arch:AVX2", 0x8664, "avx2"),
        ("-march=armv8.2-a+sve", 183, "armv8.2-a+sve"),
        ("-O2", 183, "armv8-a"),
        ("-O2", 243, None),
        ("-mtune=haswell", 62, "x86-64"),
    ],
)
def test_flags(flags: str, machine: int, level: str | None) -> None:
    assert cpu_baseline.from_flags(flags, machine) == level


@pytest.mark.parametrize(("more", "level"), [(b"", "x86-64"), (b" -march=znver3", "znver3")])
def test_torchs_own_record(more: bytes, level: str) -> None:
    data = samples.elf([(".rodata", bytes(3 << 20) + TORCH % more)])
    found = of(data, "torch/lib/libtorch_cpu.so")
    assert found.level == level
    assert found.place
    assert data[found.place.offset : found.place.offset + 28] == b" -fvisibility-inlines-hidden"
    assert of(data, "torch/lib/libother.so").level is None


def test_torchs_own_record_on_windows() -> None:
    data = samples.pe([(".rdata", b"\0/DWIN32 /EHsc /bigobj -DUSE_PTHREADPOOL -DNDEBUG /arch:AVX2 /wd4624\0")])
    assert of(data, "torch\\lib\\torch_cpu.dll").level == "avx2"


def test_damage_is_a_reason() -> None:
    data = samples.elf([(".note.gnu.property", b"\4\0\0\0\xff\xff\0\0\5\0\0\0GNU\0")])
    found = of(data, "x.so")
    assert found.level is None
    assert "leaves it" in found.reason


@needs_x86
def test_vector_instructions_are_counted(tmp_path: Path) -> None:
    pytest.importorskip("capstone")
    counts = {}
    for level in ("x86-64", "x86-64-v3", "x86-64-v4"):
        path = compiled(tmp_path, f"-march={level}", "-mprefer-vector-width=512")
        with path.open("rb") as file:
            size = path.stat().st_size
            found = vector_code.count(file, size, elf.read(file, size))
        counts[level] = {name for name, number in found.counts if number}
        assert found.read == found.code
        assert found.instructions > 50
    assert counts["x86-64"] == set()
    assert {"avx", "fma"} <= counts["x86-64-v3"]
    assert "avx512" not in counts["x86-64-v3"]
    assert "avx512" in counts["x86-64-v4"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("c5fc58c1", "avx"),  # vaddps ymm0, ymm0, ymm1
        ("c5fdfec1", "avx2"),  # vpaddd ymm0, ymm0, ymm1
        ("c5f9fec1", "avx"),  # vpaddd xmm0, xmm0, xmm1
        ("c4e27d58c1", "avx2"),  # vpbroadcastd ymm0, xmm1
        ("62f17c4858c1", "avx512"),  # vaddps zmm0, zmm0, zmm1
        ("62f17c2958c1", "avx512"),  # vaddps ymm0{k1}, ymm0, ymm1
        ("c4e27db8c1", "fma"),  # vfmadd231ps ymm0, ymm0, ymm1
        ("660f3840c1", "sse4"),  # pmulld xmm0, xmm1
        ("660f3800c1", "sse4"),  # pshufb xmm0, xmm1
        ("f30fb8c1", "sse4"),  # popcnt eax, ecx
        ("0f58c1", ""),  # addps xmm0, xmm1
        ("0f01c1", ""),  # vmcall
    ],
)
def test_each_instruction_is_of_its_set(code: str, kind: str) -> None:
    pytest.importorskip("capstone")
    data = bytearray(samples.elf([(".text", bytes.fromhex(code))]))
    file, size = samples.opened(bytes(data))
    parsed = elf.read(file, size)
    executable = Section(".text", parsed.sections[0].offset, len(code) // 2, 6)
    found = vector_code.count(file, size, replace(parsed, sections=(executable,)))
    assert dict(found.counts) == ({kind: 1} if kind else {})
    assert found.instructions == 1


def test_of_much_code_samples_are_taken() -> None:
    pytest.importorskip("capstone")
    data = samples.elf([(".text", bytes.fromhex("0f1f840000000000") * (3 * vector_code.WHOLE_LIMIT // 8))])
    file, size = samples.opened(data)
    parsed = elf.read(file, size)
    executable = Section(".text", parsed.sections[0].offset, parsed.sections[0].size, 6)
    found = vector_code.count(file, size, replace(parsed, sections=(executable,)))
    assert found.code == 3 * vector_code.WHOLE_LIMIT
    assert found.read <= vector_code.WHOLE_LIMIT + vector_code.WINDOW
    assert found.read > vector_code.WHOLE_LIMIT // 2


def test_other_machines_are_refused() -> None:
    pytest.importorskip("capstone")
    file, size = samples.opened(samples.elf([(".text", b"")], machine=243))
    with pytest.raises(BinaryError, match="machine 243"):
        vector_code.count(file, size, elf.read(file, size))

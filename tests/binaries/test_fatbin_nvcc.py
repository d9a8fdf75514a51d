"""What nvcc makes, of every kind that it makes, read as NVIDIA's cuobjdump reads it.

Small files of each kind are kept in `fatbins/`, with cuobjdump's listing, for machines that have neither program.
`TORCHSMITH_WRITE_EXPECTED=1` writes them anew, all but `cuda-11.8.fatbin`: that is fatbinary's of CUDA 11.8 (--compress-all), for
sm_37 to sm_90, and listed by the cuobjdump of that release.
"""

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.binaries import samples
from tests.lab import cuobjdump
from tests.lab.cuobjdump import Listed, ours, theirs
from tests.lab.fixtures import have
from torchsmith.binaries import cubin, fatbin
from torchsmith.binaries.reader import Section

KEPT = Path(__file__).parent / "fatbins"
NVCC = shutil.which("nvcc")
WRITE = os.environ.get("TORCHSMITH_WRITE_EXPECTED")

SOURCE = "__device__ int f(int); __global__ void k(int *p) { p[0] = 1; }\n"


def gencode(*archs: str, ptx: bool = False, sass: bool = True, lto: bool = False) -> list[str]:
    """For each architecture the code that is asked for."""
    made = []
    for arch in archs:
        kinds = [f"sm_{arch}"] * sass + [f"compute_{arch}"] * ptx + [f"lto_{arch}"] * lto
        made += [word for kind in kinds for word in ("-gencode", f"arch=compute_{arch},code={kind}")]
    return made


CASES: dict[str, list[str]] = {
    "specific.fatbin": ["-fatbin", "-compress-mode=size", *gencode("90", "90a", "100", "100a", "120a", ptx=True)],
    "family.fatbin": ["-fatbin", "-compress-mode=size", *gencode("100f", "120f", ptx=True)],
    "none.fatbin": ["-fatbin", "-compress-mode=none", *gencode("75", ptx=True)],
    "speed.fatbin": ["-fatbin", "-compress-mode=speed", *gencode("75", "120", ptx=True)],
    "size.fatbin": ["-fatbin", "-compress-mode=size", *gencode("75", "120", ptx=True)],
    "balance.fatbin": ["-fatbin", "-compress-mode=balance", *gencode("75", ptx=True)],
    "ptx.fatbin": ["-fatbin", *gencode("75", "90a", "100f", sass=False, ptx=True)],
    "debug.fatbin": ["-fatbin", "-G", *gencode("75", ptx=True)],
    "lineinfo.fatbin": ["-fatbin", "-lineinfo", *gencode("75", "100")],
    "rdc.o": ["-rdc=true", "-c", *gencode("75", "90", ptx=True)],
    "lto.o": ["-rdc=true", "-c", *gencode("80", lto=True, sass=False), *gencode("90")],
    "plain.o": ["-c", *gencode("75")],
}

nvcc_here = pytest.mark.skipif(NVCC is None, reason="there is no nvcc")


def slow_comparison(test: Callable[..., None]) -> Callable[..., None]:
    """Marks a test that compiles much, and takes cuobjdump from the package index where it is not installed."""
    marked: Callable[..., None] = pytest.mark.online(pytest.mark.slow(nvcc_here(test)))
    return marked


@pytest.fixture(scope="module")
def reference() -> Path:
    return have(cuobjdump.program)


def made(folder: Path, name: str, arguments: Sequence[str], source: str = SOURCE) -> Path:
    (folder / "k.cu").write_text(source)
    target = folder / name
    done = subprocess.run([NVCC or "", *arguments, "k.cu", "-o", name], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def agree(path: Path, reference: Path) -> list[Listed]:
    listed = theirs(reference, path)
    assert listed, f"cuobjdump does not read {path.name}"
    assert Counter(ours(path)) == Counter(listed)
    return sorted(listed)


@slow_comparison
@pytest.mark.parametrize("name", CASES)
def test_every_kind_is_read_as_cuobjdump_reads_it(name: str, tmp_path: Path, reference: Path) -> None:
    path = made(tmp_path, name, CASES[name])
    listed = agree(path, reference)
    if WRITE:
        KEPT.mkdir(exist_ok=True)
        shutil.copy(path, KEPT / name)
        (KEPT / f"{name}.json").write_text(json.dumps(listed, indent=1) + "\n")


@slow_comparison
@pytest.mark.parametrize(("mode", "suffix"), [("default", ""), ("default", "a"), ("default", "f"), ("none", "")])
def test_every_architecture_of_this_nvcc(mode: str, suffix: str, tmp_path: Path, reference: Path) -> None:
    told = subprocess.run([NVCC or "", "--list-gpu-arch"], capture_output=True, text=True, check=True).stdout
    first = {"": 0, "a": 90, "f": 100}[suffix]
    archs = [arch + suffix for arch in sorted(re.findall(r"compute_(\d+)\b", told), key=int) if int(arch) >= first]
    path = made(tmp_path, "all.fatbin", ["-fatbin", "-t2", f"-compress-mode={mode}", *gencode(*archs, ptx=True)])
    assert {entry.arch for entry in agree(path, reference)} == {f"sm_{arch}" for arch in archs}


@slow_comparison
def test_linked_code_relocatable_code_and_plain_code_in_one_library(tmp_path: Path, reference: Path) -> None:
    """-dlink leaves a container of its own; what is relocatable stays in the library too, and so does the last link's stub."""
    both = gencode("75", "90")
    made(tmp_path, "rdc.o", ["-rdc=true", "-Xcompiler=-fPIC", "-c", *both])
    linked = subprocess.run(
        [NVCC or "", *both, "-Xcompiler=-fPIC", "-dlink", "rdc.o", "-o", "dlink.o"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert linked.returncode == 0
    agree(tmp_path / "dlink.o", reference)
    made(tmp_path, "plain.o", ["-Xcompiler=-fPIC", "-c", *both], "__global__ void other(int *p) { p[0] = 2; }\n")
    command = [NVCC or "", "-shared", "rdc.o", "dlink.o", "plain.o", "-o", "all.so"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    listed = agree(tmp_path / "all.so", reference)
    assert Counter(entry.arch for entry in listed) == {"sm_75": 4, "sm_90": 3}
    groups = samples.gpu_code(tmp_path / "all.so").groups
    assert [(group.sass, group.count, group.stub) for group in groups] == [
        (("sm_75", "sm_90"), 3, False),
        (("sm_75",), 1, True),
    ]


@nvcc_here
@pytest.mark.parametrize("arch", ["75", "90", "90a", "100", "100a", "100f", "121a"])
def test_a_bare_cubin(arch: str, tmp_path: Path) -> None:
    path = made(tmp_path, "k.cubin", [f"-arch=sm_{arch}", "-cubin"])
    with path.open("rb") as file:
        assert cubin.read(file, path.stat().st_size).sass == (f"sm_{arch}",)


@pytest.mark.slow
@nvcc_here
def test_a_link_without_kernels_leaves_a_stub(tmp_path: Path) -> None:
    """The same command with a kernel, and one without: only the second is a stub."""
    for source, stub in ((SOURCE, False), ("int main() { return 0; }\n", True)):
        for arch in ("75", "90", "100"):
            (tmp_path / f"{arch}.o").unlink(missing_ok=True)
            made(tmp_path, f"{arch}.o", ["-rdc=true", "-c", *gencode(arch)], source)
            subprocess.run(
                [NVCC or "", *gencode(arch), "-dlink", f"{arch}.o", "-o", "linked.o"],
                cwd=tmp_path,
                capture_output=True,
                check=True,
            )
            found = samples.gpu_code(tmp_path / "linked.o")
            assert [(group.sass, group.stub) for group in found.groups] == [((f"sm_{arch}",), stub)]


@pytest.mark.parametrize("name", [*CASES, "cuda-11.8.fatbin"])
def test_the_kept_files_are_read_as_cuobjdump_read_them(name: str) -> None:
    expected = [Listed(*row) for row in json.loads((KEPT / f"{name}.json").read_text())]
    assert sorted(ours(KEPT / name)) == expected


def test_scan_and_entries_tell_the_same_of_the_kept_files() -> None:
    """Both step over the same headers, but count in their own ways."""
    for name in CASES:
        path = KEPT / name
        sections = [fatbin.whole(path.stat().st_size)] if name.endswith(".fatbin") else None
        code = samples.gpu_code(path, sections)
        entries = samples.gpu_entries(path, sections)
        for kind, archs in (("sass", code.sass), ("ptx", code.ptx), ("lto", code.lto)):
            assert {entry.arch for entry in entries if entry.kind == kind} == set(archs)
        assert code.containers == len({entry.container for entry in entries})
        assert code.warnings == ()


def test_sizes_and_places_of_the_kept_files() -> None:
    """Where an entry says it lies there is its header, and the payload it tells of is compressed as it says."""
    begins = {"zstd": b"\x28\xb5\x2f\xfd", "": b"\x7fELF"}
    seen = set()
    for name in CASES:
        path = KEPT / name
        data = path.read_bytes()
        sections = [fatbin.whole(len(data))] if name.endswith(".fatbin") else None
        for entry in samples.gpu_entries(path, sections):
            header = int.from_bytes(data[entry.offset + 4 : entry.offset + 8], "little")
            payload = data[entry.offset + header : entry.offset + header + entry.size]
            assert len(payload) == entry.size
            seen.add(entry.compression)
            if entry.compression == "lz4":
                assert 0 < entry.compressed <= entry.size < entry.uncompressed + 64
            elif entry.kind == "sass" or (entry.compression and entry.kind == "ptx"):  # LTO code is scrambled
                assert payload.startswith(begins[entry.compression])
            assert ("rdc" in entry.flags) == (entry.section == "__nv_relfatbin")
    assert seen == {"zstd", "lz4", ""}


def test_sections_are_places() -> None:
    path = KEPT / "rdc.o"
    (place,) = samples.gpu_code(path).places
    assert place.section == "__nv_relfatbin"
    assert path.read_bytes()[place.offset :][:4] == fatbin.MAGIC


def test_a_bare_fatbin_is_one_section() -> None:
    data = (KEPT / "none.fatbin").read_bytes()
    assert fatbin.whole(len(data)) == Section(".nv_fatbin", 0, len(data), 0)

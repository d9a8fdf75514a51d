"""A library that lost its end, shrinks while it is read, or is no file at all."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.binaries import samples
from tests.fuzz.judge import Memory
from torchsmith.binaries import (
    elf,
    fatbin,
    inspected,
)
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import Section
from torchsmith.host import readers
from torchsmith.model.known import Known, Unknown

# Cut short


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Like libtorch_cuda.so: a real library with needs, versions, and a section of GPU code that fills most of it."""
    if not shutil.which("gcc") or not shutil.which("objcopy"):
        pytest.skip("no compiler here")
    folder = tmp_path_factory.mktemp("library")
    code = b"".join(samples.container(samples.entry(2, sm), samples.entry(1, 90)) for sm in (75, 80, 90) for _ in range(100))
    (folder / "code").write_bytes(code)
    (folder / "a.c").write_text('#include <stdio.h>\nint cuda(void) { return puts("x"); }\n')
    (folder / "a.s").write_text(f'.section .nv_fatbin, "a"\n.balign 8\n.incbin "{folder / "code"}"\n')
    path = folder / "libtorch_cuda.so"
    subprocess.run(
        [
            "gcc",
            "-shared",
            "-fPIC",
            "-o",
            path,
            folder / "a.c",
            folder / "a.s",
            "-Wl,-rpath,$ORIGIN/../lib",
            "-Wl,-soname,libtorch_cuda.so",
        ],
        check=True,
    )
    return path.read_bytes()


def test_the_library_whole(library: bytes) -> None:
    found = inspected.inspect(Memory(library), len(library), "libtorch_cuda.so")
    assert found.gpu_code is not None
    assert found.gpu_code.containers == 300
    assert found.needed == ("libc.so.6",)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_the_library_cut_short(library: bytes, part: float) -> None:
    """Its end holds the dynamic section and the list of sections; what the start says is told."""
    data = library[: int(len(library) * part)]
    found = inspected.inspect(Memory(data), len(data), "libtorch_cuda.so")
    assert found.machine == "x86_64"
    assert found.warnings
    with pytest.raises(BinaryError) as caught:
        elf.read(Memory(data), len(data))
    assert caught.value.cut_short


def test_gpu_code_cut_short(library: bytes) -> None:
    section = next(section for section in elf.read(Memory(library), len(library)).sections if section.name == ".nv_fatbin")
    data = library[: section.offset + section.size // 2]
    found = fatbin.scan(Memory(data), len(data), [Section(".nv_fatbin", section.offset, section.size, 2)])
    assert 140 <= found.containers <= 150
    assert any("cut short" in warning for warning in found.warnings)


# No files


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("reader", readers.READERS)
def test_the_host_refuses_what_is_no_file(reader: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/null")):
        assert readers.read(reader, str(path), "x") == Unknown("not a regular file", ("x",))
    for _ in range(3):
        try:
            assert isinstance(readers.read(reader, str(tmp_path), "x"), Unknown)
        except OSError:
            continue
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


@pytest.mark.parametrize("left", [0, 1, 100, 5000])
def test_a_file_that_shrinks(library: bytes, left: int, tmp_path: Path) -> None:
    """Another process overwrites it while it is read: an error or a part, never a signal."""
    path = tmp_path / "libtorch_cuda.so"
    path.write_bytes(library)

    class Shrinks(io.FileIO):
        reads = 0

        def read_at(self, length: int, offset: int) -> bytes:
            self.reads += 1
            if self.reads == 3:
                os.truncate(path, left)
            return os.pread(self.fileno(), length, offset)

    with Shrinks(path, "rb") as file:
        try:
            found = inspected.inspect(file, len(library), "libtorch_cuda.so")
        except BinaryError:
            return
    assert found.warnings


def test_a_library_that_is_looked_at_is_not_loaded(library: bytes, tmp_path: Path) -> None:
    path = tmp_path / "libtorch_cuda.so"
    path.write_bytes(library)
    for reader in ("gpu-code", "shared", "loading", "numpy-abi", "cudnn"):
        assert isinstance(readers.read(reader, str(path), "x"), Known)
    maps = Path("/proc/self/maps")
    assert not maps.exists() or str(path) not in maps.read_text()

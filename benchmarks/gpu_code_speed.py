"""GPU code of torch and of NVIDIA's libraries, against cuobjdump, in one run: wall and CPU time, cold and warm, memory, bytes.

    .venv/bin/python -m benchmarks.gpu_code_speed [--repeat N]

Each reading is a process of its own (``python -S``), so that its start and imports count. Cold: the files are dropped from the
page cache before each run; what a cold run brought back into it is the share of the file that was touched. Medians, with the
ratio to torchsmith and the limit that the project has set itself.
"""

from __future__ import annotations

import argparse
import ctypes
import mmap
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median

from tests.lab import cuobjdump, environments

from benchmarks.check_speed import Sample, measure, medians, nothing, table
from torchsmith.binaries import elf, fatbin

SOURCE = Path(__file__).resolve().parents[1] / "src"
READ = f"""
import sys
sys.path.insert(0, {str(SOURCE)!r})
from torchsmith.host.readers import read
for path in sys.argv[1:]:
    print(path, read("gpu-code", path, path))
"""
PAGE = mmap.PAGESIZE


def reading(paths: Iterable[Path]) -> list[str]:
    """The command that reads the GPU code of libraries."""
    return [sys.executable, "-I", "-S", "-c", READ, *map(str, paths)]


def dropped(paths: Sequence[Path]) -> Callable[[], None]:
    """A function that takes files out of the page cache."""

    def drop() -> None:
        for path in paths:
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    os.sync()
    return drop


def resident(path: Path) -> int:
    """Bytes of a file in the page cache."""
    size = path.stat().st_size
    pages = (size + PAGE - 1) // PAGE
    told = (ctypes.c_ubyte * pages)()
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE) as view,
    ):
        handle = (ctypes.c_char * size).from_buffer(view)
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.mincore(ctypes.c_void_p(ctypes.addressof(handle)), ctypes.c_size_t(size), told)
        del handle
    if failed:
        raise OSError(ctypes.get_errno(), f"mincore of {path}")
    return sum(page & 1 for page in told) * PAGE


def at_once(parts: Sequence[Sequence[Path]], folder: Path, before: Callable[[], None]) -> Sample:
    """One process for each part, all at the same time."""
    before()
    begun = time.perf_counter()
    children = [
        subprocess.Popen(reading(part), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for part in parts
        if part
    ]
    usages = []
    for child in children:
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        usages.append(usage)
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return Sample(time.perf_counter() - begun, cpu, max(usage.ru_maxrss for usage in usages) / 1024)


def libraries(site: Path) -> list[Path]:
    """Torch's and NVIDIA's libraries, each file once, the largest first."""
    found = {
        (path.stat().st_dev, path.stat().st_ino): path for path in (*site.glob("nvidia/**/*.so*"), *site.glob("torch/lib/*.so*"))
    }
    return sorted((path for path in found.values() if _is_elf(path)), key=lambda path: -path.stat().st_size)


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def halves(paths: Sequence[Path]) -> list[list[Path]]:
    """Two parts of about the same number of entries, which is what reading costs."""
    parts: list[list[Path]] = [[], []]
    work = [0, 0]
    for path in paths:
        lighter = work.index(min(work))
        parts[lighter].append(path)
        with path.open("rb", buffering=0) as file:
            size = path.stat().st_size
            work[lighter] += 100 + sum(1 for _ in fatbin.entries(file, size, elf.read(file, size).sections))
    return parts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=9)
    options = parser.parse_args()
    site = environments.cuda().site
    torch = site / "torch" / "lib" / "libtorch_cuda.so"
    folder = site
    reference = str(cuobjdump.program())
    commands: dict[str, Sequence[str]] = {"torchsmith": reading([torch]), "cuobjdump -lelf": [reference, "-lelf", str(torch)]}
    mib = torch.stat().st_size / 2**20
    warm = medians(commands, folder, max(3, options.repeat // 3), nothing)
    warm["torchsmith"] = medians({"torchsmith": commands["torchsmith"]}, folder, options.repeat, nothing)["torchsmith"]
    table(
        f"libtorch_cuda.so ({mib:.0f} MiB), warm", warm, "torchsmith", {"cuobjdump -lelf": "at least 100", "torchsmith": "32 MiB"}
    )
    cold = medians(commands, folder, 3, dropped([torch]))
    table("libtorch_cuda.so, cold", cold, "torchsmith", {"cuobjdump -lelf": "at least 30"})
    dropped([torch])()
    before = resident(torch)
    measure(commands["torchsmith"], folder, nothing)
    touched = resident(torch) - before
    print(f"\nTouched: {touched / 2**20:.1f} MiB of {mib:.0f}, {100 * touched / torch.stat().st_size:.2f} % (limit: 3 %).")
    every = libraries(site)
    parts = halves(every)
    samples = [at_once(parts, folder, nothing) for _ in range(options.repeat)]
    all_warm = Sample(*(median(column) for column in zip(*samples, strict=True)))
    samples = [at_once(parts, folder, dropped(every)) for _ in range(3)]
    all_cold = Sample(*(median(column) for column in zip(*samples, strict=True)))
    gigabytes = sum(path.stat().st_size for path in every) / 1e9
    title = f"{len(every)} libraries ({gigabytes:.1f} GB), two processes"
    table(title, {"warm": all_warm, "cold": all_cold}, "warm", {"warm": "1.5 s, 32 MiB", "cold": "1.5 s"})
    print(f"\nPython {sys.version.split()[0]}, {os.cpu_count()} cores, medians.")


if __name__ == "__main__":
    main()

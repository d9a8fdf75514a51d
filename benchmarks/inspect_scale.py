"""``torchsmith inspect`` at scale: many environments that share files, and the NVIDIA libraries of several at once.

    .venv/bin/python -m benchmarks.inspect_scale [--environments N] [--store FOLDER ...] [--windows FOLDER] [--repeat N]

Environments: N small ones (300 files each, 40 of them real libraries) that are hard links, links to a store, or copies (with a
RECORD, as every wheel installs it); beside them one environment alone, so that what grows can be seen. Libraries: the 43 largest
NVIDIA libraries below the folders (the laboratory's CUDA environments if none is given; ``--windows`` for a folder with DLLs),
their GPU code alone and everything that inspect reads, with one worker and with all. Every figure is a process of its own: wall
and CPU time of it with its workers, peak memory of the largest.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.lab import environments

LIBRARIES = 43
OF_NVIDIA = ("libcu", "libnv", "libnccl", "libcaffe2_nvrtc", "libtorch_cuda", "cu", "nv", "torch_cuda", "cudnn")
FILES, SHARED = 300, 40

SCRIPT = """
import json, resource, sys, time
from torchsmith.app import inspect_tree
from torchsmith.host import distinct
from torchsmith.host.base import Candidate
from torchsmith.host.local import LocalHost
from torchsmith.model.known import Unknown

what, workers, paths = sys.argv[1], int(sys.argv[2]), json.load(sys.stdin)
begun = time.perf_counter()
host = LocalHost()
if what == "object":
    host.binaries = lambda reader, files: distinct.binaries(lambda path: host.fetch("binary", reader, path), files, workers)
    read = ((path, found) for path, found in inspect_tree.objects(host, paths))
else:
    files = (found for found in host.tree(*paths) if isinstance(found, Candidate))
    read = distinct.binaries(lambda path: host.fetch("binary", what, path), files, workers)
count = unread = containers = 0
for path, found in read:
    count += 1
    unread += isinstance(found, Unknown)
wall = time.perf_counter() - begun
uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
# Not this process's ru_maxrss: that is inherited from who started it.
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([wall, sum(u.ru_utime + u.ru_stime for u in uses), max(own, uses[1].ru_maxrss) / 1024, count, unread]))
"""


class Sample(NamedTuple):
    """Seconds of wall and CPU time, MiB of the largest process; paths answered, and of these not read."""

    wall: float
    cpu: float
    memory: float
    paths: int
    unread: int


def measure(what: str, workers: int, paths: Sequence[Path], repeat: int) -> Sample:
    """Medians of ``repeat`` runs."""
    runs = []
    for _ in range(repeat):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, what, str(workers)],
            input=json.dumps([str(path) for path in paths]),
            capture_output=True,
            text=True,
            check=True,
        )
        runs.append(Sample(*json.loads(done.stdout)))
    return Sample(*(median(column) for column in zip(*runs, strict=True)))


def libraries(folders: Sequence[Path]) -> list[Path]:
    """The largest NVIDIA libraries, each content once."""
    found: dict[tuple[int, int], Path] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if (".so" in path.name or path.suffix == ".dll") and path.name.startswith(OF_NVIDIA) and path.is_file():
                stat = path.stat()
                found.setdefault((stat.st_dev, stat.st_ino), path)
    return sorted(found.values(), key=lambda path: -path.stat().st_size)[:LIBRARIES]


def small_libraries(folder: Path) -> list[Path]:
    """Real libraries for an environment: its smaller ones, so that a thousand copies fit on a disk."""
    found = sorted(
        (path for path in folder.rglob("*.so*") if path.is_file() and not path.is_symlink()), key=lambda path: path.stat().st_size
    )
    return [path for path in found if path.stat().st_size > 4096][:SHARED]


def environment(root: Path, shared: Sequence[Path], how: str) -> None:
    """One small environment whose libraries are hard links, links, or copies."""
    site = root / "lib" / "python3.11" / "site-packages"
    (site / "package-1.dist-info").mkdir(parents=True)
    (site / "package").mkdir()
    for number in range(FILES - len(shared)):
        (site / "package" / f"module{number}.py").touch()
    for library in shared:
        target = site / "package" / library.name
        if how == "hard links":
            target.hardlink_to(library)
        elif how == "links":
            target.symlink_to(library)
        else:
            shutil.copyfile(library, target)
    shutil.copyfile(shared[0].parent / "RECORD", site / "package-1.dist-info" / "RECORD")


def record(shared: Sequence[Path]) -> str:
    """The RECORD of a wheel that holds these libraries."""
    sums = [base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode() for path in shared]
    return "".join(f"package/{path.name},sha256={one},{path.stat().st_size}\n" for path, one in zip(shared, sums, strict=True))


def trees(scratch: Path, count: int, shared: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """(name, root) of the trees of environments; each is removed when the next is asked for."""
    store = scratch / "store"
    store.mkdir()
    stored = [Path(shutil.copyfile(library, store / f"{number}.so")) for number, library in enumerate(shared)]
    (store / "RECORD").write_text(record(stored))
    for how, number in (("hard links", 1), ("hard links", count), ("links", count), ("copies", count // 10)):
        root = scratch / "envs"
        for index in range(number):
            environment(root / str(index), stored, how)
        yield f"{number} environments, {how}", root
        shutil.rmtree(root)


def row(name: str, sample: Sample, more: str) -> None:
    """Print one row of the table."""
    figures = f"{sample.wall:.2f} | {sample.cpu:.2f} | {sample.memory:.0f} | {sample.unread:.0f}"
    print(f"| {name} | {sample.paths:.0f} | {figures} | {more} |", flush=True)


def main() -> None:
    """Parse the options and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=int, default=1000)
    parser.add_argument("--store", type=Path, nargs="*", default=[])
    parser.add_argument("--windows", type=Path, nargs="*", default=[])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    folders = options.store or [environments.cuda().site, environments.cu121().site]
    print(f"{os.cpu_count()} processors\n\n| what | paths | wall s | CPU s | peak MiB | unread | |\n|{' --- |' * 7}")
    chosen = libraries([*folders, *options.windows])
    size = sum(path.stat().st_size for path in chosen) / 1e9
    for what in ("gpu-code", "object"):
        for workers in (1, 0):
            row(
                f"{len(chosen)} NVIDIA libraries, {what}",
                measure(what, workers, chosen, options.repeat),
                f"{size:.1f} GB, {workers or 'all'} workers",
            )
    with tempfile.TemporaryDirectory(dir=folders[0].parents[3]) as scratch:
        shared = small_libraries(folders[0])
        for name, root in trees(Path(scratch), options.environments, shared):
            row(name, measure("object", 0, [root], options.repeat), f"{len(shared)} distinct libraries")


if __name__ == "__main__":
    main()

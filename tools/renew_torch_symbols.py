"""Write the table of torch's exported symbols anew, from the wheels of its releases.

    python tools/renew_torch_symbols.py [--cache FOLDER] [RELEASE ...]

It downloads one Linux x86-64 wheel after the other from the package index that pip is configured for (each up to 900 MB, removed
again), reads what libc10, libtorch_cpu, libtorch_python and their CUDA halves export, keeps the names in the cache (2 MB each)
and writes src/torchsmith/knowledge/data/torch_symbols.bin. Twenty minutes for all releases.

What the table holds: a hash (CRC-32) of every name that some releases export and others do not, with the releases that do, for
names of torch's own: namespaces at, c10, torch and caffe2, and the C functions aoti_torch_*, torch_* and THP*. What it leaves
out: names that all releases export; the kernels of at::native, 80,000 names that few extensions ask for; templates of the
standard library and of what is linked into torch (MKL, protobuf, oneDNN); names of types as text (_ZTS) and guards (_ZGV),
which no extension takes; builds that are not on the default index, such as those with the other C++ ABI before 2.7.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from torchsmith.binaries import elf
from torchsmith.knowledge import torch_symbols

TABLE = Path(torch_symbols.__file__).parent / "data" / "torch_symbols.bin"
LIBRARIES = ("libc10.so", "libtorch_cpu.so", "libtorch_python.so", "libc10_cuda.so", "libtorch_cuda.so")
RELEASES = (
    *("1.13.1", "2.0.1", "2.1.2", "2.2.2", "2.3.1", "2.4.1", "2.5.1", "2.6.0", "2.7.1", "2.8.0", "2.9.1"),
    *("2.10.0", "2.11.0", "2.12.1", "2.13.0", "2.14.1", "2.15.0"),
)
"""The last patch release of each."""
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64")


def names(release: str, cache: Path) -> set[str]:
    """The names that a release exports, from the cache or from its wheel."""
    kept = cache / f"torch-{release}.txt.gz"
    if not kept.exists():
        found = sorted(read(release, cache))
        kept.write_bytes(gzip.compress("\n".join(found).encode(), 6))
    return set(gzip.decompress(kept.read_bytes()).decode().split("\n"))


def read(release: str, cache: Path) -> set[str]:
    """The names that the libraries of the release's wheel export."""
    folder = cache / "download"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    platforms = [option for platform in PLATFORMS for option in ("--platform", platform)]
    options = ("--no-deps", "--only-binary=:all:", "--python-version", "3.11", *platforms, "-d", str(folder))
    # Folders of wheels on this machine may hold another build of the same release.
    subprocess.run([sys.executable, "-m", "pip", "--isolated", "download", "-q", *options, f"torch=={release}"], check=True)
    found: set[str] = set()
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        for library in LIBRARIES:
            path = Path(wheel.extract(f"torch/lib/{library}", folder))
            with path.open("rb") as file:
                size = path.stat().st_size
                found.update(name for name in elf.exports(file, size, elf.read(file, size)) if torch_symbols.covers(name))
            path.unlink()
    shutil.rmtree(folder)
    return found


def main() -> int:
    """Collect, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("releases", nargs="*", default=RELEASES)
    parser.add_argument("--cache", type=Path, default=Path(".cache/torch-symbols"))
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    exported: dict[str, set[str]] = {}
    for release in arguments.releases:
        exported[release] = names(release, arguments.cache)
        print(release, len(exported[release]), flush=True)
    exported = {release: {name for name in found if torch_symbols.covers(name)} for release, found in exported.items()}
    changed = {name for found in exported.values() for name in found if not all(name in each for each in exported.values())}
    rows: dict[int, int] = {}
    for name in changed:
        # Two names of one hash would answer for each other: together they say no more than either.
        hashed, held = zlib.crc32(name.encode()), sum(1 << bit for bit, each in enumerate(exported.values()) if name in each)
        rows[hashed] = rows.get(hashed, held) & held
    TABLE.write_bytes(torch_symbols.packed(tuple(exported), rows))
    print(f"{len(rows)} of {len(changed)} changed names, {TABLE.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

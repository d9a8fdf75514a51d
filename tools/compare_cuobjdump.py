"""Compare what torchsmith reads of GPU code with NVIDIA's cuobjdump, entry for entry, on real libraries of all ages.

    python -m tools.compare_cuobjdump [--only NAME] [--work FOLDER] [--cuobjdump PROGRAM ...] [--write]

Wheels come through pip, one after the other, and are deleted after use. No single cuobjdump reads every library, so each is
given to the generations at hand, the newest first, until one reads it: those that PyPI has (in nvidia-cuda-cuobjdump and in
triton's wheels) and those named with --cuobjdump, such as Debian's of CUDA 11.8. What was compared is kept in FOLDER; --write
puts it into docs/measurements.md.

An entry is compared by kind, architecture with its suffix, code version, host, debug mark and compression. The order is not:
cuobjdump goes by the wrappers of the containers, torchsmith by their places. A cuobjdump that does not print a suffix is told so
in the table.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.lab.cuobjdump import ours, theirs

from torchsmith.binaries import elf, fatbin
from torchsmith.binaries.errors import BinaryError

ROOT = Path(__file__).resolve().parents[1]
HEADING = "## GPU code against cuobjdump"

PROGRAMS = ("nvidia-cuda-cuobjdump==13.5.37", "triton==3.9.0", "triton==3.3.0", "triton==3.0.0", "triton==2.2.0")

# fmt: off
WHEELS = (
    "bitsandbytes==0.39.1", "bitsandbytes==0.41.3", "bitsandbytes==0.43.3", "bitsandbytes==0.45.5", "bitsandbytes==0.49.2",
    "torchvision==0.14.1", "torchvision==0.17.2", "torchvision==0.20.1", "torchvision==0.24.1", "torchvision==0.29.2",
    "torchaudio==0.13.1", "torchaudio==2.2.2", "torchaudio==2.5.1", "torchaudio==2.9.1", "ctranslate2==3.24.0",
    "ctranslate2==4.6.0", "faiss-gpu==1.7.2", "faiss-gpu-cu12==1.11.0", "warp-lang==0.15.1", "warp-lang==1.8.0",
    "cupy-cuda11x==12.3.0", "cupy-cuda12x==13.6.0", "cupy-cuda13x==13.6.0", "fbgemm-gpu==0.5.0", "xformers==0.0.16",
    "xformers==0.0.25", "xformers==0.0.33", "nvidia-nccl-cu11==2.14.3", "nvidia-nccl-cu12==2.18.1", "nvidia-nccl-cu12==2.21.5",
    "nvidia-nccl-cu13==2.28.3", "nvidia-curand-cu11==10.2.10.91", "nvidia-curand-cu12==10.3.2.106",
    "nvidia-cufft-cu11==10.9.0.58", "nvidia-cufft-cu12==11.2.1.3", "nvidia-cusparse-cu11==11.7.4.91",
    "nvidia-cusparse-cu12==12.1.0.106", "nvidia-cusolver-cu11==11.4.0.1", "nvidia-cusolver-cu12==11.6.1.9",
    "nvidia-npp-cu11==11.8.0.86", "nvidia-npp-cu12==12.4.1.87", "nvidia-nvjpeg-cu12==12.4.0.76",
    "nvidia-cusparselt-cu12==0.6.2", "nvidia-nvshmem-cu12==3.3.20", "nvidia-cublas-cu11==11.10.3.66",
    "nvidia-cublas-cu12==12.1.3.1", "nvidia-cublas-cu12==12.8.4.1", "nvidia-cublas==13.1.0.3", "xgboost==1.7.6",
    "xgboost==2.1.4", "spconv-cu118==2.3.6", "spconv-cu120==2.3.6", "cumm-cu118==0.4.11", "onnxruntime-gpu==1.14.1",
    "onnxruntime-gpu==1.18.1", "onnxruntime-gpu==1.23.2", "auto-gptq==0.7.1", "vllm==0.4.0", "sgl-kernel==0.3.16",
    "nvidia-cudnn-cu11==8.5.0.96", "nvidia-cudnn-cu11==8.9.4.25", "nvidia-cudnn-cu12==8.9.2.26", "nvidia-cudnn-cu12==9.1.0.70",
    "nvidia-cudnn-cu12==9.10.2.21", "nvidia-cudnn-cu13==9.15.1.9", "tensorflow==2.12.1", "catboost==1.2.7",
    "paddlepaddle-gpu==2.6.2", "torch==1.12.1", "torch==1.13.1", "torch==2.0.1", "torch==2.2.2", "torch==2.4.1", "torch==2.6.0",
    "torch==2.8.0", "torch==2.11.0", "torch==2.15.0",
)
# fmt: on
"""The mid-sized first: what goes wrong shows early."""

PYTHONS = ("3.12", "3.11", "3.10", "3.9", "3.8")
PLATFORMS = ("2_35", "2_34", "2_31", "2_28", "2_27", "2_26", "2_24", "2_18", "2_17", "2_12", "2_5", "2014", "2010", "1")
"""Of manylinux; a wheel may also be for Linux at large."""


class Result(NamedTuple):
    """One library of one wheel; ``agrees`` is yes, no, or says what the program did not tell."""

    wheel: str
    library: str
    entries: int
    program: str
    agrees: str


def compare(wheel: str, name: str, path: Path, programs: dict[str, Path]) -> Result:
    """Compare one library with the first program that reads it."""
    mine = sorted(ours(path))
    tried = []
    for version, program in programs.items():
        listed = theirs(program, path)
        if listed is None:
            tried.append(version)
            continue
        listed.sort()
        if listed == mine:
            return Result(wheel, name, len(mine), version, "yes")
        if sorted(entry.without_suffix() for entry in listed) == sorted(entry.without_suffix() for entry in mine):
            if any(entry.arch[-1] in "af" for entry in listed):
                agrees = f"but for the suffix: it knows {', '.join(sorted({e.arch for e in listed if e.arch[-1] in 'af'}))}"
            else:
                agrees = "but for the suffix, which it does not print"
            return Result(wheel, name, len(mine), version, agrees)
        unmatched = (Counter(listed) - Counter(mine)).total()
        return Result(wheel, name, len(mine), version, f"NO: it lists {len(listed)}, {unmatched} of them otherwise")
    return Result(wheel, name, len(mine), "none reads it", f"not compared (tried {', '.join(tried)})")


def libraries(wheel: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Unpack those members that have GPU code, one at a time."""
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            with archive.open(info) as member:
                if info.file_size < 4096 or member.read(4) != b"\x7fELF":
                    continue
            path = folder / "library"
            with archive.open(info) as member, path.open("wb") as out:
                shutil.copyfileobj(member, out, 1 << 20)
            try:
                with path.open("rb", buffering=0) as file:
                    has_code = bool(fatbin.scan(file, info.file_size, elf.read(file, info.file_size).sections).containers)
            except BinaryError as error:
                print(f"  {info.filename}: {error}", flush=True)
                has_code = False
            if has_code:
                yield info.filename, path
            path.unlink()


def download(requirement: str, folder: Path) -> Path | None:
    """The Linux wheel of a requirement, for the newest Python that it has one for."""
    names = [f"manylinux{'_' if '_' in name else ''}{name}_x86_64" for name in PLATFORMS]
    platforms = [word for name in (*names, "linux_x86_64") for word in ("--platform", name)]
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(folder)]
    for python in PYTHONS:
        done = subprocess.run(
            [*command, *platforms, "--python-version", python, requirement], capture_output=True, check=False, timeout=3600
        )
        if done.returncode == 0:
            return next(folder.glob("*.whl"))
    print(f"{requirement}: {done.stderr.decode().strip().splitlines()[-1]}", flush=True)
    return None


def programs_at_hand(folder: Path, more: list[Path]) -> dict[str, Path]:
    """Version -> cuobjdump, the newest first."""
    folder.mkdir(parents=True, exist_ok=True)
    for requirement in PROGRAMS:
        target = folder / requirement
        if target.exists():
            continue
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            wheel = download(requirement, Path(scratch))
            if wheel:
                with zipfile.ZipFile(wheel) as archive:
                    member = next(name for name in archive.namelist() if name.endswith("/cuobjdump"))
                    target.write_bytes(archive.read(member))
                    target.chmod(0o755)
    found = {}
    for program in (*folder.iterdir(), *more):
        if program.is_file():
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            if version := re.search(r" V([0-9.]+)", said):
                found[version[1]] = program
    return dict(sorted(found.items(), key=lambda item: [int(part) for part in item[0].split(".")], reverse=True))


def write(results: list[Result], programs: dict[str, Path]) -> None:
    """Put the table into docs/measurements.md, in place of the one that is there."""
    path = ROOT / "docs" / "measurements.md"
    text = path.read_text() if path.exists() else "# Measurements\n"
    before, _, rest = text.partition(HEADING)
    _, mark, after = rest.partition("\n## ")
    wheels = {result.wheel for result in results}
    agreeing = [result for result in results if result.agrees == "yes" or result.agrees.startswith("but for the suffix")]
    entries = sum(result.entries for result in agreeing)
    lines = [
        HEADING,
        "",
        "`python -m tools.compare_cuobjdump --write`: every entry of a library by kind, architecture with its",
        "suffix, code version, host, debug mark and compression, against the newest cuobjdump that reads the library",
        f"({', '.join(programs)}).",
        f"{len(agreeing)} of {len(results)} libraries of {len(wheels)} wheels agree, {entries} entries.",
        "",
        "| wheel | library | entries | cuobjdump | agrees |",
        "| --- | --- | ---: | --- | --- |",
        *(f"| {r.wheel} | {r.library.rpartition('/')[2]} | {r.entries} | {r.program} | {r.agrees} |" for r in results),
        "",
    ]
    path.write_text(before.rstrip("\n") + "\n\n" + "\n".join(lines) + (mark + after if mark else ""))


def main() -> None:
    """Compare what was not compared yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="wheels whose requirement contains this")
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "cuobjdump")
    parser.add_argument("--cuobjdump", type=Path, nargs="*", default=[])
    parser.add_argument("--write", action="store_true", help="write docs/measurements.md from what was compared")
    options = parser.parse_args()
    programs = programs_at_hand(options.work / "programs", options.cuobjdump)
    kept = options.work / "results"
    kept.mkdir(exist_ok=True)
    for requirement in WHEELS:
        done = kept / f"{requirement}.json"
        if done.exists() or options.only not in requirement:
            continue
        with tempfile.TemporaryDirectory(dir=options.work) as scratch:
            wheel = download(requirement, Path(scratch))
            if wheel is None:
                continue
            results = [compare(requirement, name, path, programs) for name, path in libraries(wheel, Path(scratch))]
        done.write_text(json.dumps(results, indent=1))
        for result in results:
            print(*result, sep=" | ", flush=True)
    if options.write:
        rows = [
            Result(*row)
            for name in WHEELS
            if (kept / f"{name}.json").exists()
            for row in json.loads((kept / f"{name}.json").read_text())
        ]
        write(rows, programs)


if __name__ == "__main__":
    main()

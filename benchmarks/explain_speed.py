"""``torchsmith explain`` of a large build log and of a short traceback: MB/s, peak memory, and times of ``python -c pass``.

    .venv/bin/python -m benchmarks.explain_speed [--megabytes N] [--repeat N]

The log is made, with a fixed seed, in a folder that is removed afterwards: ninja's progress with whole nvcc commands, compiler
warnings with their carets, pip's output, and an example of every signature at a random place. It is read with all signatures on,
as a whole command, with the extra ``logs`` and (a twentieth of it) without. Seconds are the process' own CPU time: one core.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.check_speed import Sample, measure, medians, nothing, table
from torchsmith.knowledge import load_signatures

SOURCE = Path(__file__).parents[1] / "src"
FLAGS = [
    *("-forward-unknown-to-host-compiler", "-DUSE_CUDA", "-DUSE_C10D_NCCL", "-D__CUDA_NO_HALF_OPERATORS__", "-O3", "-DNDEBUG"),
    *("-std=c++17", "--expt-relaxed-constexpr", "--expt-extended-lambda", "-Xfatbin", "-compress-all", "-Xcudafe", "-fPIC"),
    *("--diag_suppress=cc_clobber_ignored", "-gencode", "arch=compute_80,code=sm_80", "arch=compute_90,code=sm_90", "-isystem"),
    *("/usr/local/cuda/include", "-Wno-unused-parameter", "-I/build/third_party/protobuf/src"),
]
TRACEBACK = (
    "Traceback (most recent call last):\n"
    + "".join(
        f'  File "/home/user/project/part{n}.py", line {n}, in step_{n}\n    return step_{n + 1}(batch)\n' for n in range(28)
    )
    + '  File "/home/user/project/model.py", line 12, in forward\n    x = x.to("cuda")\n'
    + "RuntimeError: CUDA error: no kernel image is available for execution on the device\n"
)
WITHOUT = "import sys; sys.modules['hyperscan'] = None; from torchsmith.__main__ import main; sys.exit(main())"


def lines(random_: random.Random) -> Iterator[str]:
    """Lines of a build that goes well, without end."""
    number = 0
    while True:
        number += 1
        kind = random_.random()
        name = f"aten/src/ATen/native/cuda/{random_.choice(('Reduce', 'Sort', 'Copy', 'Foreach', 'Index'))}{number % 997}.cu"
        if kind < 0.3:
            chosen = " ".join(random_.choices(FLAGS, k=random_.randint(15, 50)))
            yield f"[{number % 8123}/8123] /usr/local/cuda/bin/nvcc {chosen} -x cu -c /build/{name} -o {name}.o"
        elif kind < 0.5:
            yield f"[{number % 8123}/8123] Building CXX object caffe2/CMakeFiles/torch_cpu.dir/src/f{number % 3571}.cpp.o"
        elif kind < 0.7:
            place = f"/build/torch/csrc/init{number % 811}.cpp:{number % 999}:{number % 80}"
            yield f"{place}: warning: comparison of integer expressions of different signedness [-Wsign-compare]"
            yield f"  {number % 999} |   for (int i = 0; i < tensors.size(); ++i) {{"
            yield "      |                   ~~^~~~~~~~~~~~~~~~"
        elif kind < 0.9:
            yield f"-- Installing: /out/lib/python3.11/site-packages/torch/include/ATen/ops/op_{number % 2711}_native.h"
        else:
            yield f"  Downloading package_{number % 301}-1.{number % 17}.0-py3-none-any.whl ({number % 900}.1 kB)"


def write(path: Path, megabytes: int) -> None:
    """Make the log: a block of ordinary lines again and again, with an example of a signature after each."""
    random_ = random.Random(3)
    ordinary = lines(random_)
    examples = [example for entry in load_signatures.entries() for example in entry.examples]
    with path.open("wb") as file:
        while file.tell() < megabytes * 1_000_000:
            block = "\n".join(next(ordinary) for _ in range(4000))
            for example in random_.sample(examples, k=2):
                file.write(f"{block}\n{example}\n".encode())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = str(SOURCE)
    subprocess.run([sys.executable, "-m", "compileall", "-q", SOURCE], check=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log, short, trace = folder / "log", folder / "short", folder / "traceback"
        write(log, options.megabytes)
        write(short, max(20, options.megabytes // 20))
        trace.write_text(TRACEBACK)
        commands: dict[str, tuple[Path, Sequence[str]]] = {
            "with the extra": (log, [sys.executable, "-m", "torchsmith", "explain", "--json", str(log)]),
            "without": (short, [sys.executable, "-c", WITHOUT, "explain", "--json", str(short)]),
        }
        print("| log | MB | wall s | CPU s | MB/s of CPU | peak MiB |\n| --- | --- | --- | --- | --- | --- |")
        for title, (path, command) in commands.items():
            runs = [measure(command, folder, nothing) for _ in range(options.repeat)]
            middle = Sample(*(median(column) for column in zip(*runs, strict=True)))
            size = path.stat().st_size / 1e6
            seconds = f"{middle.wall:.2f} | {middle.cpu:.2f} | {size / middle.cpu:.0f}"
            print(f"| {title} | {size:.0f} | {seconds} | {middle.memory:.0f} |", flush=True)
        small: dict[str, Sequence[str]] = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "explain, 60 lines": [sys.executable, "-m", "torchsmith", "explain", str(trace)],
        }
        table(
            "A traceback", medians(small, folder, 5 * options.repeat, nothing), "python -c pass", {"explain, 60 lines": "under 8"}
        )


if __name__ == "__main__":
    main()

"""``torchsmith inspect`` of a whole CUDA environment against ``import torch`` there, in one run.

    .venv/bin/python -m benchmarks.inspect_speed [--repeat N]

As a library call: the seconds between the first line of the call and its answer, in a fresh process each time, its own imports
included; beside it ``import torch`` in the same manner. As a command: whole processes, ``torchsmith inspect ENV`` beside
``python -c 'import torch'``. The environment is torch 2.14.1+cu130 with NVIDIA's wheels: 112 libraries, all read, the loader
simulated for each, every package held against its RECORD.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.lab import environments

from benchmarks.check_speed import Sample, drop_cache, installed, measure, nothing, table

CALL = """
import os, sys, time
begun, cpu = time.perf_counter(), sum(os.times()[:4])
from torchsmith.app import inspect
from torchsmith.host.local import LocalHost
found = inspect.inspect(LocalHost(), [sys.argv[1]], inspect.Wanted(), {})
wall = time.perf_counter() - begun
assert len(found.entries) > 100 and not found.unread, found.unread
print(wall, sum(os.times()[:4]) - cpu)
"""
IMPORT = """
import os, time, warnings
warnings.simplefilter("ignore")
begun, cpu = time.perf_counter(), sum(os.times()[:4])
import torch
print(time.perf_counter() - begun, sum(os.times()[:4]) - cpu)
"""


def inside(command: Sequence[str], folder: Path) -> Sample:
    """One run of a script that prints its own wall and CPU seconds, with its peak memory."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert child.stdout
    said = child.stdout.read().split()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    return Sample(float(said[0]), float(said[1]), usage.ru_maxrss / 1024)


def medians(commands: dict[str, Sequence[str]], folder: Path, repeat: int, *, whole: bool) -> dict[str, Sample]:
    """Medians of all, run in turns; of whole processes, or of what happens inside."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for _ in range(repeat):
        for name, command in commands.items():
            samples[name].append(measure(command, folder, nothing) if whole else inside(command, folder))
    return {name: Sample(*(median(column) for column in zip(*runs, strict=True))) for name, runs in samples.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=9)
    options = parser.parse_args()
    with ExitStack() as stack:
        torchsmith = installed(stack)
        own = str(Path(torchsmith).with_name("python"))
        cuda = environments.cuda()
        folder = Path(stack.enter_context(environments.variant(environments.empty(), "folder")).prefix)
        call: dict[str, Sequence[str]] = {
            "inspect, library call": [own, "-c", CALL, str(cuda.prefix)],
            "import torch": [str(cuda.python), "-c", IMPORT],
        }
        command: dict[str, Sequence[str]] = {
            "torchsmith inspect ENV": [str(torchsmith), "inspect", str(cuda.prefix)],
            "python -c 'import torch'": [str(cuda.python), "-c", "import torch"],
        }
        found = medians(call, folder, options.repeat, whole=False)
        table("Library call, warm", found, "inspect, library call", {"import torch": "at least 25"})
        found = medians(command, folder, options.repeat, whole=True)
        table("Whole command, warm", found, "torchsmith inspect ENV", {"python -c 'import torch'": "at least 15"})
        drop = drop_cache(cuda.prefix)
        cold: dict[str, list[Sample]] = {name: [] for name in command}
        for _ in range(max(3, options.repeat // 3)):
            for name, line in command.items():
                cold[name].append(measure(line, folder, drop))
        shown = {name: Sample(*(median(column) for column in zip(*runs, strict=True))) for name, runs in cold.items()}
        table("Whole command, cold", shown, "torchsmith inspect ENV", {})
    print(f"\nPython {sys.version.split()[0]}, {os.cpu_count()} cores, medians; limit for peak memory: 32 MiB.")


if __name__ == "__main__":
    main()

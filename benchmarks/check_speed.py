"""``torchsmith check`` against what people run today, in one run: wall and CPU time, cold and warm, peak memory.

    .venv/bin/python -m benchmarks.check_speed [--repeat N] [--no-peers]

The contenders look at the same real CUDA torch: ``python -m torch.utils.collect_env`` (torch's own), env-doctor and
cuda-doctor (installed beside torch, as they ask for). Cold: the files are dropped from the page cache before each run.
Medians are printed with the ratio to torchsmith, and with the limit that the project has set itself.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.lab import environments
from tests.lab.environments import Environment

PEERS = {"env-doctor": ("env-doctor", "check"), "cuda-doctor": ("cuda-doctor",)}


class Sample(NamedTuple):
    """One run: seconds of wall and CPU time (children included), peak memory in MiB."""

    wall: float
    cpu: float
    memory: float


def measure(command: Sequence[str], folder: Path, before: Callable[[], None]) -> Sample:
    """Run ``command`` once, after ``before``."""
    before()
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    child = subprocess.Popen(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    return Sample(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def medians(commands: dict[str, Sequence[str]], folder: Path, repeat: int, before: Callable[[], None]) -> dict[str, Sample]:
    """Medians of all, run in turns so that a busy moment hits every contender."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for _ in range(repeat):
        for name, command in commands.items():
            samples[name].append(measure(command, folder, before))
    return {name: Sample(*(median(column) for column in zip(*runs, strict=True))) for name, runs in samples.items()}


def drop_cache(folder: Path) -> Callable[[], None]:
    """A function that drops every file below ``folder`` from the page cache."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]

    def drop() -> None:
        for path in files:
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    os.sync()
    return drop


def table(title: str, found: dict[str, Sample], base: str, limits: dict[str, str]) -> None:
    """Print medians and ratios to ``base`` as Markdown."""
    columns = ("command", "wall s", "CPU s", "peak MiB", "wall ratio", "CPU ratio", "limit")
    print(f"\n### {title}\n\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for name, sample in found.items():
        of = found[base]
        ratios = f"{sample.wall / of.wall:.1f} | {sample.cpu / of.cpu:.1f}"
        print(f"| {name} | {sample.wall:.3f} | {sample.cpu:.3f} | {sample.memory:.0f} | {ratios} | {limits.get(name, '')} |")


def with_peers(stack: ExitStack, base: Environment) -> dict[str, Environment]:
    """A copy of the environment for each peer, with the peer in it."""
    copies = {}
    for package in PEERS:
        copies[package] = stack.enter_context(environments.variant(base, package))
        copies[package].install(package)
    return copies


def installed(stack: ExitStack) -> Path:
    """Torchsmith as a user has it: built, installed and byte-compiled in an environment of its own."""
    own = stack.enter_context(environments.variant(environments.empty(), "torchsmith"))
    own.install(str(Path(__file__).parents[1]))
    subprocess.run([own.python, "-m", "compileall", "-q", own.site], check=False)
    return own.prefix / "bin" / "torchsmith"


def nothing() -> None:
    """Before a warm run."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        torchsmith = str(installed(stack))
        own_python = str(Path(torchsmith).with_name("python"))
        empty = Path(stack.enter_context(environments.variant(environments.empty(), "folder")).prefix)
        small: dict[str, Sequence[str]] = {
            "python -c pass": [own_python, "-c", "pass"],
            "torchsmith --version": [torchsmith, "--version"],
            "torchsmith check (no torch, no GPU)": [torchsmith, "check", "--python", own_python],
        }
        limits = {"torchsmith --version": "at most 2.5", "torchsmith check (no torch, no GPU)": "at most 6"}
        table("Start-up", medians(small, empty, 3 * options.repeat, nothing), "python -c pass", limits)
        cuda = environments.cuda()
        commands: dict[str, Sequence[str]] = {
            "torchsmith check": [torchsmith, "check", "--python", str(cuda.python)],
            "collect_env": [str(cuda.python), "-m", "torch.utils.collect_env"],
        }
        folders = [cuda.prefix]
        if not options.no_peers:
            for package, environment in with_peers(stack, cuda).items():
                program, *arguments = PEERS[package]
                commands[package] = [str(environment.prefix / "bin" / program), *arguments]
                folders.append(environment.prefix)
        limits = {"collect_env": "at least 15", "env-doctor": "at least 5", "cuda-doctor": "at least 5"}
        table("CUDA torch, warm", medians(commands, empty, options.repeat, nothing), "torchsmith check", limits)
        droppers = [drop_cache(folder) for folder in (*folders, Path(torchsmith).parents[1])]

        def drop_all() -> None:
            for drop in droppers:
                drop()

        cold = medians(commands, empty, max(3, options.repeat // 3), drop_all)
        table("CUDA torch, cold", cold, "torchsmith check", limits)
    print(f"\nPython {sys.version.split()[0]}, {os.cpu_count()} cores, medians; torchsmith's limit for peak memory: 80 MiB.")


if __name__ == "__main__":
    main()

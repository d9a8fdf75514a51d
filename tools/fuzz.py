"""Run the coverage-guided fuzzer over every reader, from the kept corpus; ``tools/nightly`` calls it where atheris is installed.

Each target is one process at a time, ``--jobs`` of them in parallel. Exit status 1: a promise was broken; the inputs, minimised,
lie in the folder that is printed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.targets import CORPUS, TARGETS

WORK = Path(".cache/fuzz")
MEASUREMENTS = Path("docs/measurements.md")
HANG = 120
"""Seconds of wall time after which libFuzzer gives one input up: for what the limit on CPU time cannot interrupt."""
KEPT = 16 * 1024
"""Bytes of the corpus that are kept per target."""
RESTARTS = 20


class Result(NamedTuple):
    """What became of one target."""

    target: str
    executions: int
    seconds: float
    coverage: int
    faults: tuple[str, ...]
    note: str = ""


def main() -> int:
    """Fuzz, print the table, record it when asked."""
    options = _options()
    names = options.targets or list(TARGETS)
    begun, commit = time.monotonic(), _commit()
    found = WORK / "found"
    if options.keep:
        for name in names:
            print(f"{name}: {_keep(name)} inputs kept", flush=True)
        return 0
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda name: _told(_fuzz(name, options, found)), names))
    table = _table(results)
    print(table)
    if any(result.faults for result in results):
        print(f"inputs: {found}")
    if options.record:
        _record(table, results, time.monotonic() - begun, commit)
    return int(any(result.faults or result.note for result in results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/nightly", description=__doc__)
    parser.add_argument(
        "targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET", help=f"of {', '.join(TARGETS)}; all if none"
    )
    parser.add_argument("--runs", type=int, default=0, help="executions per target")
    parser.add_argument("--minutes", type=float, default=0, help="time per target")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at a time")
    parser.add_argument("--length", type=int, default=4096, help="the longest input, in bytes")
    parser.add_argument("--record", action="store_true", help=f"append the result to {MEASUREMENTS}")
    parser.add_argument("--keep", action="store_true", help="do not fuzz: renew the kept corpus from all that was found so far")
    options = parser.parse_args()
    if not options.keep and not options.runs and not options.minutes:
        parser.error("say how long: --runs or --minutes")
    return options


def _told(result: Result) -> Result:
    print(
        f"{result.target}: {result.executions:,} executions, {len(result.faults)} faults {result.note}",
        file=sys.stderr,
        flush=True,
    )
    return result


def _fuzz(name: str, options: argparse.Namespace, found: Path) -> Result:
    """Run one target, again after each crash of the process, until its executions or its time are spent."""
    folders = [_folder("corpus", name), _seeds(name), CORPUS / name]
    begun, executions, coverage, note = time.monotonic(), 0, 0, ""
    before = _found(found / name)
    for _ in range(RESTARTS):
        left = options.minutes * 60 - (time.monotonic() - begun)
        limits = [f"-runs={options.runs - executions}"] if options.runs else []
        limits += [f"-max_total_time={max(1, round(left))}"] if options.minutes else []
        ended, said = _guided(name, found / name, [*limits, f"-max_len={options.length}", *map(str, folders)])
        executions += _last(r"stat::number_of_executed_units:\s*(\d+)", said) or _last(r"^#(\d+)\s", said)
        coverage = max(coverage, _last(r" cov: (\d+)", said))
        if ended == 0:
            break
        note = f"ended with {ended}: " + next(
            (line for line in reversed(said.splitlines()) if "Error" in line or "ERROR" in line), ""
        )
        if (options.runs and executions >= options.runs) or (options.minutes and left < 10) or not executions:
            break
    return Result(name, executions, time.monotonic() - begun, coverage, tuple(sorted(_found(found / name) - before)), note)


def _guided(name: str, found: Path, arguments: list[str]) -> tuple[int, str]:
    """Exit status of one process, and what libFuzzer said; the input of a hard crash ends up in ``found``."""
    found.mkdir(parents=True, exist_ok=True)
    standing = [
        f"-artifact_prefix={found}/process-",
        f"-timeout={HANG}",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        "-detect_leaks=0",
    ]
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(found), *standing, *arguments]
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    return ended.returncode, ended.stderr.decode("utf-8", "replace")


def _keep(name: str) -> int:
    """Fill the kept corpus anew with few and small inputs that reach what all inputs reach, as far as its size allows."""
    merged = _folder("merged", name)
    for path in merged.iterdir():
        path.unlink()
    sources = [_folder("corpus", name), _seeds(name), CORPUS / name]
    _guided(name, WORK / "found" / name, ["-set_cover_merge=1", "-max_len=2048", str(merged), *map(str, sources)])
    seeds, left, count = set(TARGETS[name].seeds), KEPT, 0
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    for path in (CORPUS / name).iterdir():
        path.unlink()
    for path in sorted(merged.iterdir(), key=lambda path: (path.stat().st_size, path.name)):
        data = path.read_bytes()
        if data not in seeds and len(data) <= left:
            (CORPUS / name / path.name[:12]).write_bytes(data)
            left, count = left - len(data), count + 1
    return count


def _seeds(name: str) -> Path:
    folder = _folder("seeds", name)
    for number, seed in enumerate(TARGETS[name].seeds):
        (folder / str(number)).write_bytes(seed)
    return folder


def _folder(kind: str, name: str) -> Path:
    folder = WORK / kind / name
    folder.mkdir(parents=True, exist_ok=True)
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    return folder


def _found(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*") if path.suffix != ".txt"}


def _last(pattern: str, text: str) -> int:
    return int((re.findall(pattern, text, re.MULTILINE) or ["0"])[-1])


def _table(results: list[Result]) -> str:
    rows = [(r.target, f"{r.executions:,}", f"{r.seconds:.0f}", str(r.coverage), str(len(r.faults)), r.note) for r in results]
    total = sum(result.executions for result in results)
    rows.append(("all", f"{total:,}", f"{sum(r.seconds for r in results):.0f}", "", str(sum(len(r.faults) for r in results)), ""))
    lines = ["| target | executions | seconds | coverage (edges) | faults |", "| --- | ---: | ---: | ---: | ---: |"]
    return "\n".join([*lines, *("| " + " | ".join(row[:5]) + " |" + (f" {row[5]}" if row[5] else "") for row in rows)])


def _commit() -> str:
    told = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return told.stdout.strip()


def _record(table: str, results: list[Result], seconds: float, commit: str) -> None:
    text = MEASUREMENTS.read_text(encoding="utf-8") if MEASUREMENTS.exists() else "# Measurements\n"
    if "\n## Fuzzing\n" not in text:
        text = text.rstrip("\n") + f"\n\n## Fuzzing\n{_ABOUT}"
    before, heading, rest = text.partition("\n## Fuzzing\n")
    section, further, others = rest.partition("\n## ")
    earlier = sum(int(number.replace(",", "")) for number in re.findall(r"^\| all \| ([\d,]+) \|", section, re.MULTILINE))
    now = sum(result.executions for result in results)
    said = (
        f"\n### {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}, commit {commit}\n"
        f"`tools/nightly {' '.join(sys.argv[1:])}`, Python {sys.version.split()[0]}, {seconds / 60:.0f} minutes;"
        f" {earlier + now:,} executions recorded so far.\n\n{table}\n"
    )
    MEASUREMENTS.write_text(before + heading + section.rstrip("\n") + "\n" + said + further + others, encoding="utf-8")


_ABOUT = """\
Each execution gives one input to a reader. A fault is: an exception that is not BinaryError (of pasted text: any, a broken
promise of `tests/fuzz/pasted.py` among them), more than a second of CPU time, more than 64 MiB of memory, or anything opened,
imported or started. `tests/fuzz/judge.py` holds the limits, `tests/fuzz/corpus`
the kept inputs, which CI replays.
"""


if __name__ == "__main__":
    sys.exit(main())

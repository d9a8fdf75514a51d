"""Change an environment while every step of it is made to fail, and judge what is left: ``python -m tools.faults --help``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from tools.faults import bare, report
from tools.faults.bare import Tally
from tools.faults.injector import CACHE, FAULTS, made
from tools.faults.plans import PLANS
from tools.faults.report import Row

ROOT: Final = Path(__file__).parents[2]


def main() -> int:
    """Run the parts that are asked for, print the tables, record them when asked. Exit status 1: an exception was found."""
    options = _options()
    begun, commit = time.monotonic(), report.commit()
    jobs = [_scenario(name, options) for name in options.scenario] if "engine" in options.parts else []
    if "bare" in options.parts:
        jobs += [_bare(tool, fault, options) for tool in ("pip", "uv") for fault in bare.DEFAULT]
    _run(jobs, options.jobs)
    rows = [Row.of(told) for job in jobs if job.name in PLANS for told in job.told()]
    rows += [Row(job.name, "the harness", 0, Counter(), Counter(), [f"ended with {job.ended}"]) for job in jobs if job.ended]
    tallies = [Tally.of(told) for job in jobs if job.name not in PLANS for told in job.told()]
    text = report.text(rows, tallies, bare.versions() if tallies else "")
    print(text)
    (CACHE / "exceptions.txt").write_text("".join(f"{row.scenario}, {row.fault}, {why}\n" for row in rows for why in row.wrong))
    if options.record:
        report.record(text, rows, time.monotonic() - begun, commit)
    return int(any(row.wrong for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__)
    faults = (*FAULTS, "power cut")
    parser.add_argument("--parts", nargs="+", choices=("engine", "bare"), default=["engine", "bare"])
    parser.add_argument(
        "--scenario", nargs="+", choices=tuple(PLANS), default=list(PLANS), metavar="SCENARIO", help=", ".join(PLANS)
    )
    parser.add_argument("--fault", nargs="+", choices=faults, default=list(faults), metavar="FAULT", help=", ".join(faults))
    parser.add_argument("--every", type=int, default=0, help="every so many points, in place of tools/faults/plans.py")
    parser.add_argument("--sparse", type=int, default=1, help="so many times fewer points than tools/faults/plans.py says")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="processes; they wait more than they work")
    parser.add_argument("--record", action="store_true", help="append the result to docs/measurements.md")
    return parser.parse_args()


@dataclass(slots=True)
class _Job:
    """A process that answers in lines of JSON."""

    name: str
    words: list[str]
    variables: dict[str, str]
    said: IO[str]
    process: subprocess.Popen[bytes] | None = None
    ended: int = 0

    def start(self) -> None:
        self.process = subprocess.Popen(self.words, env=self.variables, stdout=self.said, cwd=ROOT, start_new_session=True)

    def told(self) -> list[dict[str, Any]]:
        """What it has answered so far."""
        self.said.seek(0)
        return [json.loads(line) for line in self.said.read().splitlines() if line.endswith("}")]


def _job(name: str, module: str, *words: str, injected: bool = False) -> _Job:
    variables = os.environ | (made(Path(os.sep)).variables if injected else {})
    said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - as long as this process
    return _Job(name, [sys.executable, "-m", module, *words], dict(variables), said)


def _scenario(name: str, options: argparse.Namespace) -> _Job:
    """A scenario in a process of its own, into which the injector is loaded."""
    return _job(name, "tools.faults.worker", name, str(options.every), str(options.sparse), *options.fault, injected=True)


def _bare(tool: str, fault: str, options: argparse.Namespace) -> _Job:
    return _job(f"bare {tool}, {fault}", "tools.faults.bare", tool, fault, str(options.every or options.sparse))


def _run(jobs: list[_Job], at_once: int) -> None:
    """Run all of them; interrupted, what was found until then is told."""
    waiting, running = list(jobs), list[_Job]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(waiting.pop(0))
                running[-1].start()
            for job in [job for job in running if job.process and job.process.poll() is not None]:
                running.remove(job)
                job.ended = job.process.returncode if job.process else 0
                points, wrong = sum(told["points"] for told in job.told()), sum(len(told.get("wrong", ())) for told in job.told())
                print(f"{job.name}: {points} points, {wrong} exceptions", file=sys.stderr, flush=True)
            time.sleep(0.1)
    except KeyboardInterrupt:
        for job in running:
            with suppress(ProcessLookupError):
                os.killpg(job.process.pid if job.process else 0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())

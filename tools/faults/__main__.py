"""Change an environment while every step of it is made to fail, and judge what is left: ``python -m tools.faults --help``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

from tools.faults import bare, report
from tools.faults.injector import CACHE, FAULTS, made
from tools.faults.report import Row

ROOT: Final = Path(__file__).parents[2]


def main() -> int:
    """Run the parts that are asked for, print the tables, record them when asked. Exit status 1: an exception was found."""
    options = _options()
    begun, commit = time.monotonic(), report.commit()
    rows = _engine(options) if "engine" in options.parts else []
    tallies = bare.every(options.bare_every) if "bare" in options.parts else []
    text = report.text(rows, tallies, bare.versions() if tallies else "")
    print(text)
    (CACHE / "exceptions.txt").write_text("".join(f"{row.scenario}, {row.fault}, {why}\n" for row in rows for why in row.wrong))
    if options.record:
        report.record(text, rows, time.monotonic() - begun, commit)
    return int(any(row.wrong for row in rows))


def _options() -> argparse.Namespace:
    from tools.faults.plans import PLANS

    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=("engine", "bare"), default=["engine", "bare"])
    parser.add_argument(
        "--scenario", nargs="+", choices=tuple(PLANS), default=list(PLANS), metavar="SCENARIO", help=", ".join(PLANS)
    )
    parser.add_argument(
        "--fault",
        nargs="+",
        choices=(*FAULTS, "power cut"),
        default=[*FAULTS, "power cut"],
        metavar="FAULT",
        help=", ".join(FAULTS),
    )
    parser.add_argument("--every", type=int, default=0, help="every so many points; as nightly does it if not given")
    parser.add_argument("--bare-every", type=int, default=1, help="the same for pip and uv alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="scenarios at a time")
    parser.add_argument("--record", action="store_true", help="append the result to docs/measurements.md")
    return parser.parse_args()


def _engine(options: argparse.Namespace) -> list[Row]:
    """Every scenario in a process of its own, into which the injector is loaded."""
    waiting, running, rows = list(options.scenario), [], []
    while waiting or running:
        while waiting and len(running) < options.jobs:
            name = waiting.pop(0)
            variables = os.environ | made(Path(os.sep)).variables
            words = [sys.executable, "-m", "tools.faults.worker", name, str(options.every), *options.fault]
            running.append((name, subprocess.Popen(words, env=variables, stdout=subprocess.PIPE, text=True, cwd=ROOT)))
        for name, process in list(running):
            if process.poll() is None:
                continue
            running.remove((name, process))
            said = process.stdout.read() if process.stdout else ""
            found = [Row.of(json.loads(line)) for line in said.splitlines()]
            rows += found
            if process.returncode or not found:
                rows.append(Row(name, "the harness", 0, Counter(), Counter(), [f"ended with {process.returncode}"]))
            print(
                f"{name}: {sum(row.points for row in found)} points, {sum(len(row.wrong) for row in found)} exceptions",
                file=sys.stderr,
                flush=True,
            )
        time.sleep(0.1)
    return sorted(rows, key=lambda row: list(PLANS_ORDER).index(row.scenario) if row.scenario in PLANS_ORDER else 99)


def _order() -> tuple[str, ...]:
    from tools.faults.plans import PLANS

    return tuple(PLANS)


PLANS_ORDER: Final = _order()

if __name__ == "__main__":
    sys.exit(main())

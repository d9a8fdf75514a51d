"""What is told of a run: tables in Markdown, and the record in docs/measurements.md."""

from __future__ import annotations

import datetime as dt
import platform
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.faults import bare
from tools.faults.bare import Tally

MEASUREMENTS: Final = Path("docs/measurements.md")
HEADING: Final = "\n## Fault injection\n"
_SHOWN: Final = 12


@dataclass(slots=True)
class Row:
    """One scenario under one fault."""

    scenario: str
    fault: str
    points: int
    verdicts: Counter[str]
    ended: Counter[str]
    wrong: list[str]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "scenario": self.scenario,
            "fault": self.fault,
            "points": self.points,
            "verdicts": self.verdicts,
            "ended": self.ended,
            "wrong": self.wrong,
        }

    @classmethod
    def of(cls, told: dict[str, Any]) -> Row:
        """From JSON."""
        return cls(
            told["scenario"],
            told["fault"],
            told["points"],
            Counter(told["verdicts"]),
            Counter(told["ended"]),
            list(told["wrong"]),
        )


def text(rows: list[Row], tallies: list[Tally], versions: str) -> str:
    """All tables."""
    parts = []
    if rows:
        parts += [_by_scenario(rows), _by_fault(rows)]
        parts += _exceptions(rows)
    if tallies:
        parts += [f"For comparison, the same upgrade by {versions} alone:\n\n{bare.table(tallies)}"]
    return "\n\n".join(parts)


def _by_scenario(rows: list[Row]) -> str:
    return _table("torchsmith, what is disturbed", rows, lambda row: row.scenario)


def _by_fault(rows: list[Row]) -> str:
    return _table("fault", rows, lambda row: row.fault)


def _table(title: str, rows: list[Row], of: Any) -> str:
    head = [f"| {title} | points | OLD | NEW | broken | exceptions |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    named = (_line(name, [row for row in rows if of(row) == name]) for name in dict.fromkeys(map(of, rows)))
    return "\n".join([*head, *named, _line("all", rows)])


def _line(name: str, rows: list[Row]) -> str:
    verdicts = sum((row.verdicts for row in rows), Counter[str]())
    counts = [
        sum(row.points for row in rows),
        verdicts["OLD"],
        verdicts["NEW"],
        verdicts["BROKEN"],
        sum(len(row.wrong) for row in rows),
    ]
    return f"| {name} | " + " | ".join(f"{count:,}" for count in counts) + " |"


def _exceptions(rows: list[Row]) -> list[str]:
    wrong = [f"- {row.scenario}, {row.fault}, {why}" for row in rows for why in row.wrong]
    more = [f"- and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return ["\n".join([*(line.replace("\n", " ")[:400] for line in wrong[:_SHOWN]), *more])] if wrong else []


def commit() -> str:
    """What was tested."""
    return subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False).stdout.strip()


def record(said: str, rows: list[Row], seconds: float, of: str) -> None:
    """Append to docs/measurements.md."""
    whole = MEASUREMENTS.read_text(encoding="utf-8") if MEASUREMENTS.exists() else "# Measurements\n"
    if HEADING not in whole:
        whole = whole.rstrip("\n") + f"\n{HEADING}{_ABOUT}"
    before, heading, rest = whole.partition(HEADING)
    section, further, others = rest.partition("\n## ")
    points = sum(row.points for row in rows)
    wrong = sum(len(row.wrong) for row in rows)
    entry = (
        f"\n### {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}, commit {of}\n"
        f"`python -m tools.faults {' '.join(sys.argv[1:])}`, Python {platform.python_version()}, {seconds / 60:.0f} minutes:"
        f" {points:,} points, {wrong} exceptions.\n\n{said}\n"
    )
    MEASUREMENTS.write_text(before + heading + section.rstrip("\n") + "\n" + entry + further + others, encoding="utf-8")


_ABOUT: Final = """\
A point is one run with one fault at one of its file-changing calls (`tools/faults/injector.c`, loaded into torchsmith and
into every program that it starts). Judged by exact snapshots (names, kinds, modes, owners, contents, links; for OLD also
times): at once, each thing (environment, project files, lock, rc file, values of the registry) is by itself exactly OLD or
exactly NEW; after the next start (`resume`) all of them are OLD or all are NEW; then running it again gives exactly NEW, and
`undo` exactly OLD, with nothing left behind. An exception is anything else, and also an error that nobody caught, an outcome
that says other than what is there, or no end within a minute. OLD and NEW in the table are those after the next start.
A power cut is replayed: every call is recorded, and the disk is laid out again with contents that were not synced lost, kept
or torn, and names whose folder was not synced missing in any order. Bare pip and uv are judged by import, by the version in
every module and by metadata. The scenarios named "real" run the real installers and the real verification, others a quick
installer.
"""

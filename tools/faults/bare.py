"""What pip and uv do by themselves, for comparison: the same upgrade, killed or starved at each file-changing call."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.lab.tools import uv
from tools.faults import bench as benches
from tools.faults import wheels
from tools.faults.bench import Bench
from tools.faults.injector import FAULTS, Fault, Injector
from tools.faults.injector import made as injector
from tools.faults.oracle import Behaviour, behaviour

STATES: Final = ("OLD", "NEW", "mixed", "metadata", "unimportable")
LIMIT: Final = 120


@dataclass(slots=True)
class Tally:
    """One installer under one fault: states after it, and after the same command was run again."""

    tool: str
    fault: str
    points: int = 0
    states: Counter[str] = field(default_factory=Counter)
    healed: Counter[str] = field(default_factory=Counter)
    trash: int = 0

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        counted = {"states": dict(self.states), "healed": dict(self.healed)}
        return {"tool": self.tool, "fault": self.fault, "points": self.points, "trash": self.trash} | counted

    @classmethod
    def of(cls, told: dict[str, Any]) -> Tally:
        """From JSON."""
        counted = {name: Counter(told[name]) for name in ("states", "healed")}
        return cls(**told | counted)


def command(tool: str, bench: Bench) -> list[str]:
    """The upgrade, as a user types it."""
    if tool == "pip":
        own = [str(benches.newest_pip()), "-m", "pip", "--python", str(bench.python), "install", "-q", "--no-compile"]
    else:
        own = [uv("uv"), "pip", "install", "-q", "--offline", "--python", str(bench.python)]
    return [*own, *bench.offline(), "-U", *wheels.wanted()]


def run(tool: str, fault: Fault, every: int = 1) -> Tally:
    """Every (or every so many) point of one installer under one fault."""
    with benches.made() as bench:
        bench.fill()
        bench.keep()
        injected = injector(bench.prefix)
        _go(tool, bench, injected, fault, 0)
        points, tally = injected.count, Tally(tool, fault.name)
        if behaviour(bench.python, bench.site).state != "NEW":
            raise RuntimeError(f"{tool} does not upgrade even undisturbed")
        for at in range(1, points + 1, every):
            bench.put_back()
            if not _go(tool, bench, injected, fault, at):
                continue
            after = behaviour(bench.python, bench.site)
            tally.points += 1
            tally.states[after.state] += 1
            tally.trash += after.trash
            if after.state not in {"OLD", "NEW"}:
                tally.healed[_healed(tool, bench, injected, fault)] += 1
    return tally


def _go(tool: str, bench: Bench, injected: Injector, fault: Fault, at: int) -> int:
    """One run; how often the fault was met."""
    variables = benches.clean(bench.folder) | injected.variables
    injected.arm(fault, at)
    process = subprocess.Popen(
        command(tool, bench),
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=bench.folder,
        start_new_session=True,
    )
    injected.driven_by(process.pid)
    try:
        process.wait(LIMIT)
    finally:
        process.kill()
        injected.disarm()
    return injected.hits


def _healed(tool: str, bench: Bench, injected: Injector, fault: Fault) -> str:
    """What running the same command again makes of it."""
    ended = subprocess.run(
        command(tool, bench), env=benches.clean(bench.folder), capture_output=True, check=False, cwd=bench.folder
    )
    after: Behaviour = behaviour(bench.python, bench.site)
    del injected, fault
    return "healed" if after.state == "NEW" else f"stays broken, exit {'0' if ended.returncode == 0 else 'not 0'}"


def table(tallies: list[Tally]) -> str:
    """As Markdown."""
    head = [
        "tool, fault",
        "points",
        *("half upgraded" if state == "mixed" else "metadata wrong" if state == "metadata" else state for state in STATES),
        "after running it again",
    ]
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 2) + " --- |"]
    for tally in tallies:
        counts = [f"{tally.states[state]}" for state in STATES]
        healed = ", ".join(f"{count} {what}" for what, count in sorted(tally.healed.items())) or "-"
        lines.append("| " + " | ".join([f"{tally.tool}, {tally.fault}", str(tally.points), *counts, healed]) + " |")
    return "\n".join(lines)


def versions() -> str:
    """Which pip and uv these were."""
    return f"{benches.version(benches.newest_pip(), '-m', 'pip')}, {benches.version(Path(uv('uv')))}"


DEFAULT: Final = ("SIGKILL", "ENOSPC from there on")


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], FAULTS[sys.argv[2]], int(sys.argv[3])).plain()))

"""One scenario under its faults, in a process into which the injector is loaded; a line of JSON per fault."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from zlib import crc32

from tools.faults import bench as benches
from tools.faults import real
from tools.faults.cut import power_cuts
from tools.faults.driver import Point, Trial
from tools.faults.injector import FAULTS, Injector
from tools.faults.plans import PLANS
from tools.faults.report import Row
from tools.faults.scenarios import SCENARIOS

from torchsmith.act.verify import verify


def main(name: str, step: int, sparse: int, faults: list[str]) -> None:
    """Run and tell."""
    with benches.made() as bench:
        injected = Injector(bench.root, Path(os.environ["FI_PAGE"]).parent)
        scenario = SCENARIOS.get(name) or real.scenario(name)
        trial = Trial(scenario, bench, injected, *(() if name in SCENARIOS else (verify,)))
        for fault in faults:
            every = PLANS[name][fault] if name not in SCENARIOS else step or PLANS[name][fault] * sparse
            if not every:
                continue
            row = Row(name, fault, 0, Counter(), Counter(), [])
            for point in power_cuts(trial, every) if fault == "power cut" else _points(trial, fault, every):
                row.points += 1
                row.verdicts[point.verdict] += 1
                row.ended[point.ended] += 1
                row.wrong += [f"call {point.at}, {point.ended}: {why}" for why in point.wrong]
            print(json.dumps(row.plain()), flush=True)


def _points(trial: Trial, fault: str, every: int) -> list[Point]:
    count = trial.count(FAULTS[fault])
    every = every if every > 0 else max(1, count // -every)
    first = 1 + crc32(f"{trial.scenario.name} {fault}".encode()) % max(1, min(every, count))  # not always the same calls
    found = (trial.point(FAULTS[fault], at) for at in range(first, count + 1, every))
    return [point for point in found if point is not None]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])

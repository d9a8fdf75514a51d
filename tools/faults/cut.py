"""A scenario under power cuts: the calls of one undisturbed run, and every disk that a cut may leave, judged like a point."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from tools.faults.driver import Point, Trial
from tools.faults.powercut import Disk

if TYPE_CHECKING:
    from collections.abc import Iterator

SEVERAL: Final = 3


def power_cuts(trial: Trial, every: int) -> Iterator[Point]:
    """Points of a power cut after every so many calls."""
    action = trial.begin()
    disk = Disk(trial.bench.root)
    trial.injected.arm(log=True)
    trial.forked(action)
    disk.follow(trial.injected.calls())
    trial.injected.disarm()
    chance, seen = random.Random(20261121), set[str]()
    for cut in range(every, len(disk.steps) + 1, every):
        for kept, way in disk.cuts(cut, chance, SEVERAL):
            state = disk.state(cut, kept, way)
            if state in seen:
                continue
            seen.add(state)
            numbers = disk.lay_out(cut, kept, way)
            point = Point(trial.scenario.name, "power cut", cut, f"cut, {way}")
            trial.injected.arm()
            trial.injected.renumber(numbers)
            trial.judge_each(point)
            trial.judge_later(point)
            trial.injected.renumber({})
            trial.injected.disarm()
            yield point

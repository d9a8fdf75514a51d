"""The whole decision: every candidate judged, the options in order, the rejections with their reasons."""

from __future__ import annotations

from torchsmith.choose import catalogue, rank, reject
from torchsmith.choose.constraints import ON_APPROACHES, ON_CANDIDATES
from torchsmith.knowledge import approaches
from torchsmith.model.choice import Choice, Rejected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.choose.reject import Judged
    from torchsmith.choose.situation import Situation


def judged(situation: Situation) -> Judged:
    """All candidates for the machine's platform and all approaches, held against all constraints."""
    found = catalogue.candidates(situation.machine.platform)
    return reject.judge(found, approaches.every(), ON_CANDIDATES, ON_APPROACHES, situation)


def decide(situation: Situation, *, every: bool = False) -> Choice:
    """The choice for one situation; with ``every`` all options, not only the best release of each approach and build."""
    known = judged(situation)
    weights = approaches.weights(situation.wishes.goal)
    options = rank.options(known, situation, weights, every=every)
    return Choice(
        situation.wishes,
        options,
        tuple(_rejected(known, situation)),
        bool(options),
        weights=tuple(weights.items()),
        shell="powershell" if situation.machine.os == "windows" else "bash",
    )


def _rejected(known: Judged, situation: Situation) -> Iterator[Rejected]:
    for rows, reasons in reject.grouped(known, situation.python):
        first, last = rows[0].candidate, rows[-1].candidate
        span = first.torch if first.torch == last.torch else f"{first.torch} - {last.torch}"
        prefix = "" if first.channel == "wheel" else f"{first.channel}: "
        yield Rejected(f"{prefix}torch {span} {first.build}", reasons, first.build, first.torch, last.torch, first.channel)
    for way in known.ways:
        if way.reasons:
            yield Rejected(way.approach.name, way.reasons, approach=way.approach.name)

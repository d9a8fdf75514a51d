"""The whole decision: every candidate judged, the options in order, the rejections with their reasons."""

from __future__ import annotations

from torchsmith.choose import catalogue, hardware, published, rank, reject, remarks
from torchsmith.choose.constraints import ON_APPROACHES, ON_CANDIDATES
from torchsmith.knowledge import approaches
from torchsmith.model.choice import Choice, Reason, Rejected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.choose.reject import Judged, Way
    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Option

TABLES = "torchsmith facts approaches, torch_builds"


def judged(situation: Situation) -> Judged:
    """All candidates for the machine's platform and all approaches, held against all constraints."""
    found = catalogue.candidates(situation.machine.platform)
    return reject.judge(found, approaches.every(), ON_CANDIDATES, ON_APPROACHES, situation)


def decide(situation: Situation, *, every: bool = False) -> Choice:
    """The choice for one situation; with ``every`` all options, not only the best release of each approach and build."""
    known = judged(situation)
    weights = approaches.weights(situation.wishes.goal)
    options = rank.options(known, situation, weights, every=every)
    choice = Choice(
        situation.wishes,
        options,
        tuple(_rejected(known, situation, frozenset(option.approach.name for option in options))),
        satisfied(options, situation),
        remarks=remarks.of(situation, options),
        weights=tuple(weights.items()),
        shell=situation.shell,
    )
    return choice if choice.satisfied else _explained(choice, known, situation)


def satisfied(options: tuple[Option, ...], situation: Situation) -> bool:
    """Whether some option does what was asked.

    A CPU build does only where no GPU could be used, or where it was asked for. A build from source does not: it is hours
    of work that may fail, so what stands against everything published is told as well.
    """
    published_ones = [option for option in options if option.candidate.channel != "source"]
    if any(option.candidate.kind != reject.CPU for option in published_ones):
        return True
    if not published_ones:
        return False
    return "+cpu" in situation.wishes.torch or not hardware.idle(situation)


def _explained(choice: Choice, known: Judged, situation: Situation) -> Choice:
    from torchsmith.choose import conflicts
    from torchsmith.model.record import replace

    found, repairs = conflicts.explain(known, situation)
    return replace(choice, conflicts=found, repairs=repairs)


def _rejected(known: Judged, situation: Situation, offered: frozenset[str]) -> Iterator[Rejected]:
    for rows, reasons in reject.grouped(known, situation.python):
        first, last = rows[0].candidate, rows[-1].candidate
        span = first.torch if first.torch == last.torch else f"{first.torch} - {last.torch}"
        prefix = "" if first.channel == "wheel" else f"{first.channel}: "
        yield Rejected(f"{prefix}torch {span} {first.build}", reasons, first.build, first.torch, last.torch, first.channel)
    yield from published.missing(situation.machine.platform)
    for way in known.ways:
        if way.approach.name not in offered:
            yield Rejected(way.approach.name, way.reasons or _nothing_for(way, known), approach=way.approach.name)


def _nothing_for(way: Way, known: Judged) -> tuple[Reason, ...]:
    """Why an approach offers nothing though nothing speaks against itself: the reasons against the nearest that it could take."""
    # What an approach serves is a matter of the channel and the kind of build alone.
    sorts = {(row.candidate.channel, row.candidate.kind): row for row in known.rows}
    taken = {sort for sort, row in sorts.items() if way.serves(row)}
    served = [row for row in known.rows if (row.candidate.channel, row.candidate.kind) in taken]
    if not served:
        channels = " or ".join(way.approach.channels)
        return (Reason("published", f"nothing that it takes ({channels}) is published for this system", TABLES),)
    # Where a GPU could be used, that a CPU build leaves it idle is not what anybody asks about.
    useful = [row for row in served if row.candidate.kind != reject.CPU and not row.mask & _bit("accelerator", known)]
    best = min(reversed(useful or served), key=lambda row: (row.mask & ~way.relief).bit_count())
    return best.reasons(way.relief, known.names)


def _bit(name: str, known: Judged) -> int:
    return 1 << known.names.index(name) if name in known.names else 0

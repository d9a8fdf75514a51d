"""Where nothing fits: which facts and wishes exclude each other, and the cheapest ways out.

Of the sets of constraints that the pairs of candidate and approach violate, the ones that contain no other are the smallest
ways out. A set of constraints that meets every one of them can never be satisfied as a whole: the smallest such are the
conflicts. Both are exact.
"""

from __future__ import annotations

from torchsmith.choose import coverage, hardware, published, rank, reject, relax
from torchsmith.choose.constraints import ON_APPROACHES, ON_CANDIDATES
from torchsmith.choose.constraints.gpu import TITLES
from torchsmith.choose.reject import CPU
from torchsmith.knowledge import approaches
from torchsmith.model.choice import Conflict, Reason, Repair
from torchsmith.model.known import Unknown
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torchsmith.choose.reject import Judged, Row
    from torchsmith.choose.relax import Change, Pair
    from torchsmith.choose.situation import Situation

LIMIT = 5
"""Conflicts that are told: the shortest say most."""

WIDTH = 4096
"""Partial conflicts that are followed at once: many more than twenty constraints ever made."""


def explain(judged: Judged, situation: Situation) -> tuple[tuple[Conflict, ...], tuple[Repair, ...]]:
    """The smallest conflicts and the cheapest repairs; nothing of either where something fits."""
    pairs = relax.pairs(judged, wanted(judged))
    masks = relax.minimal(pair.mask for pair in pairs)
    if masks and not masks[0] and hardware.idle(situation):  # the approach that leaves a GPU idle is all that fits
        pairs = [pair for pair in pairs if pair.way.approach.name != CPU]
        masks = relax.minimal(pair.mask for pair in pairs)
    if not pairs or not masks[0]:
        return (), ()
    near = relax.nearness(situation)
    groups: dict[int, list[Pair]] = {mask: [] for mask in masks}
    for pair in pairs:
        if pair.mask in groups:
            groups[pair.mask].append(pair)
    told = {mask: min(group, key=near) for mask, group in groups.items()}
    names = relax.names(judged)
    conflicts = tuple(
        Conflict(tuple(_said(name, told, judged, situation.python) for place, name in enumerate(names) if conflict >> place & 1))
        for conflict in hitting_sets(masks)[:LIMIT]
    )
    changes = relax.changes(judged, situation, pairs, LIMIT)
    repairs = tuple(Repair(change.conditions, _gives(change, pairs, situation)) for change in changes)
    return conflicts, (*_elsewhere(situation), *repairs)[:LIMIT]


def _elsewhere(situation: Situation) -> Iterator[Repair]:
    """Another system on this machine, where builds for its GPU are published for that one alone."""
    machine = situation.machine
    if machine.os != "windows" or hardware.devices(situation):
        return
    for kind in hardware.VENDORS:
        there, platform = hardware.others(situation, kind), f"linux-{machine.arch}"
        known = coverage.platforms_of(kind)
        if isinstance(there, Unknown) or machine.platform in known or platform not in known:
            continue
        names = hardware.joined(hardware.other_name(device) for device in there if hardware.served(device))
        if names:
            yield Repair((published.NAMES[platform],), f"the {TITLES[kind]} builds, which serve the {names} there")


def wanted(judged: Judged, *, built: bool = False) -> tuple[Row, ...]:
    """The published rows (``built``: and source builds) that do what was asked: where a GPU could be used, those of its kind.

    A GPU could be used where some build has both its kind and its code, whatever else speaks against that build.
    """
    rows = judged.rows if built else tuple(row for row in judged.rows if row.candidate.channel != "source")
    bits = {name: 1 << place for place, name in enumerate(judged.names)}
    kind = bits.get("accelerator", 0)
    hopeless = kind | bits.get("gpu-code", 0)
    if any(row.candidate.kind != "cpu" and not row.mask & hopeless for row in rows):
        return tuple(row for row in rows if row.candidate.kind != "cpu" and not row.mask & kind)
    return rows


def hitting_sets(masks: Sequence[int]) -> list[int]:
    """The smallest sets that have a member in common with every mask, shortest first."""
    partial = [0]
    for mask in masks:
        grown = [found for found in partial if found & mask]
        missing = [found for found in partial if not found & mask]
        grown += [found | bit for found in missing for bit in _bits(mask)]
        partial = relax.minimal(grown)[:WIDTH]
    return sorted(partial, key=lambda found: (found.bit_count(), found))


def _bits(mask: int) -> Iterable[int]:
    while mask:
        yield mask & -mask
        mask &= mask - 1


def _said(name: str, told: dict[int, Pair], judged: Judged, python: str | None) -> Reason:
    """What a constraint of a conflict says, of the pair that violates the least besides."""
    # The masks come smallest first; among as small ones this Python speaks.
    ordered = sorted(told.items(), key=lambda item: (item[0].bit_count(), item[1].row.candidate.python != python))
    for _, pair in ordered:
        for reason in relax.reasons(pair, judged):
            if reason.constraint == name:
                return _of(pair, reason)
    raise AssertionError(f"{name} is in no mask")


def _of(pair: Pair, reason: Reason) -> Reason:
    """With the build that it speaks of, where the sentence has no other subject."""
    if not reason.because.startswith(("its ", "it ")):
        return reason
    return replace(reason, because=f"torch {pair.row.candidate.version}: {reason.because}")


def _gives(change: Change, pairs: list[Pair], situation: Situation) -> str:
    """What would be offered first after a change, of the candidates that violate the same."""
    changed = relax.apply(change.conditions, change.pair.row.candidate, situation)
    alike = dict.fromkeys(pair.row.candidate for pair in pairs if pair.mask == change.pair.mask)
    judged = reject.judge(alike, approaches.every(), ON_CANDIDATES, ON_APPROACHES, changed)
    options = rank.options(judged, changed, approaches.weights(changed.wishes.goal), every=False)
    best = next((option for option in options if option.candidate.kind == change.pair.row.candidate.kind), None)
    candidate, approach = (best.candidate, best.approach) if best else (change.pair.row.candidate, change.pair.way.approach)
    return f"torch {candidate.version} for Python {candidate.python} by {approach.title}"

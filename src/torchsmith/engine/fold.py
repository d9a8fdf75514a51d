"""Third phase: what is a root cause, what only its symptom."""

from __future__ import annotations

from torchsmith.model.finding import Finding, Severity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SURE = 0.6  # below it a finding is a guess: the contract names the deciding command instead
_ORDER = {Severity.BLOCKER: 0, Severity.DEGRADED: 1, Severity.NOTE: 2}


def fold(findings: Iterable[Finding], rank: Mapping[str, int]) -> tuple[list[Finding], list[Finding]]:
    """Root causes, most likely first, and the symptoms that they explain.

    A finding is a symptom if another one explains its slug, directly or through what that one explains, and both are about
    the same subject or about subjects of different kinds: a fault of ``gpu:1`` says nothing of ``gpu:0``.
    torch itself bears on every package. A note explains no blocker: no verdict gets milder by an
    explanation. ``rank`` orders
    causes of equal severity: what lies deeper in the machine comes first.
    """
    pool = sorted(findings, key=lambda f: _place(f, rank))
    explains: dict[str, frozenset[str]] = {}
    for finding in pool:
        explains[finding.cause] = explains.get(finding.cause, frozenset()) | set(finding.explains)
    reach = {cause: _reach(cause, explains) for cause in explains}
    roots: list[Finding] = []
    symptoms: list[Finding] = []
    for place, finding in enumerate(pool):
        explained = any(
            finding.cause in reach[other.cause]
            # of two that explain each other, the one that comes first stands
            and not (other.cause in reach[finding.cause] and place < their_place)
            and _related(other, finding)
            for their_place, other in enumerate(pool)
            if other is not finding and _ORDER[other.severity] <= _ORDER[finding.severity]
        )
        (symptoms if explained else roots).append(finding)
    return roots, symptoms


def _place(finding: Finding, rank: Mapping[str, int]) -> tuple[object, ...]:
    """Where a finding stands: what is worse first, guesses after what is sure, then what lies deeper in the machine."""
    deep = rank.get(finding.cause, len(rank))
    return _ORDER[finding.severity], finding.confidence < SURE, deep, -finding.confidence, finding.subject


def _reach(cause: str, explains: Mapping[str, frozenset[str]]) -> set[str]:
    """Every slug that ``cause`` explains, links followed; itself left out, so a circle explains nothing away."""
    reached: set[str] = set()
    waiting = [cause]
    while waiting:
        for slug in explains.get(waiting.pop(), frozenset()) - reached:
            reached.add(slug)
            waiting.append(slug)
    return reached - {cause}


def _related(cause: Finding, symptom: Finding) -> bool:
    mine, _, mine_index = cause.subject.partition(":")
    its, _, its_index = symptom.subject.partition(":")
    if cause.subject == "package:torch":
        return True  # every package beside it stands on torch
    return mine != its or not mine_index or not its_index or mine_index == its_index

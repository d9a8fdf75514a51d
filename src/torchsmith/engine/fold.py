"""Third phase: what is a root cause, what only its symptom."""

from __future__ import annotations

from torchsmith.model.finding import Finding, Severity
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SURE = 0.6  # below it a finding is a guess: the contract names the deciding command instead
_ORDER = {Severity.BLOCKER: 0, Severity.DEGRADED: 1, Severity.NOTE: 2}


def fold(findings: Iterable[Finding], rank: Mapping[str, int]) -> tuple[list[Finding], list[Finding]]:
    """Root causes, most likely first, and the symptoms that they explain.

    A finding is a symptom if another one explains its slug, directly or through what that one explains, and both are about
    the same subject or about subjects of different kinds: a fault of ``gpu:1`` says nothing of ``gpu:0``.
    torch itself bears on every package. No verdict gets milder by an explanation: a note explains notes only, and another
    cause is as severe as the worst that it explains, if it is sure. ``rank`` orders causes of equal severity: what lies
    deeper in the machine comes first.
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
            if other is not finding and _may_explain(other, finding)
        )
        (symptoms if explained else roots).append(finding)
    lifted = [_lifted(root, [s for s in symptoms if s.cause in reach[root.cause] and _related(root, s)]) for root in roots]
    return sorted(lifted, key=lambda f: _place(f, rank)), symptoms


def _may_explain(cause: Finding, symptom: Finding) -> bool:
    if _ORDER[cause.severity] <= _ORDER[symptom.severity]:
        return True
    return cause.severity is not Severity.NOTE and cause.confidence >= SURE


def _lifted(cause: Finding, symptoms: list[Finding]) -> Finding:
    """The cause, as severe as the worst that follows from it."""
    worst = min((finding.severity for finding in (cause, *symptoms)), key=_ORDER.__getitem__)
    return replace(cause, severity=worst)


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

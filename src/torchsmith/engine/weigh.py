"""Which cause a text points at: what its complaints say, held against what the rules found in its facts.

Every witness is independent evidence: two that point at one cause leave the product of their doubts. A fatal complaint
is the question; what neither it nor its explanation names is answered after it.
"""

from __future__ import annotations

from torchsmith.model.complaint import Pointer
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torchsmith.model.complaint import Complaint, Seen
    from torchsmith.model.finding import Finding
    from torchsmith.model.signature import Signature

WEIGHT = {"fatal": 1.0, "warning": 0.75, "aftermath": 0.3, "context": 1.0}
"""How much a complaint of each role counts where another line is fatal; alone, a warning counts in full."""
ASIDE = 0.45
"""What is left of a finding that has nothing to do with the fatal complaint."""
LEAST = 0.1
"""Causes below it are not worth naming."""
BEHIND, NEAR = 0.5, 0.2
"""How likely a cause must be to stand before what it explains, and how much less likely than that it may be."""
MOST = 0.98
"""No text proves more than this: it may be cut, edited, or of another machine."""


@record
class Candidate:
    """A cause, how sure it is, the complaints that point at it, and the finding of its rule where the facts establish it."""

    cause: str
    confidence: float
    complaints: tuple[Complaint, ...]
    finding: Finding | None = None


def weigh(
    seen: Seen,
    signatures: Mapping[str, Signature],
    readings: Mapping[str, Callable[[Complaint, Seen], Iterable[Pointer]]],
    findings: Sequence[Finding],
    rank: Mapping[str, int],
) -> list[Candidate]:
    """Every cause that is pointed at or found, the most likely first.

    ``readings`` hold, by signature, the functions that look at the facts where a signature's own points do not.
    """
    silenced = {name for complaint in seen.complaints for name in signatures[complaint.signature].over}
    heard = [complaint for complaint in seen.complaints if complaint.signature not in silenced]
    fatal = any(complaint.role == "fatal" for complaint in heard)
    witnesses: dict[str, list[_Witness]] = {}
    for complaint in heard:
        reading = readings.get(complaint.signature)
        pointers = reading(complaint, seen) if reading else points(signatures[complaint.signature], seen)
        weight = WEIGHT[complaint.role] if fatal or complaint.role == "aftermath" else 1.0
        for pointer in pointers:
            witnesses.setdefault(pointer.cause, []).append(_Witness(complaint, weight * pointer.sure))
    asked = {cause for cause, given in witnesses.items() if any(witness.complaint.role == "fatal" for witness in given)}
    found: dict[str, Finding] = {}
    for finding in findings:
        found.setdefault(finding.cause, finding)
    candidates = []
    for cause in dict.fromkeys([*witnesses, *found]):
        heard_of = list(witnesses.get(cause, ()))
        by_rule = found.get(cause)
        doubt = 1.0
        if by_rule:
            # Who complains of what follows from a cause complains of the cause.
            heard_of += [witness for follows in by_rule.explains for witness in witnesses.get(follows, ())]
            answers = not fatal or cause in asked or bool(asked & set(by_rule.explains))
            doubt = 1 - by_rule.confidence * (1.0 if answers else ASIDE)
        doubt *= _doubt(heard_of)
        if 1 - doubt >= LEAST:
            told = {(w.complaint.signature, w.complaint.position.line): w.complaint for w in heard_of}
            candidates.append(Candidate(cause, min(MOST, 1 - doubt), tuple(told.values()), by_rule))
    return sorted(candidates, key=lambda c: (-round(c.confidence, 3), rank.get(c.cause, len(rank)), c.cause))


def behind(candidates: list[Candidate], explains: Mapping[str, tuple[str, ...]]) -> list[Candidate]:
    """The same, a cause that explains another before it, where it is about as likely: the cause behind the state."""
    ordered = list(candidates)
    for candidate in candidates:
        place = ordered.index(candidate)
        follows = [
            other
            for other in ordered[:place]
            if other.cause in explains.get(candidate.cause, ()) and candidate.cause not in explains.get(other.cause, ())
        ]
        if follows and candidate.confidence >= max(BEHIND, follows[0].confidence - NEAR):
            ordered.remove(candidate)
            ordered.insert(ordered.index(follows[0]), candidate)
    return ordered


@record
class _Witness:
    complaint: Complaint
    sure: float


def _doubt(witnesses: Iterable[_Witness]) -> float:
    """What doubt is left: a signature counts once, and so does a line, however many signatures recognise it."""
    left = 1.0
    lines: set[int] = set()
    counted: set[str] = set()
    for witness in sorted(witnesses, key=lambda witness: -witness.sure):
        line, name = witness.complaint.position.line, witness.complaint.signature
        if line not in lines and name not in counted:
            left *= 1 - witness.sure
            lines.add(line)
            counted.add(name)
    return left


def points(signature: Signature, seen: Seen) -> Iterable[Pointer]:
    """What a signature points at by itself: its points whose conditions hold."""
    for point in signature.points:
        if all(holds(word, seen) for word in point.beside) and not any(holds(word, seen) for word in point.without):
            yield Pointer(point.cause, point.sure)


def holds(word: str, seen: Seen) -> bool:
    """Whether a condition of a point holds: a signature's id, ``os:windows``, ``package:vllm`` or ``fact:gpus``."""
    kind, colon, name = word.partition(":")
    if not colon:
        return seen.has(word)
    if kind == "os":
        return seen.os == name
    if kind == "package":
        return bool(seen.package(name))
    return bool(seen.value(name))

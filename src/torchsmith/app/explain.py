"""``torchsmith explain``: facts and complaints of a text, judged by the rules, weighed, answered."""

from __future__ import annotations

from importlib import import_module

from torchsmith.app.check import HEALTHY, NOT_ENVIRONMENT, with_commands
from torchsmith.app.source import NOT_TOLD
from torchsmith.engine.collect import collect
from torchsmith.engine.fold import SURE, fold
from torchsmith.engine.judge import judge
from torchsmith.engine.weigh import Candidate, behind, weigh
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.diagnosis import Diagnosis, Verdict
from torchsmith.model.facts.python import Environment, Interpreter
from torchsmith.model.finding import Finding, Judgement, Outcome, Proof, Severity
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from torchsmith.model.complaint import Complaint
    from torchsmith.model.known import Fact

NAMED = 5
"""Causes that an answer names: the first, and what else it could be."""
DOUBT = 0.3
"""What is less sure than this stands beside a sure cause only as a symptom would: it is left out."""
RECORD = ("torchsmith", "bundle", "--output", "machine.json")
"""What decides where no lighter command does: ``torchsmith check --from machine.json`` then judges the machine itself."""
_USUAL: dict[str, Fact[Any]] = {
    "environment": Known(Environment("venv", "pip"), NOT_TOLD),
    "interpreter": Known(Interpreter("python", "3", "", "", 64, "", "linux", "venv", (), ()), NOT_TOLD),
}
"""What commands are made for where a text names no package manager: the environment that ``python`` runs, changed by pip."""
LIKELY = 0.5
"""How sure the answer that nothing is wrong must be, and how sure a cause that stands against it."""
GUESS = 0.55
"""How sure a cause that only a look at the machine proves can be from words alone."""


def explain(
    data: bytes,
    assumed: Mapping[str, Fact[Any]] | None = None,
    select: Iterable[str] = (),
    ignore: Mapping[str, str] | None = None,
) -> Diagnosis:
    """The causes that a text points at, the most likely first.

    Args:
        data: the text, in any encoding, of any origin.
        assumed: facts that take the place of what the text says.
        select: the only causes to consider; all if empty.
        ignore: causes to leave out, each with the reason.

    """
    from torchsmith.intake import formats, signatures, text

    lines = text.lines(text.decode(data))
    return answer(formats.facts(lines), signatures.read(lines), assumed or {}, frozenset(select), ignore or {})


def answer(
    stated: Mapping[str, Fact[Any]],
    complaints: tuple[Complaint, ...],
    assumed: Mapping[str, Fact[Any]],
    select: frozenset[str],
    ignore: Mapping[str, str],
) -> Diagnosis:
    """The diagnosis of what a text states and complains of."""
    from torchsmith.app.answers import READINGS
    from torchsmith.app.catalogue import DETAILS, NODES, RULES
    from torchsmith.app.ranking import RANK
    from torchsmith.host.replay import ReplayHost
    from torchsmith.knowledge import signatures

    unasked: dict[str, Fact[Any]] = {node.fact: Unknown(NOT_TOLD) for node in (*NODES, *DETAILS) if node.host}
    facts = collect(ReplayHost({}, reason=NOT_TOLD), NODES, {**unasked, **stated, **assumed})
    machine = facts.get("machine")
    known = machine.value if isinstance(machine, Known) else None

    def wanted(slug: str) -> bool:
        return slug not in ignore and (not select or slug in select)

    judgements = judge([node for node in RULES if wanted(node.slug)], facts, known.systems if known else frozenset())
    judgements += [Judgement(slug, Outcome.SKIPPED, f"ignored: {reason or 'by request'}") for slug, reason in ignore.items()]
    roots, symptoms = fold((finding for judgement in judgements for finding in judgement.findings), RANK)
    seen = Seen(complaints, facts)
    readings = {key: _function(*READINGS[key]) for key in {c.signature for c in complaints} & READINGS.keys()}
    known_signatures = {signature.id: signature for signature in signatures.every()}
    candidates = [c for c in weigh(seen, known_signatures, readings, roots, RANK) if wanted(c.cause)]
    candidates = behind(candidates, {node.slug: node.explains for node in RULES})
    windows = bool(known and known.os == "windows")
    usual = {name: fact for name, fact in _USUAL.items() if not isinstance(facts.get(name), Known)}
    found = [with_commands(finding, {**facts, **usual}, windows) for finding in _findings(_worth_naming(candidates), seen)]
    return Diagnosis(
        _verdict(found, any(complaint.role == "fatal" for complaint in complaints)),
        tuple(found),
        tuple(with_commands(finding, {**facts, **usual}, windows) for finding in symptoms),
        tuple(judgements),
        facts,
        (),
        "powershell" if windows else "bash",
        complaints,
    )


def _function(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def _worth_naming(candidates: list[Candidate]) -> list[Candidate]:
    """The first cause, and what else it could be: nothing else where the first is sure and the others are doubtful.

    That nothing is wrong is no other cause: it is told alone, where nothing else is likely, and beside a line that ended
    the program only where it is the likelier.
    """
    faults = [candidate for candidate in candidates if candidate.cause != HEALTHY]
    healthy = [candidate for candidate in candidates if candidate.cause == HEALTHY]
    if healthy and (not faults or _outweighs(healthy[0], faults[0])):
        return healthy
    sure = bool(faults) and faults[0].confidence >= SURE
    return [c for place, c in enumerate(faults) if place == 0 or c.confidence >= (DOUBT if sure else 0)][:NAMED]


def _outweighs(healthy: Candidate, fault: Candidate) -> bool:
    fatal = any(complaint.role == "fatal" for complaint in fault.complaints)
    return fault.confidence < (min(LIKELY, healthy.confidence) if fatal else LIKELY)


def _findings(candidates: list[Candidate], seen: Seen) -> Iterator[Finding]:
    """The answers, none surer than the one before it."""
    most = 1.0
    for candidate in candidates:
        finding = _finding(candidate, most, seen)
        most = finding.confidence
        yield finding


def _finding(candidate: Candidate, most: float, seen: Seen) -> Finding:
    """What is answered: the rule's own finding where its facts were there, else the answer to the text."""
    lines = {c.position.line: c for c in candidate.complaints}
    proofs = tuple(
        Proof("text", c.quotation[0], f"line {c.position.line}: {c.says}", c.position, c.quotation[1]) for c in lines.values()
    )
    confidence = min(candidate.confidence, most, GUESS if _needs_machine(candidate.cause) else 1.0)
    finding = candidate.finding or _told(candidate.cause, seen)
    if not finding.remedies:  # a rule names none where it lacks a fact for it
        finding = replace(finding, remedies=_told(candidate.cause, seen).remedies)
    decide_by = finding.decide_by
    if confidence < SURE and not decide_by:
        decide_by = _told(candidate.cause, seen).decide_by
    decide_by = tuple(command for command in decide_by if not _answered(command, seen)) or (RECORD,)
    return replace(
        finding,
        confidence=round(confidence, 2),
        evidence=(*proofs, *finding.evidence),
        decide_by=decide_by if confidence < SURE else (),
    )


def _answered(command: tuple[str, ...], seen: Seen) -> bool:
    """Whether the text shows a command at a prompt, and so what it printed."""
    return any(complaint.text.rstrip().endswith(f" {' '.join(command)}") for complaint in seen.complaints)


def _told(cause: str, seen: Seen) -> Finding:
    """The answer to a cause of which only the text tells."""
    advice = _advice(cause, seen)
    return Finding(
        advice.severity,
        advice.subject,
        advice.summary,
        remedies=advice.remedies,
        wont_help=advice.wont_help,
        decide_by=advice.decide_by,
        cause=cause,
    )


def _advice(cause: str, seen: Seen) -> Advice:
    from torchsmith.app.answers import TOLD
    from torchsmith.knowledge import causes

    if cause in TOLD:
        given: Advice = _function(TOLD[cause], "answer")(seen)
        return given
    known = causes.get(cause)
    return Advice("machine", known.meaning if known else cause)


def _needs_machine(cause: str) -> bool:
    from torchsmith.knowledge import causes

    known = causes.get(cause)
    return known is not None and known.tellable_by == "machine"


def _verdict(causes: list[Finding], fatal: bool) -> Verdict:
    """By the first cause. Where a line is fatal, something is broken, whichever of the causes it is."""
    if not causes:
        return Verdict.UNKNOWN
    first = causes[0]
    if first.cause in NOT_ENVIRONMENT:
        return Verdict.NOT_ENVIRONMENT if first.confidence >= LIKELY else Verdict.UNKNOWN
    told = causes if fatal else [finding for finding in causes if finding.confidence >= SURE]
    if any(finding.severity is Severity.BLOCKER for finding in told):
        return Verdict.BLOCKED
    if not told:
        return Verdict.UNKNOWN
    return Verdict.DEGRADED if any(finding.severity is Severity.DEGRADED for finding in told) else Verdict.FITS

"""Second phase: hand facts to rules. Nothing is fetched here, and a rule that raises costs only itself."""

from __future__ import annotations

from importlib import import_module

from torchsmith.engine.collect import inputs, missing
from torchsmith.model.finding import Finding, Judgement, NotApplicable, Outcome, Proof
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from torchsmith.engine.declare import RuleNode


def judge(rules: Iterable[RuleNode], facts: Mapping[str, Fact[Any]], systems: frozenset[str]) -> list[Judgement]:
    """How every rule ended on these facts; ``systems`` are the names that this machine answers to (linux, wsl ...)."""
    return [_judge(node, facts, systems) for node in rules]


def _judge(node: RuleNode, facts: Mapping[str, Fact[Any]], systems: frozenset[str]) -> Judgement:
    if node.systems and systems and not systems & set(node.systems):
        return Judgement(node.slug, Outcome.NOT_APPLICABLE, f"speaks of {', '.join(node.systems)}")
    lacking = missing(node.needs, facts)
    if isinstance(lacking, Unknown):
        return Judgement(node.slug, Outcome.SKIPPED, lacking.reason)
    if lacking is not None:
        return Judgement(node.slug, Outcome.NOT_APPLICABLE, lacking.source)
    try:
        findings = tuple(_complete(f, node, facts) for f in import_module(node.module).check(**inputs(node.needs, facts)))
    except NotApplicable as reason:
        return Judgement(node.slug, Outcome.NOT_APPLICABLE, str(reason))
    except Exception as error:  # noqa: BLE001 - the fifth outcome; the exit status tells of it
        return Judgement(node.slug, Outcome.CRASHED, f"crashed: {type(error).__name__}: {error}")
    return Judgement(node.slug, Outcome.FAILED if findings else Outcome.PASSED, findings=findings)


def _complete(finding: Finding, node: RuleNode, facts: Mapping[str, Fact[Any]]) -> Finding:
    """The finding with its cause, what it explains, and the source of each piece of evidence."""
    return replace(
        finding,
        cause=finding.cause or node.slug,
        explains=finding.explains or node.explains,
        evidence=tuple(_sourced(proof, facts) for proof in finding.evidence),
    )


def _sourced(proof: Proof, facts: Mapping[str, Fact[Any]]) -> Proof:
    fact = facts.get(proof.fact)
    if proof.source or fact is None:
        return proof
    if isinstance(fact, Known):
        return replace(proof, source=fact.source, position=fact.position)
    return replace(proof, source="; ".join(fact.tried) or fact.reason)

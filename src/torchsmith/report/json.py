"""The JSON of ``check`` and ``explain``, to the letter of the contract."""

from __future__ import annotations

import json

from torchsmith import __version__
from torchsmith.model.finding import Outcome
from torchsmith.model.known import Known
from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.finding import Finding

SCHEMA_VERSION = 1


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The document of one environment."""
    return {
        "schema_version": SCHEMA_VERSION,
        "torchsmith": __version__,
        "environment": _environment(diagnosis),
        "verdict": str(diagnosis.verdict),
        "root_causes": [_finding(finding) for finding in diagnosis.root_causes],
        "symptoms": [_finding(finding) for finding in diagnosis.symptoms],
        "skipped": [
            {"rule": judgement.rule, "reason": judgement.reason}
            for judgement in diagnosis.judgements
            if judgement.outcome in {Outcome.SKIPPED, Outcome.CRASHED}
        ],
        "facts": {
            name: {"value": plain(fact.value), "source": fact.source}
            if isinstance(fact, Known)
            else {"unknown": fact.reason, "tried": list(fact.tried)}
            for name, fact in sorted(diagnosis.facts.items())
        },
    }


def render(diagnoses: Sequence[Diagnosis], every: bool) -> str:
    """One document, or with ``every`` the list of all environments."""
    documents = [document(diagnosis) for diagnosis in diagnoses]
    whole = {"schema_version": SCHEMA_VERSION, "environments": documents} if every else documents[0]
    # A CI runner that reads our output would obey "##[command]" in it; written so, the value is the same.
    return json.dumps(whole, indent=2, ensure_ascii=True).replace("##[", "#\\u0023[") + "\n"


def _environment(diagnosis: Diagnosis) -> dict[str, Any] | None:
    target, environment = diagnosis.facts.get("target"), diagnosis.facts.get("environment")
    if not isinstance(target, Known):
        return None
    kind = environment.value.kind if isinstance(environment, Known) else "unknown"
    return {"python": target.value.python, "kind": kind, "found_by": target.value.found_by}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "cause": finding.cause,
        "severity": str(finding.severity),
        "confidence": finding.confidence,
        "subject": finding.subject,
        "summary": finding.summary,
        "explains": list(finding.explains),
        "evidence": [
            {
                "fact": proof.fact,
                "value": plain(proof.value),
                "source": proof.source,
                "position": plain(proof.position),
                "mark": list(proof.mark) if proof.mark else None,
            }
            for proof in finding.evidence
        ],
        "remedies": [
            {
                "title": remedy.title,
                "safety": str(remedy.safety),
                "commands": [list(command) for command in remedy.commands],
                "actions": [{"action": type(action).__name__, **plain(action)} for action in remedy.actions],
                "why": remedy.why,
            }
            for remedy in finding.remedies
        ],
        "wont_help": [{"title": item.title, "why": item.why} for item in finding.wont_help],
        "decide_by": [list(command) for command in finding.decide_by] or None,
    }

"""The JSON of ``plan`` and ``why-not``, to the letter of the contract."""

from __future__ import annotations

import json
from hashlib import sha256

from torchsmith.model.record import plain
from torchsmith.model.versions import key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.model.choice import Answer, Choice, Option, Reason, Rejected

SCHEMA_VERSION = 1


def document(choice: Choice) -> dict[str, Any]:
    """The document of a decision. ``plan_id`` is the hash of everything else in it."""
    offered: dict[tuple[str, str], list[Option]] = {}
    for option in choice.options:
        offered.setdefault((option.candidate.channel, option.candidate.build), []).append(option)
    told = {
        "schema_version": SCHEMA_VERSION,
        "goal": choice.wishes.goal,
        "satisfied": choice.satisfied,
        "options": [_option(option) for option in choice.options],
        "rejected": [
            {
                "candidate": rejected.candidate,
                "build": rejected.build or None,
                "torch": {"first": rejected.first, "last": rejected.last} if rejected.build else None,
                "channel": rejected.channel or None,
                "approach": rejected.approach or None,
                "offered_by": _all_the_same(rejected, offered),
                "reasons": [_reason(reason) for reason in rejected.reasons],
            }
            for rejected in choice.rejected
        ],
        "conflicts": [[_reason(reason) for reason in conflict.reasons] for conflict in choice.conflicts],
        "repairs": [{"changes": list(repair.changes), "gives": repair.gives} for repair in choice.repairs],
        "remarks": list(choice.remarks),
        "weights": dict(choice.weights),
    }
    identity = sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return {"schema_version": SCHEMA_VERSION, "plan_id": f"sha256:{identity}", **told}


def render(choice: Choice) -> str:
    """The document as text."""
    return _text(document(choice))


def render_answer(answer: Answer) -> str:
    """The document of ``why-not``."""
    return _text(
        {
            "schema_version": SCHEMA_VERSION,
            "candidate": answer.candidate,
            "verdict": answer.verdict,
            "reasons": [_reason(reason) for reason in answer.reasons],
            "would_fit_if": list(answer.would_fit_if),
            "nearest": list(answer.nearest),
            "remarks": list(answer.remarks),
            "options": list(answer.options),
        }
    )


def _option(option: Option) -> dict[str, Any]:
    return {
        "rank": option.rank,
        "approach": option.approach.name,
        "torch": option.candidate.torch,
        "build": option.candidate.build,
        "python": option.candidate.python,
        "index": option.index,
        "packages": [plain(pin) for pin in option.packages],
        "commands": [list(command) for command in option.commands],
        "actions": [{"type": type(action).__name__, **plain(action)} for action in option.actions],
        "files": [{"name": name, "text": text} for name, text in option.files],
        "criteria": {score.criterion: score.shown for score in option.scores},
        "worth": {score.criterion: round(score.worth, 3) for score in option.scores},
        "score": round(option.score, 4),
        "risks": list(option.risks),
        "notes": list(option.notes),
        "why": option.why,
        "checked": option.checked,
    }


def _all_the_same(rejected: Rejected, offered: Mapping[tuple[str, str], list[Option]]) -> list[str]:
    """The approaches that bring what is missing here, and offer a release of the build all the same."""
    alike = offered.get((rejected.channel, rejected.build), []) if rejected.build else []
    within = [o.approach.name for o in alike if key(rejected.first) <= key(o.candidate.torch) <= key(rejected.last)]
    return list(dict.fromkeys(within))


def _reason(reason: Reason) -> dict[str, Any]:
    return {"constraint": reason.constraint, "because": reason.because, "source": reason.source, "unless": reason.unless or None}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=True).replace("##[", "#\\u0023[") + "\n"

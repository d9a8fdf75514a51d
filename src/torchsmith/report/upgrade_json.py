"""The JSON of ``plan --upgrade`` and ``plan --outdated``: one document, the short form without the steps."""

from __future__ import annotations

import json

from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.model.upgrade import Ceiling, Step, Upgrade

SCHEMA_VERSION = 1


def document(answer: Upgrade, *, short: bool = False) -> dict[str, Any]:
    """``short`` is ``--outdated``: what is out of date, and not how to change it."""
    told: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "status": answer.status,
        "torch": answer.torch or None,
        "build": answer.build or None,
        "python": answer.python or None,
        "newest_release": answer.newest or None,
        "outdated": [
            {"package": each.package, "installed": each.installed, "fits": each.fits, "with_torch": each.torch or None}
            for each in answer.outdated
        ],
    }
    if short:
        return told
    ceilings = [_ceiling(ceiling) for ceiling in answer.ceilings]
    return told | {"steps": [_step(step) for step in answer.steps], "ceilings": ceilings, "ends": answer.ends or None}


def render(answer: Upgrade, *, short: bool = False) -> str:
    """The document as text."""
    return json.dumps(document(answer, short=short), indent=2, ensure_ascii=True).replace("##[", "#\\u0023[") + "\n"


def _step(step: Step) -> dict[str, Any]:
    option = step.option
    return {
        "reach": step.reach,
        "torch": step.candidate.torch,
        "build": step.candidate.build,
        "python": step.candidate.python,
        "gains": list(step.gains),
        "breaks": list(step.breaks),
        "moves": [plain(move) for move in step.moves],
        "risks": list(step.risks),
        "approach": option.approach.name if option else None,
        "index": option.index if option else None,
        "commands": [list(command) for command in option.commands] if option else [],
    }


def _ceiling(ceiling: Ceiling) -> dict[str, Any]:
    reasons = [
        {"constraint": reason.constraint, "because": reason.because, "source": reason.source, "unless": reason.unless or None}
        for reason in ceiling.reasons
    ]
    return {"torch": ceiling.torch, "build": ceiling.build, "reasons": reasons}

"""The JSON of ``apply``, ``undo``, ``resume`` and ``history``."""

from __future__ import annotations

import json

from torchsmith.host.redact import without_secrets
from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from torchsmith.model.transaction import Effect, Outcome, Past, Shown

SCHEMA_VERSION = 1


def document(
    verb: str,
    ended: Outcome,
    transaction: Mapping[str, Any] | None = None,
    shown: Sequence[Shown] = (),
    remedies: Sequence[Shown] = (),
) -> dict[str, Any]:
    """How a run ended. ``transaction`` is what was shown, null for ``undo`` and ``resume``; ``shown`` what a person would run."""
    return {
        "schema_version": SCHEMA_VERSION,
        "verb": verb,
        "status": ended.status,
        "exit_code": ended.exit_code,
        "run": ended.run or None,
        "problem": without_secrets(ended.problem) or None,
        "said": [without_secrets(line) for line in ended.said],
        "transaction": transaction,
        "shown": [_shown(each) for each in shown],
        "remedies": [_shown(each) for each in remedies],
        "changed": [_effect(effect) for effect in ended.effects],
        "checks": [{"name": name, "passed": passed, "found": found} for name, passed, found in ended.checks],
        "cloned_by": ended.mode or None,
        "seconds": round(ended.seconds, 3),
        "undo": ["torchsmith", "undo", str(ended.run)] if ended.status == "done" and ended.run else None,
    }


def several(verb: str, ended: Sequence[Outcome]) -> dict[str, Any]:
    """``undo`` and ``resume`` may end several runs; the last of them stands at the top."""
    return document(verb, ended[-1]) | {"runs": [document(verb, each) for each in ended]}


def render(told: Mapping[str, Any]) -> str:
    """A document as text."""
    return json.dumps(told, indent=2, ensure_ascii=True).replace("##[", "#\\u0023[") + "\n"


def history(
    runs: Sequence[Past], sizes: Mapping[int, int], pruned: Sequence[int] = (), owners: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """Every run, oldest first; ``bytes`` is what the former environment takes that is kept for it, null where none is."""
    working = owners or {}
    return {
        "schema_version": SCHEMA_VERSION,
        "runs": [_past(past) | {"bytes": sizes.get(past.number), "under_way": working.get(past.number)} for past in runs],
        "pruned": list(pruned),
    }


def _past(past: Past) -> dict[str, Any]:
    return {**plain(past), "undoes": past.undoes or None, "problem": without_secrets(past.problem) or None}


def _shown(shown: Shown) -> dict[str, Any]:
    return {"argv": [without_secrets(word) for word in shown.argv], "why": without_secrets(shown.why)}


def _effect(effect: Effect) -> dict[str, Any]:
    return {"kind": effect.kind, "path": effect.path, "before": effect.before, "after": effect.after}

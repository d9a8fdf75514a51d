"""Whether a model fits, as JSON; its schema is ``schema/model-fit-1.schema.json``."""

from __future__ import annotations

import json

from torchsmith import __version__
from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.model.fit import Fit, ModelFit, Need, Room

SCHEMA_VERSION = 1


def document(found: ModelFit) -> dict[str, Any]:
    """The document; sizes in MiB."""
    return {
        "schema_version": SCHEMA_VERSION,
        "torchsmith": __version__,
        "asked": found.asked,
        "model": found.model,
        "verdict": found.verdict,
        "gpus": [_room(room) for room in found.rooms],
        "needs": [_need(need, [fit for fit in found.fits if fit.need == need]) for need in found.needs],
        "would_fit_if": list(found.advice),
        "claims": [plain(claim) for claim in found.claims],
        "remarks": list(found.remarks),
    }


def render(found: ModelFit) -> str:
    """The document as text."""
    return json.dumps(document(found), indent=2, ensure_ascii=True).replace("##[", "#\\u0023[") + "\n"


def _room(room: Room) -> dict[str, Any]:
    return {
        "index": room.index,
        "name": room.gpu,
        "total_mib": room.total,
        "free_mib": None if room.low is None else [room.low, room.high],
        "basis": room.basis,
    }


def _need(need: Need, fits: list[Fit]) -> dict[str, Any]:
    return {
        "implementation": need.implementation,
        "number_type": need.number_type,
        "use": need.use,
        "mib": [need.low, need.high],
        "measured": need.measured,
        "basis": need.basis,
        "sources": list(need.sources),
        "parts": [{"name": part.name, "mib": [part.low, part.high]} for part in need.parts],
        "notes": list(need.notes),
        "fits": [
            {"gpu": fit.room.index if fit.room.index >= 0 else None, "name": fit.room.gpu, "verdict": fit.verdict} for fit in fits
        ],
    }

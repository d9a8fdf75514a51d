"""CUDA_VISIBLE_DEVICES in a program's text: set too late, or only not understood?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen

_OTHERS = ("changed-after-start", "visible-devices-no-effect", "no-cuda-gpus")
"""Complaints that speak of the variable themselves."""


@reading("visible-devices-in-code")
def in_the_program(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Set behind an import that may start CUDA; more is proven where the GPUs in use are not those that were asked for."""
    imported = seen.first("imports-torch")
    if imported is None or imported.position.line >= complaint.position.line or seen.has(*_OTHERS):
        return
    if seen.has("first-gpu-used") or (_one_of(seen) and seen.has("later-gpu-listed")):
        yield Pointer("cuda-visible-devices-set-late", 0.7)
    else:
        fatal = any(other.role == "fatal" for other in seen.complaints)
        yield Pointer("cuda-visible-devices-set-late", 0.2 if fatal else 0.45)


@reading("visible-devices-set")
def renumbered(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A program counts the GPUs that it is shown from 0 on, whichever they are."""
    del complaint
    elsewhere = seen.has("visible-devices-in-code", "first-gpu-used", *_OTHERS)
    if not elsewhere and _one_of(seen) and seen.has("gpu-zero-named") and not any(c.role == "fatal" for c in seen.complaints):
        yield Pointer("no-fault", 0.6)


def _one_of(seen: Seen) -> bool:
    """Whether the variable names one GPU that is not the first."""
    variables = seen.value("variables")
    value = str(variables.get("CUDA_VISIBLE_DEVICES") or "") if variables else ""
    return value.isdecimal() and value != "0"

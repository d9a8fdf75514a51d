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
    del complaint
    if not _set_late(seen) or seen.has(*_OTHERS):
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
    elsewhere = _set_late(seen) or seen.has("first-gpu-used", *_OTHERS)
    if not elsewhere and _one_of(seen) and seen.has("gpu-zero-named") and not any(c.role == "fatal" for c in seen.complaints):
        yield Pointer("no-fault", 0.6)


@reading("device-count-asked")
def counted(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Who asks torch for the number of GPUs, and the shell for the variable, misses some."""
    del complaint
    named = seen.has("visible-devices-asked", "visible-devices-set") and not seen.has("visible-devices-in-code", *_OTHERS)
    if named and seen.has("smi-lists-gpus") and not seen.has("gpu-zero-named"):
        yield Pointer("cuda-visible-devices-hides", 0.5)


def _set_late(seen: Seen) -> bool:
    """Whether the program sets the variable in a line below one that imports torch."""
    imported, assigned = seen.first("imports-torch"), seen.first("visible-devices-in-code")
    return bool(imported and assigned and imported.position.line < assigned.position.line)


def _one_of(seen: Seen) -> bool:
    """Whether the variable names one GPU that is not the first."""
    value = seen.captured("devices", "visible-devices-set")
    return value.isdecimal() and value != "0"

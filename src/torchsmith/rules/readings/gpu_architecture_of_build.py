"""An architecture that nvcc or ptxas refuses: is it newer than the toolkit, dropped from it, a default, or no architecture?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.knowledge import archs
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import at_least
from torchsmith.rules.readings import told

OLD_TOOLKIT, REMOVED, DEFAULT = "toolkit-too-old-for-gpu", "arch-removed-from-nvcc", "arch-default-list-on-cuda13"
EMPTY, MALFORMED, TRITON = "arch-empty-no-gpu", "arch-list-malformed", "triton-ptxas-too-old"
OLDEST_SURVIVOR = 75
"""The lowest architecture that the newest toolkits still make code for."""


@reading("unsupported-gpu-architecture")
def nvcc(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """By the table of toolkits where a version is told, else by what such a number usually means."""
    said = (complaint.captured.get("arch") or complaint.captured.get("value") or "").strip().rstrip(".)")
    code = None if said.startswith(("sm_", "compute_")) else archs.parse_code(said)
    if code is None:
        yield from _no_number(said)
    else:
        yield from _number(code, seen)


def _no_number(said: str) -> Iterator[Pointer]:
    if not said or "No CUDA" in said or said.startswith("["):
        yield Pointer(EMPTY, 0.9)
    elif said == "native":
        yield Pointer(EMPTY, 0.5)
        yield Pointer(MALFORMED, 0.4)
    else:
        yield Pointer(MALFORMED, 0.9)


def _number(code: archs.Code, seen: Seen) -> Iterator[Pointer]:
    span = archs.toolkit_range(code.sm)
    version = told.toolkit(seen)
    if span is None:
        yield from _unlisted(code.sm)
    elif version and not at_least(version, _first(span[0], code.suffix)):
        yield Pointer(OLD_TOOLKIT, 0.95)
    elif version and span[1] and not at_least(span[1], version):
        yield from _removed(seen)
    elif code.sm >= OLDEST_SURVIVOR:
        # The version that the text names knows it: then another nvcc ran.
        yield Pointer(OLD_TOOLKIT, 0.75 if version else 0.93)
        if version:
            yield Pointer("cuda-two-toolkits", 0.4)
    elif seen.has("arch-default-list"):
        yield Pointer(DEFAULT, 0.9)
    elif version:
        yield Pointer(OLD_TOOLKIT, 0.5)
        yield Pointer("cuda-two-toolkits", 0.45)
    else:
        yield Pointer(REMOVED, 0.7)
        yield Pointer(OLD_TOOLKIT, 0.3)


def _first(first: str, suffix: str) -> str:
    """The first toolkit that knows an architecture with its suffix: the family codes came with 12.9, ``90a`` with 12.0."""
    if suffix == "f" and not at_least(first, "12.9"):
        return "12.9"
    return "12.0" if suffix == "a" and not at_least(first, "12.0") else first


def _removed(seen: Seen) -> Iterator[Pointer]:
    if seen.has("arch-default-list"):
        yield Pointer(DEFAULT, 0.93)
        yield Pointer(REMOVED, 0.4)
    else:
        yield Pointer(REMOVED, 0.93)


def _unlisted(sm: int) -> Iterator[Pointer]:
    """No table has it: Fermi and older are long gone; a high number is newer than the table, or a slip of the pen."""
    if sm < 35:
        yield Pointer(REMOVED, 0.9)
    else:
        yield Pointer(OLD_TOOLKIT, 0.5)
        yield Pointer(MALFORMED, 0.4)


@reading("ptxas-value-not-defined")
def ptxas(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Ptxas comes with Triton or with a toolkit; what else the text speaks of tells which one ran."""
    if seen.has("triton-in-play") or not seen.has("nvcc-ran"):
        yield Pointer(TRITON, 0.93 if seen.has("triton-in-play") else 0.75)
        return
    code = archs.parse_code(complaint.captured.get("arch") or complaint.captured.get("named") or "")
    if code:
        yield from _number(code, seen)
    else:
        yield Pointer(OLD_TOOLKIT, 0.85)


@reading("unknown-cuda-arch")
def torch_refuses(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Entries look like ``9.0``, ``9.0a``, ``12.0+PTX``: another form is malformed, in this one the number is not known."""
    del seen
    said = complaint.captured.get("arch", "")
    digits = said.removesuffix("+PTX").rstrip("af")
    if digits.count(".") == 1 and digits.replace(".", "").isdigit() and len(digits) <= 4:
        yield Pointer("arch-unknown-to-torch", 0.93)
    else:
        yield Pointer(MALFORMED, 0.93)
        yield Pointer("arch-unknown-to-torch", 0.2)

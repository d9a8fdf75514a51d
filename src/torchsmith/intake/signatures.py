"""Error texts -> complaints: which signatures a text holds, and where.

Most signatures cannot match most texts: one is tried only on lines that hold one of the literals which it requires.
"""

from __future__ import annotations

import re

from torchsmith.intake.text import LINE_LIMIT
from torchsmith.knowledge import signatures
from torchsmith.model.complaint import Complaint
from torchsmith.model.position import Position

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchsmith.intake.clue import Line
    from torchsmith.knowledge.signatures import Signature

KEPT = 8
"""Complaints of one signature that are kept: the first ones. More say nothing new."""
SHOWN = 300
"""Characters of a line that a complaint quotes."""


def read(lines: Sequence[Line]) -> tuple[Complaint, ...]:
    """The complaints of these lines, in the order of the text."""
    low = [line.text.lower() for line in lines]
    whole = "\n".join(low)
    found: list[Complaint] = []
    for signature in signatures.every():
        if any(literal in whole for literal in signature.literals):
            found += _of(signature, lines, low)
    return tuple(sorted(found, key=lambda complaint: (complaint.position.line, complaint.position.column)))


def _of(signature: Signature, lines: Sequence[Line], low: Sequence[str]) -> Iterator[Complaint]:
    pattern = re.compile(signature.pattern)
    kept = last = 0
    for line, lowered in zip(lines, low, strict=True):
        if line.number == last or not any(literal in lowered for literal in signature.literals):
            continue
        matched = pattern.search(line.text[:LINE_LIMIT])
        if matched:
            yield complaint(signature, line, matched)
            last = line.number
            kept += 1
            if kept == KEPT:
                return


def complaint(signature: Signature, line: Line, matched: re.Match[str]) -> Complaint:
    """What a match says; the quotation is cut around it."""
    start = 0 if matched.end() <= SHOWN else max(0, matched.start() - 40)
    cut = line.text[start : start + SHOWN]
    start += len(cut) - len(cut.lstrip())
    quoted = cut.strip()
    mark = (matched.start() - start, min(matched.end() - start, len(quoted)))
    captured = {name: text for name, text in matched.groupdict().items() if text is not None}
    position = Position(line.number, line.start + matched.start() + 1)
    return Complaint(signature.id, signature.role, signature.says, quoted, position, captured, mark if mark[0] >= 0 else None)

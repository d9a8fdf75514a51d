"""Error texts -> complaints: which signatures a text holds, and where.

Most signatures cannot match most texts: one is tried only on lines that hold one of the literals which it requires.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from heapq import merge
from itertools import accumulate, islice

from torchsmith.intake.clue import Line
from torchsmith.intake.text import LINE_LIMIT
from torchsmith.knowledge import signatures
from torchsmith.model.complaint import Complaint
from torchsmith.model.position import Position

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torchsmith.model.signature import Signature

KEPT = 8
"""Complaints of one signature that are kept: the first ones. More say nothing new."""
SHOWN = 300
"""Characters of a line that a complaint quotes."""
BROKEN_LIMIT, BROKEN_LINES = 64 * 1024, 4
"""Characters of a text whose lines may be joined, and lines over which one message may go."""


def read(lines: Sequence[Line]) -> tuple[Complaint, ...]:
    """The complaints of these lines, in the order of the text."""
    text = _Joined([line.text.lower() for line in lines], _newline)
    # Where a terminal or a picture broke lines at a column, with the space gone or still there.
    short = len(text.whole) <= BROKEN_LIMIT
    broken = [_Joined([line.text.lower().strip() for line in lines], join) for join in (_space, _nothing)] if short else []
    found: list[Complaint] = []
    for signature in signatures.every():
        here = list(_of(signature, lines, text))
        for joined in broken:
            if len(here) < KEPT:
                here += _across(signature, lines, joined, {(c.signature, c.position.line) for c in here})
        found += here[:KEPT]
    return tuple(sorted(found, key=lambda complaint: (complaint.position.line, complaint.position.column)))


def _newline(line: str) -> str:
    del line
    return "\n"


def _space(line: str) -> str:
    return "" if line.endswith("-") else " "


def _nothing(line: str) -> str:
    del line
    return ""


class _Joined:
    """All lines as one text, and which line each place of it is in; ``join`` says what stands between a line and the next."""

    def __init__(self, low: list[str], join: Callable[[str], str]) -> None:
        self.join = join
        parts = [line + join(line) for line in low]
        self.whole = "".join(parts)
        self.starts = [0, *accumulate(len(part) for part in parts)][:-1] or [0]

    def line(self, place: int) -> int:
        """The index of the line that holds this place."""
        return bisect_right(self.starts, place) - 1

    def places(self, literals: tuple[str, ...]) -> Iterator[int]:
        """The indexes of the lines that hold one of these texts, in order, each once."""
        return merged(*(self._of(literal) for literal in literals)) if len(literals) > 1 else self._of(literals[0])

    def _of(self, literal: str) -> Iterator[int]:
        place = self.whole.find(literal)
        while place >= 0:
            index = self.line(place)
            yield index
            if index + 1 >= len(self.starts):
                return
            place = self.whole.find(literal, self.starts[index + 1])

    def crossings(self, literals: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        """The first and the last line of each place where one of these texts goes over a break."""
        for literal in literals:
            place = self.whole.find(literal)
            while place >= 0:
                first, last = self.line(place), self.line(place + len(literal) - 1)
                if first < last < first + BROKEN_LINES:
                    yield first, last
                place = self.whole.find(literal, place + 1)


def merged(*sorted_numbers: Iterator[int]) -> Iterator[int]:
    """The numbers of all, in order, each once."""
    last = -1
    for number in merge(*sorted_numbers):
        if number != last:
            yield number
        last = number


def _of(signature: Signature, lines: Sequence[Line], text: _Joined) -> Iterator[Complaint]:
    if not signature.literals or not signature.may_match(text.whole):
        return
    kept = 0
    for index in text.places(signature.literals):
        line = lines[index].text[:LINE_LIMIT]
        matched = re.search(signature.pattern, line) if signature.may_match(line.lower()) else None
        if matched:
            yield complaint(signature, lines[index], matched)
            kept += 1
            if kept == KEPT:
                return


def _across(signature: Signature, lines: Sequence[Line], text: _Joined, known: set[tuple[str, int]]) -> Iterator[Complaint]:
    """What is found only across a break; its position is in the first of the lines."""
    for first, last in islice(text.crossings(signature.literals), KEPT):
        begin = lines[first].text.rstrip()
        parts = (begin, *(line.text.strip() for line in lines[first + 1 : last + 1]))
        whole = Line(lines[first].number, "".join(part + text.join(part) for part in parts)[:LINE_LIMIT])
        may = signature.may_match(whole.text.lower())
        matched = re.search(signature.pattern, whole.text) if may else None
        crosses = matched and matched.start() < len(begin) < matched.end()
        if matched and crosses and (signature.id, whole.number) not in known:
            known.add((signature.id, whole.number))
            yield complaint(signature, whole, matched)


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

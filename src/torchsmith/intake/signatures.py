"""Error texts -> complaints: which signatures a text holds, and where.

Most signatures cannot match most texts: one is tried only on lines that hold one of the literals which it requires.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from heapq import merge
from itertools import accumulate

from torchsmith.intake.clue import Line
from torchsmith.intake.text import LINE_LIMIT
from torchsmith.knowledge import signatures
from torchsmith.model.complaint import Complaint
from torchsmith.model.position import Position

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from torchsmith.model.signature import Signature

KEPT = 8
"""Complaints of one signature that are kept: the first ones. More say nothing new."""
SHOWN = 300
"""Characters of a line that a complaint quotes."""
MORE = "..."
"""What stands in a quotation where the line goes on."""
BROKEN_LIMIT, BROKEN_LINES = 64 * 1024, 4
"""Characters of a text whose lines may be joined, and lines over which one message may go."""
BEGIN, LONGEST = 4, 120
"""Characters of a literal by which it is looked up (none is shorter), and of the part of a line in which a broken one begins."""


def read(lines: Sequence[Line], among: Collection[str] | None = None) -> tuple[Complaint, ...]:
    """The complaints of these lines, in the order of the text; of all signatures, or of those with these ids."""
    every = tuple(signature for signature in signatures.every() if among is None or signature.id in among)
    text = _Joined([line.text.lower() for line in lines], _newline)
    found: list[list[Complaint]] = [list(_of(signature, lines, text)) for signature in every]
    if len(text.whole) <= BROKEN_LIMIT:
        _add_broken(every, lines, found)
    all_found = (complaint for here in found for complaint in here[:KEPT])
    return tuple(sorted(all_found, key=lambda complaint: (complaint.position.line, complaint.position.column)))


def _add_broken(every: Sequence[Signature], lines: Sequence[Line], found: list[list[Complaint]]) -> None:
    """What a terminal or a picture broke at a column, with the space gone or still there."""
    begins: dict[str, list[tuple[str, int]]] = {}
    for number, signature in enumerate(every):
        for literal in signature.literals:
            begins.setdefault(literal[:BEGIN], []).append((literal, number))
    low = [line.text.lower().strip() for line in lines]
    for join in (_space, _nothing):
        joined = _Joined(low, join)
        for number, first, last in joined.crossings(begins):
            here = found[number]
            if len(here) < KEPT and all(complaint.position.line != lines[first].number for complaint in here):
                here += _across(every[number], lines[first : last + 1], join)


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

    def crossings(self, begins: Mapping[str, Sequence[tuple[str, int]]]) -> Iterator[tuple[int, int, int]]:
        """Where a text goes over a break: its number, and the indexes of its first and last line.

        ``begins`` holds the texts and their numbers by their first characters.
        """
        for index, seam in enumerate(self.starts[1:]):
            for place in range(max(self.starts[index], seam - LONGEST), seam):
                for literal, number in begins.get(self.whole[place : place + BEGIN], ()):
                    end = place + len(literal)
                    if end > seam and self.whole.startswith(literal, place):
                        last = self.line(end - 1)
                        if last < index + BROKEN_LINES:
                            yield number, index, last


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


def _across(signature: Signature, lines: Sequence[Line], join: Callable[[str], str]) -> Iterator[Complaint]:
    """What is found only across a break; its position is in the first of the lines."""
    begin = lines[0].text.rstrip()
    parts = (begin, *(line.text.strip() for line in lines[1:]))
    text = "".join(part + join(part) for part in parts)[:LINE_LIMIT]
    written = ((lines[0].said or begin).rstrip(), *((line.said or line.text).strip() for line in lines[1:]))
    said = "".join(part + join(part) for part in written)[:LINE_LIMIT] if any(line.said for line in lines) else ""
    whole = Line(lines[0].number, text, lines[0].start, said, lines[0].dropped)
    matched = re.search(signature.pattern, whole.text) if signature.may_match(whole.text.lower()) else None
    if matched and matched.start() < len(begin) < matched.end():
        yield complaint(signature, whole, matched)


def complaint(signature: Signature, line: Line, matched: re.Match[str]) -> Complaint:
    """What a match says; the quotation is cut around it."""
    quoted, mark = _quoted(line.text, matched.start(), matched.end())
    first, last = _same_part(line.text, line.said, matched.start(), matched.end()) if line.said else matched.span()
    said = _quoted(line.said, first, last) if line.said else None
    captured = {name: text for name, text in matched.groupdict().items() if text is not None}
    position = Position(line.number, line.start + line.dropped + first + 1)
    return Complaint(signature.id, signature.role, signature.says, quoted, position, captured, mark, said)


def _quoted(whole: str, first: int, last: int) -> tuple[str, tuple[int, int] | None]:
    """A line cut around a part of it, with ``...`` where it goes on, and the offsets of that part."""
    start = 0 if last <= SHOWN else max(0, first - 40)
    cut = whole[start : start + SHOWN]
    start += len(cut) - len(cut.lstrip())
    shown = cut.strip()
    before = MORE if whole[:start].strip() else ""
    after = MORE if whole[start + len(shown) :].strip() else ""
    mark = first - start + len(before), min(last - start, len(shown)) + len(before)
    return before + shown + after, mark if mark[0] >= 0 else None


def _same_part(text: str, said: str, first: int, last: int) -> tuple[int, int]:
    """Where a part of the translated line stands in the line as it was written: what differs counts as one."""
    shorter = min(len(text), len(said))
    begin = next((place for place in range(shorter) if text[place] != said[place]), shorter)
    end = next((back for back in range(shorter - begin) if text[-1 - back] != said[-1 - back]), shorter - begin)
    start = first if first <= begin else max(begin, first - len(text) + len(said))
    stop = last if last <= begin else max(len(said) - end, last - len(text) + len(said))
    return start, stop

"""What of a large log the formats get to read: its begin, its end, and what stands around lines that say something."""

from __future__ import annotations

from collections import deque

from torchsmith.intake import text
from torchsmith.intake.clue import Line
from torchsmith.intake.decoding import decode
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD, TAIL = 64 << 10, 128 << 10
"""Bytes of the begin and of the end."""
BEFORE, AFTER = 2 << 10, 4 << 10
"""Bytes before and after a line that complains."""
LISTED = 12 << 10
"""Bytes after a line that triggers: a list of packages, a report, a table."""
PURSES = {"fatal": 128 << 10, "trigger": 128 << 10, "": 32 << 10}
"""Bytes in all of what stands around: fatal complaints, triggers, other complaints."""


class Excerpt:
    """Parts of a log, with the numbers of their lines in it."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, bytes]] = []
        self._tail: deque[tuple[int, bytes]] = deque()
        self._head_left = HEAD
        self._tail_size = 0
        self._purses = dict(PURSES)
        self._told = 0

    def block(self, number: int, block: bytes) -> None:
        """Take the next block of the log, whose first line has this number."""
        if self._head_left > 0:
            end = block.rfind(b"\n", 0, self._head_left) + 1 or min(len(block), self._head_left)
            self._parts.append((number, block[:end]))
            self._head_left = self._head_left - end if end == len(block) else 0
        self._tail.append((number, block))
        self._tail_size += len(block)
        while self._tail_size - len(self._tail[0][1]) >= TAIL:
            self._tail_size -= len(self._tail.popleft()[1])
        self._told = 0

    def around(self, number: int, block: bytes, start: int, end: int, roles: set[str]) -> None:
        """Keep what stands around a line of the block that was taken last; without roles it is a trigger's."""
        purse = "fatal" if "fatal" in roles else "" if roles else "trigger"
        left = self._purses[purse]
        if left <= 0 or end - start > 2 * text.LINE_LIMIT:
            return
        first = start - BEFORE
        if first > 0:
            first = block.find(b"\n", first, start) + 1 or start
        first = max(first, self._told, 0)
        reach = end + (AFTER if roles else LISTED)
        last = len(block) if reach >= len(block) else max(block.rfind(b"\n", end, reach), end)
        last = min(last, first + left)
        if first >= last:
            return
        before = block.count(b"\n", first, start) if first <= start else -block.count(b"\n", start, first)
        self._parts.append((number - before, block[first:last]))
        self._purses[purse] -= last - first
        self._told = last

    def lines(self) -> tuple[Line, ...]:
        """What was kept, each line once, in the order of the log."""
        kept: dict[int, list[Line]] = {}
        for number, part in (*self._parts, *self._end()):
            own: dict[int, list[Line]] = {}
            for line in text.lines(decode(part)):
                own.setdefault(number + line.number - 1, []).append(replace(line, number=number + line.number - 1))
            for place, lines in own.items():
                kept.setdefault(place, lines)
        return tuple(line for place in sorted(kept) for line in kept[place])

    def _end(self) -> Iterator[tuple[int, bytes]]:
        surplus = self._tail_size - TAIL
        for number, block in self._tail:
            cut = 0
            if surplus > 0:
                cut = block.find(b"\n", min(surplus, len(block))) + 1 or min(surplus, len(block))
                surplus = 0
            yield number + block.count(b"\n", 0, cut), block[cut:]

"""``torchsmith explain`` of what comes in bytes: small texts whole, large logs in constant memory, growing ones while they grow.

A live input (a pipe, a terminal) is answered as soon as a fatal complaint has a cause that is sure: once, when the input pauses
or after some seconds of more output. The answer at the end is the one that counts; it is given again only if it differs.
"""

from __future__ import annotations

import time

from torchsmith.app import explain
from torchsmith.engine.fold import SURE
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from torchsmith.host.stream import Input
    from torchsmith.intake.scan import Scan
    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.known import Fact

SMALL = 1 << 20
"""Bytes up to which a text is read whole: then every line is seen by every format."""
SMALL_LINES = 50_000
HEAD = 64 * 1024
"""Bytes by which something that is no text is known."""
IDLE = 0.7
"""Seconds without output that count as a pause."""
BUSY = 5.0
"""Seconds of output after which a look is worth its time, pause or not."""
SHARE = 20
"""A look may take one part in so many of the time that passes: a slow log is not read again and again."""


@record
class Answer:
    """The diagnosis; whether it was already given; whether the input was left before its end."""

    diagnosis: Diagnosis
    given: bool = False
    interrupted: bool = False


class Reading:
    """What has been read of a text, and what it tells so far."""

    def __init__(self, assumed: Mapping[str, Fact[Any]], select: tuple[str, ...], ignore: Mapping[str, str]) -> None:
        self._assumed, self._select, self._ignore = assumed, select, ignore
        self._chunks: list[bytes] = []
        self._lines = 0
        self._scan: Scan | None = None
        self.size = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        if self._scan:
            self._scan.feed(chunk)
            return
        self._chunks.append(chunk)
        self._lines += chunk.count(b"\n")
        if self.size > SMALL or self._lines > SMALL_LINES:
            self._become_large()

    def _become_large(self) -> None:
        from torchsmith.intake.scan import Scan

        chunks, self._chunks = self._chunks, []
        _refuse(b"".join(chunks)[:HEAD])
        self._scan = Scan()
        for chunk in chunks:
            self._scan.feed(chunk)

    def end(self) -> None:
        """Nothing comes any more.

        Raises:
            UnreadableInputError: it was empty, or no text.

        """
        if self._scan:
            self._scan.end()
        else:
            _refuse(b"".join(self._chunks)[:HEAD])

    def news(self) -> int:
        """A number that changes when there may be a new answer."""
        if self._scan:
            self._scan.flush()
            return self._scan.fatal
        return self.size

    def answer(self) -> Diagnosis:
        """What is told by what has been read."""
        if self._scan is None:
            return explain.explain(b"".join(self._chunks), self._assumed, self._select, self._ignore)
        from torchsmith.intake import formats

        excerpt, complaints = self._scan.told()
        return explain.answer(formats.facts(excerpt), complaints, self._assumed, frozenset(self._select), self._ignore)


def follow(source: Input, reading: Reading, early: Callable[[Diagnosis], None] | None = None) -> Answer:
    """Read to the end and answer; ``early`` is told once what is known before it.

    Raises:
        UnreadableInputError: the input cannot be read, is empty or is no text.
        KeyboardInterrupt: of an input that is not live, or of which nothing came yet.

    """
    told: Diagnosis | None = None
    look = _Look()
    try:
        while True:
            chunk = source.read(IDLE)
            if chunk == b"":
                break
            if chunk:
                reading.feed(chunk)
            if early and source.live and told is None and look.due(reading, paused=chunk is None):
                diagnosis = look.take(reading)
                if _speaks(diagnosis):
                    early(diagnosis)
                    told = diagnosis
    except KeyboardInterrupt:
        if not (source.live and reading.size):
            raise
        return _last(reading, told, interrupted=True)
    reading.end()
    return _last(reading, told)


def _last(reading: Reading, told: Diagnosis | None, *, interrupted: bool = False) -> Answer:
    diagnosis = reading.answer()
    return Answer(diagnosis, told is not None and _same(told, diagnosis), interrupted)


class _Look:
    """When it is time to look whether something can be said."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._took = 0.0
        self._seen = 0

    def due(self, reading: Reading, *, paused: bool) -> bool:
        """Whether something is new, the input pauses (or long ago did), and the last look was cheap enough."""
        passed = time.monotonic() - self._begun
        if passed < self._took * SHARE or not (paused or passed > BUSY):
            return False
        return reading.news() != self._seen

    def take(self, reading: Reading) -> Diagnosis:
        """Look."""
        begun = time.monotonic()
        self._seen = reading.news()
        diagnosis = reading.answer()
        self._begun = time.monotonic()
        self._took = self._begun - begun
        return diagnosis


def _speaks(diagnosis: Diagnosis) -> bool:
    """Whether a growing log has said enough: something ended, and why is sure."""
    fatal = any(complaint.role == "fatal" for complaint in diagnosis.complaints)
    return fatal and bool(diagnosis.root_causes) and diagnosis.root_causes[0].confidence >= SURE


def _same(one: Diagnosis, other: Diagnosis) -> bool:
    """Whether two answers say the same: the verdict, the first cause and what to do about it."""
    return one.verdict == other.verdict and [(f.cause, f.summary, f.remedies) for f in one.root_causes[:1]] == [
        (f.cause, f.summary, f.remedies) for f in other.root_causes[:1]
    ]


def _refuse(head: bytes) -> None:
    from torchsmith.intake.decoding import refuse

    refuse(head)

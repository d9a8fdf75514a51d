"""What is seen of a run while it works: one moving line on a terminal, whole lines elsewhere."""

from __future__ import annotations

from time import monotonic

from torchsmith.host.redact import without_secrets
from torchsmith.report.escape import safe
from torchsmith.report.words import decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

PAUSE = 0.1
"""Seconds between two pictures of the moving line."""
TRUSTED = 2.0
"""Seconds after which the time that is left is told."""
_LAST = 10
"""So many lines of a program are kept for ``--verbose``."""


class Progress:
    """A ``Watch`` that writes to a stream; ``moving`` says that it is a terminal whose line can be written over."""

    def __init__(
        self, stream: TextIO, *, moving: bool, width: int = 80, verbose: bool = False, clock: Callable[[], float] = monotonic
    ) -> None:
        self._stream, self._moving, self._width, self._verbose, self._clock = stream, moving, width, verbose, clock
        self._name, self._began, self._drawn, self._open = "", 0.0, -PAUSE, False
        self._told = ""
        self._count = self._long = 0

    def phase(self, name: str) -> None:
        """A new step begins; on a terminal the finished one stays as a line."""
        self.end()
        self._name, self._began, self._drawn, self._told = safe(without_secrets(name)), self._clock(), -PAUSE, ""
        self._count += 1
        if self._moving:
            self._draw("")
        else:
            self._line(f"{self._count}. {self._name}")

    def advance(self, done: int, total: int | None, unit: str) -> None:
        """So much of the step is done."""
        now = self._clock()
        if not self._moving or (now - self._drawn < PAUSE and done != total):
            return
        self._drawn = now
        self._draw(_amount(done, total, unit) + self._left(done, total, now))

    def said(self, line: str) -> None:
        """A line of a program: shown beside the step, or as a line with ``--verbose``."""
        words = safe(without_secrets(line)).strip()
        if not words:
            return
        if self._verbose:
            self._clear()
            self._line(f"   | {words}")
        elif self._moving:
            now = self._clock()
            if now - self._drawn >= PAUSE:
                self._drawn = now
                self._draw(words)

    def end(self) -> None:
        """The step is over: its line stands, with the time it took."""
        if not self._open:
            return
        took = self._clock() - self._began
        self._draw(f"{took:.0f} s" if took >= 1 else "")
        self._stream.write("\n")
        self._stream.flush()
        self._open, self._long = False, 0

    def _left(self, done: int, total: int | None, now: float) -> str:
        spent = now - self._began
        if not total or not done or done >= total or spent < TRUSTED:
            return ""
        seconds = spent * (total - done) / done
        return f", {seconds:.0f} s left" if seconds < 90 else f", {seconds / 60:.0f} min left"

    def _draw(self, told: str) -> None:
        line = f"{self._count}. {self._name}{'  ' + told if told else ''}"
        room = max(20, self._width - 1)
        line = line if len(line) <= room else line[: room - 1] + "~"
        # Blanks over what is left of the former line: not every console of Windows obeys an escape.
        self._stream.write(f"\r{line}{' ' * (self._long - len(line))}")
        self._stream.flush()
        self._open, self._long = True, len(line)

    def _clear(self) -> None:
        if self._open:
            self._stream.write(f"\r{' ' * self._long}\r")
            self._open, self._long = False, 0

    def _line(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


def _amount(done: int, total: int | None, unit: str) -> str:
    if unit == "bytes":
        return decimal(done) if total is None else f"{decimal(done)} of {decimal(total)}"
    return f"{done} {unit}" if total is None else f"{done} of {total} {unit}"

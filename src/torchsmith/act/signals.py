"""A signal to end becomes an exception, so that what is under way is put in order first."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager

from torchsmith.model.errors import EndedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


@contextmanager
def told_to_end() -> Iterator[None]:
    """Ctrl-C and the other signals that end a program raise EndedError; a signal that is ignored stays so (nohup)."""
    with _handled(_raise):
        yield


@contextmanager
def deaf(*, last: bool = False) -> Iterator[None]:
    """Nothing interrupts what is done here: it is short, and has to be done whole.

    A signal that came meanwhile counts afterwards, but where it was the ``last`` thing to do: then all is done, and that is
    what is told.
    """
    late: list[int] = []
    with _handled(lambda number, _: late.append(number)):
        yield
    if late and not last:
        _raise(late[0], None)


@contextmanager
def _handled(handler: object) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    try:
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)  # type: ignore[arg-type]
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)


def _raise(number: int, _frame: FrameType | None) -> None:
    name = signal.Signals(number).name
    raise EndedError(f"ended by {name}", 128 + number)

"""The kernel's messages, read without waiting for new ones."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_RECORDS, MOST_LINES, RECORD = 20_000, 400, 8192


def records(path: str) -> list[str]:
    """The messages of ``/dev/kmsg``, one per read; of a regular file (a test's, a saved one) its lines.

    Raises:
        OSError: there is no such file, or this user may not read it.

    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    found: list[str] = []
    try:
        for _ in range(MOST_RECORDS):
            try:
                part = os.read(descriptor, RECORD)
            except BlockingIOError:
                break
            except BrokenPipeError:  # overwritten while we read: the next read goes on behind it
                continue
            if not part:
                break
            found.append(part.decode("utf-8", "replace"))
    finally:
        os.close(descriptor)
    return [line for line in "".join(found).splitlines() if not line.startswith(" ")]


def chosen(lines: Iterable[str], words: tuple[str, ...]) -> list[str]:
    """The last messages that hold one of the words, without the kernel's numbering (``6,1234,5678,-;text``)."""
    wanted = [_text(line) for line in lines if any(word in line.lower() for word in words)]
    return wanted[-MOST_LINES:]


def _text(line: str) -> str:
    head, sign, text = line.partition(";")
    return text if sign and head[:1].isdigit() and "," in head else line

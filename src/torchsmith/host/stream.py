"""What the user names on the command line, read as it comes: a file, standard input, a pipe that may pause."""

from __future__ import annotations

import os
import stat
import sys

from torchsmith.host.files import wait_for_writer
from torchsmith.model.errors import UnreadableInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, Self

CHUNK = 256 * 1024
"""Bytes of one reading: what a processor's cache holds."""
QUEUED = 4
"""Chunks that wait between the reading thread and us (Windows)."""


class Input:
    """Bytes in the order in which they come.

    ``live`` tells that more may come later, after a pause: a pipe, a terminal, a socket. A file is read to the end that it
    has when it is opened, so that one which grows faster than it is read comes to an end.
    """

    def __init__(self, name: str, number: int | None, read: Callable[[int], bytes], *, own: bool) -> None:
        self._name, self._number, self._read, self._own = name, number, read, own
        self._thread: _Thread | None = None
        self._left: int | None = None
        self._watched = [number] if number is not None else []
        self.live = False
        if number is not None:
            kind = os.fstat(number)
            self.live = not stat.S_ISREG(kind.st_mode) and not stat.S_ISBLK(kind.st_mode)
            # A file of size 0 may be one of /proc, which has content all the same.
            self._left = kind.st_size - _place(number) if stat.S_ISREG(kind.st_mode) and kind.st_size else None

    def __enter__(self) -> Self:
        """The input itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close what was opened; standard input stays open."""
        if self._own and self._number is not None:
            os.close(self._number)

    def read(self, wait: float) -> bytes | None:
        """The next bytes; ``b""`` at the end; None if nothing came within ``wait`` seconds.

        Raises:
            UnreadableInputError: it cannot be read (any more).

        """
        try:
            if not self.live:
                return self._next()
            return self._waiting(wait)
        except OSError as error:
            raise UnreadableInputError(f"`{self._name}` cannot be read: {error.strerror or error}") from None

    def _next(self) -> bytes:
        chunk = self._read(CHUNK if self._left is None else min(CHUNK, self._left))
        if self._left is not None:
            self._left -= len(chunk)
        return chunk

    def _waiting(self, wait: float) -> bytes | None:
        if sys.platform == "win32":  # select is for sockets there
            self._thread = self._thread or _Thread(self._read)
            return self._thread.next(wait)
        import select

        ready, _, _ = select.select(self._watched, [], [], wait)
        return self._read(CHUNK) if ready else None


class _Thread:
    """A thread that reads ahead a little, for systems on which one cannot ask whether there is anything to read."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        from queue import Queue
        from threading import Thread

        self._chunks: Queue[bytes | OSError] = Queue(QUEUED)
        Thread(target=self._run, args=(read,), daemon=True).start()

    def _run(self, read: Callable[[int], bytes]) -> None:
        chunk = b" "
        while chunk:
            try:
                chunk = read(CHUNK)
            except OSError as error:
                self._chunks.put(error)
                return
            self._chunks.put(chunk)

    def next(self, wait: float) -> bytes | None:
        """The next chunk, ``b""`` at the end, None if there is none within ``wait`` seconds."""
        from queue import Empty

        try:
            chunk = self._chunks.get(timeout=wait)
        except Empty:
            return None
        if isinstance(chunk, OSError):
            raise chunk
        return chunk


def opened(path: str) -> Input:
    """The file at ``path``, or standard input for ``-``.

    Raises:
        UnreadableInputError: it does not exist, is a folder, is closed, or is a named pipe that nobody writes.

    """
    if path == "-":
        return _standard()
    number = None
    try:
        # Opening a named pipe would wait for its writer.
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
        number = os.open(path, flags)
        return _named(path, number)
    except OSError as error:
        _close(number)
        raise UnreadableInputError(f"`{path}` cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise UnreadableInputError(f"the file name cannot be used: {error}") from None
    except UnreadableInputError:
        _close(number)
        raise


def _named(path: str, number: int) -> Input:
    kind = os.fstat(number).st_mode
    if stat.S_ISDIR(kind):
        raise UnreadableInputError(f"`{path}` is a folder; name a file in it")
    first = [wait_for_writer(number, path)] if stat.S_ISFIFO(kind) else []
    if hasattr(os, "set_blocking"):
        os.set_blocking(number, True)

    def read(size: int) -> bytes:
        return (first.pop() if first else b"") or os.read(number, size)

    return Input(path, number, read, own=True)


def _standard() -> Input:
    if sys.stdin is None:
        raise UnreadableInputError("standard input is closed; name a file")
    buffer: Any = sys.stdin.buffer
    try:
        number = buffer.fileno()
    except (OSError, ValueError):  # a stand-in without a file behind it
        return Input("standard input", None, buffer.read, own=False)
    raw = buffer.raw  # on Windows it knows the console's own encoding; a buffer's lock would be held at exit
    return Input("standard input", number, lambda size: raw.read(size) or b"", own=False)


def _place(number: int) -> int:
    """How much of a file was read before us (``{ read line; torchsmith explain; } < log``)."""
    return os.lseek(number, 0, os.SEEK_CUR)


def _close(number: int | None) -> None:
    if number is not None:
        os.close(number)

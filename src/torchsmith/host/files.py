"""Files that the user names on the command line: read with a bound, written without overwriting."""

from __future__ import annotations

import os
import stat
import sys

from torchsmith.model.errors import UnreadableInputError, UsageError

WRITER_WAIT = 10.0
"""Seconds that a named pipe may be without a writer; one with a writer is waited for, as standard input is."""


def read_input(path: str, limit: int, *, plain: bool = False, too_long: str = "cut it to the part that matters") -> bytes:
    """The content of ``path``, or of standard input for ``-``; with ``plain`` no pipe and no device will do.

    ``too_long`` is what to do with one that is longer than ``limit``.

    Raises:
        UnreadableInputError: it does not exist, is no file, is a named pipe that nobody writes, or is longer than ``limit``.

    """
    try:
        if path == "-":
            data = sys.stdin.buffer.read(limit + 1)
        else:
            # Opening a named pipe would wait for its writer.
            flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
            with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
                kind = os.fstat(file.fileno()).st_mode
                if stat.S_ISDIR(kind):
                    raise UnreadableInputError(f"`{path}` is a folder; name a file in it")
                if plain and not stat.S_ISREG(kind):
                    raise UnreadableInputError(f"`{path}` is no plain file but a pipe or a device; save it as a file first")
                data = wait_for_writer(file.fileno(), path) if stat.S_ISFIFO(kind) else b""
                if hasattr(os, "set_blocking"):
                    os.set_blocking(file.fileno(), True)
                data += file.read(limit + 1)
    except OSError as error:
        raise UnreadableInputError(f"`{path}` cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise UnreadableInputError(f"the file name cannot be used: {error}") from None
    if len(data) > limit:
        size = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"
        raise UnreadableInputError(f"`{path}` holds more than {size}; {too_long}")
    return data


def wait_for_writer(pipe: int, path: str) -> bytes:
    """Wait until the pipe has something to read, or a writer; a byte that had to be read to tell is returned."""
    import select

    watch = select.poll()
    watch.register(pipe, select.POLLIN)
    if watch.poll(WRITER_WAIT * 1000):
        return b""
    try:
        first = os.read(pipe, 1)
    except BlockingIOError:  # nothing yet, but somebody holds the other end
        return b""
    if not first:
        raise UnreadableInputError(f"`{path}` is a named pipe that nobody writes")
    return first


def write_new(path: str, text: str) -> None:
    """Write a file that does not exist yet, readable by its owner only.

    Raises:
        UsageError: it exists, or cannot be written.

    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"`{path}` exists; name another file") from None
    except OSError as error:
        raise UsageError(f"`{path}` cannot be written: {error.strerror or error}") from None

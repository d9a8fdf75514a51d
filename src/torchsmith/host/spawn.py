"""Run a program with a time limit that holds: its whole process group ends with it, its output is bounded."""

from __future__ import annotations

import os
import subprocess
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

OUTPUT_LIMIT = 4 << 20
_LOOK_EVERY = 0.05


class NoAnswer(Exception):  # noqa: N818 - a reason, not a fault of ours
    """The program could not be started or did not answer in time; the message says which, ``so_far`` what it had printed."""

    so_far = ""


def run(argv: Sequence[str], wait: float, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of ``argv``.

    Raises:
        NoAnswer: it cannot be started, or there was no answer in ``wait`` seconds.

    """
    # Files, not pipes: a grandchild that holds a pipe open cannot keep us waiting, and a flood needs no reader thread.
    with _scratch() as out, _scratch() as err:
        try:
            child = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environ,
                start_new_session=os.name == "posix",
            )
        except (OSError, ValueError) as error:
            raise NoAnswer(f"cannot be started: {getattr(error, 'strerror', None) or error}") from error
        try:
            _wait(child, wait, (out, err))
        except NoAnswer as reason:
            reason.so_far = _head(out)
            raise
        finally:
            _end(child)
        return child.returncode, _head(out), _head(err)


def _scratch() -> IO[bytes]:
    """A file without a name: in memory on Linux, where that also spares the import of ``tempfile`` and works on a full disk."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("torchsmith"), "w+b", buffering=0)
    import tempfile

    return tempfile.TemporaryFile(buffering=0)


def _wait(child: subprocess.Popen[bytes], wait: float, outputs: tuple[IO[bytes], ...]) -> None:
    """Return when the child has ended; NoAnswer when its time is over or it floods its outputs."""
    deadline = time.monotonic() + wait
    ended = _watch(child)
    while not ended(max(0.0, min(_LOOK_EVERY, deadline - time.monotonic()))):
        if time.monotonic() >= deadline:
            raise NoAnswer(f"slow: no answer in {wait:g} s; try --wait 30")
        if any(os.fstat(output.fileno()).st_size > OUTPUT_LIMIT for output in outputs):
            raise NoAnswer(f"answered without end: more than {OUTPUT_LIMIT >> 20} MiB")


def _watch(child: subprocess.Popen[bytes]):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """A function that waits some seconds for the child and says whether it has ended; at once where pidfd is at hand."""
    try:
        import select

        watched = select.poll()
        descriptor = os.pidfd_open(child.pid)
        watched.register(descriptor, select.POLLIN)
    except (AttributeError, OSError):

        def slow(seconds: float) -> bool:
            try:
                child.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                return False
            return True

        return slow

    def quick(seconds: float) -> bool:
        if not watched.poll(seconds * 1000):
            return False
        os.close(descriptor)
        child.wait()
        return True

    return quick


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and, on POSIX, its process group: a driver call may have left helpers behind."""
    if os.name == "posix":
        import signal
        from contextlib import suppress

        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    if child.poll() is None:
        child.kill()
        try:
            child.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            child.returncode = -9  # stuck in the kernel (state D): it cannot be reaped, and must not keep us


def _head(file: IO[bytes]) -> str:
    file.seek(0)
    return (file.read(OUTPUT_LIMIT) or b"").decode("utf-8", "replace")

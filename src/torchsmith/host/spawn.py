"""Run a program with a time limit that holds: its whole process group ends with it, its output is bounded.

On POSIX by ``os.posix_spawn``: importing ``subprocess`` costs more than the program that a check runs most often.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import FrameType
    from typing import IO

OUTPUT_LIMIT = 4 << 20
_LOOK_EVERY = 0.05
_SLOW_LOOK = 0.005


class NoAnswer(Exception):  # noqa: N818 - a reason, not a fault of ours
    """The program could not be started or did not answer in time; the message says which, ``so_far`` what it had printed."""

    so_far = ""


def run(
    argv: Sequence[str],
    wait: float,
    environ: Mapping[str, str],
    folder: str = "",
    heard: Callable[[bytes], None] | None = None,
) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of ``argv``, started in ``folder`` if one is named.

    ``heard`` is told what is printed, on either, while the program runs.

    Raises:
        NoAnswer: it cannot be started, or there was no answer in ``wait`` seconds.

    """
    # Files, not pipes: a grandchild that holds a pipe open cannot keep us waiting, and a flood needs no reader thread.
    with _scratch() as out, _scratch() as err:
        mask = _hold_signals()  # until the child is known, or one that ends us now would leave it behind
        try:
            child = (_Posix if os.name == "posix" else _Windows)(list(argv), environ, out, err, folder, mask)
        except (OSError, ValueError) as error:
            _release_signals(mask)
            raise NoAnswer(f"cannot be started: {getattr(error, 'strerror', None) or error}") from error
        try:
            _release_signals(mask)
            _wait(child, wait, (out, err), heard)
            return child.status, _head(out), _head(err)
        except NoAnswer as reason:
            reason.so_far = _head(out)
            raise
        finally:
            child.end()


class _Posix:
    """A child in a process group of its own."""

    def __init__(
        self, argv: list[str], environ: Mapping[str, str], out: IO[bytes], err: IO[bytes], folder: str, mask: Iterable[int]
    ) -> None:
        actions = [
            (os.POSIX_SPAWN_DUP2, out.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, err.fileno(), 2),
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        ]
        start = os.posix_spawn if "/" in argv[0] else os.posix_spawnp
        # posix_spawn has no word for the folder: the child takes ours of that moment.
        before = os.open(".", os.O_RDONLY) if folder else None
        try:
            if before is not None:
                os.chdir(folder)
            self._pid = start(argv[0], argv, environ, file_actions=actions, setpgroup=0, setsigmask=mask)
            _running.add(self._pid)
        finally:
            if before is not None:
                os.fchdir(before)
                os.close(before)
        self._watch = _watch(self._pid)
        self._ended = False
        self.status = 0

    def ended(self, seconds: float) -> bool:
        """Wait so long; whether it has ended."""
        if self._watch is not None:
            self._watch[0].poll(seconds * 1000)
        else:
            time.sleep(min(seconds, _SLOW_LOOK))
        return self._reap()

    def _reap(self) -> bool:
        if not self._ended:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._ended, self.status = True, os.waitstatus_to_exitcode(status)
        return self._ended

    def end(self) -> None:
        """End it and its process group: a driver call may have left helpers behind."""
        import signal
        from contextlib import suppress

        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        _running.discard(self._pid)
        if not self._ended:
            # One that is stuck in the kernel (state D) cannot be reaped, and must not keep us.
            self.ended(0.2)
        if self._watch is not None:
            os.close(self._watch[1])


_running: set[int] = set()
"""Process groups that must not outlive us."""


def _hold_signals() -> Iterable[int]:
    """Hold back the signals that end a process without ``finally``, and have them end the children too; the mask before."""
    if os.name != "posix":
        return ()
    import signal

    deadly = (signal.SIGTERM, signal.SIGHUP)
    for number in deadly:
        if signal.getsignal(number) is signal.SIG_DFL:  # who embeds us keeps a handler of his own
            try:
                signal.signal(number, _end_all)
            except ValueError:  # not the main thread
                break
    return signal.pthread_sigmask(signal.SIG_BLOCK, (*deadly, signal.SIGINT))


def _release_signals(mask: Iterable[int]) -> None:
    if os.name != "posix":
        return
    import signal

    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _end_all(number: int, _frame: FrameType | None) -> None:
    """End the children, then ourselves by the same signal."""
    import signal

    for group in tuple(_running):
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:  # it has ended
            continue
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _watch(pid: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """A poll object that wakes when the child ends, with its descriptor; None where the kernel has no pidfd."""
    try:
        import select

        descriptor = os.pidfd_open(pid)
    except (AttributeError, ImportError, OSError):
        return None
    watch = select.poll()
    watch.register(descriptor, select.POLLIN)
    return watch, descriptor


class _Windows:
    """A child without a console window."""

    def __init__(
        self, argv: list[str], environ: Mapping[str, str], out: IO[bytes], err: IO[bytes], folder: str, mask: Iterable[int]
    ) -> None:
        import subprocess

        del mask
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        self._child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=dict(environ), creationflags=flags, cwd=folder or None
        )
        self._late = subprocess.TimeoutExpired
        self.status = 0

    def ended(self, seconds: float) -> bool:
        """Wait so long; whether it has ended."""
        try:
            self.status = self._child.wait(timeout=seconds)
        except self._late:
            return False
        return True

    def end(self) -> None:
        """End it."""
        if self._child.poll() is None:
            self._child.kill()
            self.ended(0.2)


def _scratch() -> IO[bytes]:
    """A file without a name: in memory on Linux, where that also spares the import of ``tempfile`` and works on a full disk."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("torchsmith"), "w+b", buffering=0)
    import tempfile

    return tempfile.TemporaryFile(buffering=0)


def _wait(child: _Posix | _Windows, wait: float, outputs: tuple[IO[bytes], ...], heard: Callable[[bytes], None] | None) -> None:
    """Return when the child has ended; NoAnswer when its time is over or it floods its outputs."""
    deadline = time.monotonic() + wait
    told = [0] * len(outputs)
    while not child.ended(max(0.0, min(_LOOK_EVERY, deadline - time.monotonic()))):
        if heard is not None:
            _tell(outputs, told, heard)
        if time.monotonic() >= deadline:
            raise NoAnswer(f"slow: no answer in {wait:g} s; try --wait 30")
        if any(os.fstat(output.fileno()).st_size > OUTPUT_LIMIT for output in outputs):
            raise NoAnswer(f"answered without end: more than {OUTPUT_LIMIT >> 20} MiB")
    if heard is not None:
        _tell(outputs, told, heard)


def _tell(outputs: tuple[IO[bytes], ...], told: list[int], heard: Callable[[bytes], None]) -> None:
    """What was printed since the last time, without moving where the program writes."""
    for number, output in enumerate(outputs):
        if not hasattr(os, "pread"):
            return
        data = os.pread(output.fileno(), OUTPUT_LIMIT, told[number])
        told[number] += len(data)
        if data:
            heard(data)


def _head(file: IO[bytes]) -> str:
    file.seek(0)
    return (file.read(OUTPUT_LIMIT) or b"").decode("utf-8", "replace")

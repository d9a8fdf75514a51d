"""Readings shared by forked workers, the answers streamed.

A worker is a fork of this process, so that it costs half a millisecond and inherits what is already loaded; tasks and answers
go through two pipes as marshalled frames. ``multiprocessing`` and ``concurrent.futures`` cost more to import than the reading
of forty CUDA libraries takes. Where a fork is not safe (macOS, Windows, a process with threads) the files are read here.
"""

from __future__ import annotations

import marshal
import os
import sys
from contextlib import suppress

from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, Self

    from torchsmith.model.known import Fact

    Read = Callable[..., Fact[Any]]
    """From the plain values of a task to a fact whose value is plain data."""

WORKERS_LIMIT = 16

BATCH_BYTES, BATCH_TASKS = 32 << 20, 32
"""What a worker is given at once: so much, or so many small ones."""

WORTH_IT = 12
"""Tasks, each counting one and one more for each 16 MiB, from which on workers are faster than this process alone."""

_LENGTH = 4
"""Bytes in front of a frame."""


@record
class Task:
    """Something to read: the arguments of the reading, plain data, and what they are expected to cost in bytes."""

    arguments: tuple[Any, ...]
    size: int


class Crew:
    """Workers that share the tasks they are given; a context manager, behind which no worker is left.

    Answers are frames, for ``fact`` to open: most are kept or passed on before anybody looks into them.
    """

    def __init__(self, read: Read, workers: int = 0) -> None:
        """``workers`` is the number of them, 0 for as many as there are processors."""
        self._read = read
        self._most = workers or min(usable_processors(), WORKERS_LIMIT)
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self._workers = []

    def work(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, bytes]]:
        """(task, answer) for each task as the answers come; one whose reader dies is Unknown, and the others go on."""
        waiting = sorted(tasks, key=lambda task: task.size)  # the largest is taken first, so that none is left for the end
        cost = sum(1 + (task.size >> 24) for task in waiting)
        if self._most > 1 and cost >= WORTH_IT and _may_fork():
            yield from self._share(waiting)
        while waiting:  # alone, or no process could be started
            task = waiting.pop()
            yield task, _answer(self._read, task.arguments)

    def _share(self, waiting: list[Task]) -> Iterator[tuple[Task, bytes]]:
        import select

        while True:
            self._deal(waiting)
            busy = {worker.answers: worker for worker in self._workers if worker.batch}
            if not busy:
                return
            ready = select.poll()
            for descriptor in busy:
                ready.register(descriptor, select.POLLIN)
            for descriptor, _ in ready.poll():
                worker = busy[descriptor]
                answer = _receive(descriptor)
                task = worker.batch.pop(0)
                if answer is None:
                    self._workers.remove(worker)
                    waiting += reversed(worker.batch)
                    answer = _frame(Unknown(f"its reader was ended by {worker.end()}"))
                self._deal(waiting)  # before the answer is looked at: that takes its time
                yield task, answer

    def _deal(self, waiting: list[Task]) -> None:
        """Give every worker something to do; start one more as long as there is something left."""
        for worker in self._workers:
            if waiting and not worker.batch:
                worker.give(_batch(waiting, self._most))
        while waiting and len(self._workers) < self._most:
            try:
                self._workers.append(_Worker(self._read, self._workers))
            except OSError:
                return  # no more processes: with fewer, or without
            self._workers[-1].give(_batch(waiting, self._most))


class _Worker:
    """A process that answers one batch of tasks at a time."""

    def __init__(self, read: Read, others: list[_Worker]) -> None:
        self.batch: list[Task] = []
        """What it has not answered yet."""
        mine, self.tasks = os.pipe()
        self.answers, out = os.pipe()
        try:
            self.pid = os.fork()
        except OSError:
            for descriptor in (mine, self.tasks, self.answers, out):
                os.close(descriptor)
            raise
        if self.pid == 0:
            try:
                # A pipe of the parent that stayed open here would keep its worker alive when the parent is gone.
                for descriptor in (self.tasks, self.answers, *(end for other in others for end in (other.tasks, other.answers))):
                    os.close(descriptor)
                _serve(read, mine, out)
            finally:
                os._exit(0)  # whatever happened: nothing of the parent is run twice
        os.close(mine)
        os.close(out)

    def give(self, batch: list[Task]) -> None:
        """Send it tasks; it must have answered all that it has."""
        self.batch = batch
        with suppress(BrokenPipeError):  # it has died: its answers end, and that is seen there
            _send(self.tasks, marshal.dumps([task.arguments for task in batch]))

    def end(self) -> str:
        """Kill it; return how it had ended."""
        import signal

        os.close(self.tasks)
        os.close(self.answers)
        with suppress(ChildProcessError):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if not pid:
                os.kill(self.pid, signal.SIGKILL)
                _, status = os.waitpid(self.pid, 0)
            if os.WIFSIGNALED(status):
                return f"signal {os.WTERMSIG(status)}"
        return "itself"


def _serve(read: Read, tasks: int, answers: int) -> None:
    """What a worker does until its tasks end."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal interrupts all of us; the parent ends its workers
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    while (batch := _receive(tasks)) is not None:
        for arguments in marshal.loads(batch):  # noqa: S302 - from our own parent
            _send(answers, _answer(read, arguments))


def _answer(read: Read, arguments: tuple[Any, ...]) -> bytes:
    try:
        return _frame(read(*arguments))
    except MemoryError:
        return _frame(Unknown("not enough memory to read it"))
    except Exception as error:  # noqa: BLE001 - one file must not end the reading of ten thousand
        return _frame(Unknown(f"a fault of torchsmith: {type(error).__name__}: {error}"))


def _frame(answer: Fact[Any]) -> bytes:
    if isinstance(answer, Known):
        return marshal.dumps((True, answer.value, answer.source))
    return marshal.dumps((False, answer.reason, answer.tried))


def fact(frame: bytes) -> Fact[Any]:
    """The answer in a frame of ours."""
    known, value, where = marshal.loads(frame)  # noqa: S302 - from our own worker
    return Known(value, where) if known else Unknown(value, where)


def _batch(waiting: list[Task], workers: int) -> list[Task]:
    """Take the next tasks: a large one alone, small ones together, and fewer towards the end."""
    most = max(1, min(BATCH_TASKS, len(waiting) // (4 * workers)))
    batch: list[Task] = []
    size = 0
    while waiting and len(batch) < most and size < BATCH_BYTES:
        batch.append(waiting.pop())
        size += batch[-1].size
    return batch


def _send(descriptor: int, data: bytes) -> None:
    left = memoryview(len(data).to_bytes(_LENGTH, "little") + data)
    while left:
        left = left[os.write(descriptor, left) :]


def _receive(descriptor: int) -> bytes | None:
    """The next frame; None where the other end is closed or broke off."""
    head = _exactly(descriptor, _LENGTH)
    return None if head is None else _exactly(descriptor, int.from_bytes(head, "little"))


def _exactly(descriptor: int, length: int) -> bytes | None:
    parts = []
    while length:
        part = os.read(descriptor, min(length, 1 << 20))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _may_fork() -> bool:
    """Whether this process can be doubled: a lock that another thread holds would stay locked in the child for ever."""
    if not hasattr(os, "fork") or sys.platform == "darwin":  # Apple's libraries do not survive a fork
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        threading = sys.modules.get("threading")
        return threading is None or threading.active_count() == 1


def usable_processors(cgroup: str = "/sys/fs/cgroup") -> int:
    """Processors that this process may use: by its affinity, and by the quota of its control group."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            words = " ".join(_text(f"{cgroup}/{name}") for name in files).split()
            quota, period = int(words[0]), int(words[1])
        except (OSError, ValueError, IndexError):
            continue  # no such file, or no quota ("max")
        if quota > 0 and period > 0:
            count = min(count, -(-quota // period))
    return max(count, 1)


def _text(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read(100)

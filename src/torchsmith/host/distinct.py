"""Thousands of paths, of which many lead to one content: each content is read once, in parallel, in bounded memory."""

from __future__ import annotations

from torchsmith.host import crew
from torchsmith.host.copies import Copies
from torchsmith.model.known import Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from torchsmith.host.base import Candidate
    from torchsmith.host.copies import Identity
    from torchsmith.model.known import Fact

DISTINCT_LIMIT = 4096
"""Files that are gathered before they are read, the largest first."""

PATHS_LIMIT = 32_768
"""Paths that wait for the answer of their file."""

REMEMBERED = 16 << 20
"""Bytes of answers that are kept for paths still to come."""


def binaries(read: Callable[[str], Fact[Any]], files: Iterable[Candidate], workers: int = 0) -> Iterator[tuple[str, Fact[Any]]]:
    """(path, what ``read`` answers for it) for every file; see ``Host.binaries``. ``workers`` as in ``crew.Crew``.

    Paths of one content come one after the other, with one value: who makes something of it can make it once for all.
    """
    copies = Copies()
    with crew.Crew(read, workers) as readers:
        reading = _Reading(readers)
        for file in files:
            if reading.wait(file, copies.original(file)):
                yield from reading.answers()
        yield from reading.answers()


class _Reading:
    """The files that wait to be read, the paths that wait for them, and the answers that may be asked for again."""

    def __init__(self, readers: crew.Crew) -> None:
        self._readers = readers
        self._remembered: dict[Identity, bytes] = {}
        self._bytes = 0
        self._count = 0
        self._paths: dict[Identity, list[str]] = {}
        self._tasks: dict[crew.Task, Identity] = {}

    def wait(self, file: Candidate, identity: Identity) -> bool:
        """Put it with those that wait; return whether these are enough."""
        self._count += 1
        if identity in self._paths:
            self._paths[identity].append(file.path)
        else:
            self._paths[identity] = [file.path]
            if identity not in self._remembered:
                self._tasks[crew.Task((file.path,), file.size)] = identity
        return len(self._tasks) >= DISTINCT_LIMIT or self._count >= PATHS_LIMIT

    def answers(self) -> Iterator[tuple[str, Fact[Any]]]:
        """The answers for all that wait; nothing waits afterwards."""
        for task, frame in self._readers.work(self._tasks):
            identity = self._tasks[task]
            yield from _for_all(self._paths.pop(identity), frame)
            self._remember(identity, frame)
        for identity, paths in self._paths.items():
            yield from _for_all(paths, self._remembered[identity])
        self._tasks, self._paths, self._count = {}, {}, 0
        while self._bytes > REMEMBERED:
            self._bytes -= len(self._remembered.pop(next(iter(self._remembered))))  # the oldest: it is read again if need be

    def _remember(self, identity: Identity, frame: bytes) -> None:
        self._remembered[identity] = frame
        self._bytes += len(frame)


def _for_all(paths: list[str], frame: bytes) -> Iterator[tuple[str, Fact[Any]]]:
    """The answer for each path: one content has one answer, whichever path it was read by."""
    answer = crew.fact(frame)
    for path in paths:
        yield path, Known(answer.value, path) if isinstance(answer, Known) else answer

"""What every reader promises for any input, and how one execution is held to it.

An answer or BinaryError, in a second, in 64 MiB, without a look at anything but the bytes that were given.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from torchsmith.binaries.errors import BinaryError

try:
    import resource
except ImportError:  # Windows: the fuzzer does not run there, the kept corpus is replayed without the limits
    resource = None  # type: ignore[assignment]

MEMORY = 64 << 20
"""Bytes of address space by which one execution may grow."""

SECONDS = 1.0
"""Of user CPU time: what the machine does besides does not count."""

HANG = 10.0
"""The same for tests, which run on slow machines too: what takes so long is a hang."""

_FORBIDDEN = (
    *("open", "exec", "compile", "import", "marshal.", "pickle.", "code."),
    *("os.", "subprocess.", "ctypes.", "socket.", "mmap.", "shutil.", "tempfile.", "urllib.", "winreg.", "fcntl."),
)

Read = Callable[[bytes], object]


class Fault(NamedTuple):
    """A promise that was broken."""

    kind: str
    """The exception's name, ``slow``, ``memory`` or ``touched``."""
    place: str
    """The innermost line of ours, as ``elf.py:123``."""
    report: str

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.place}".replace(":", "-")


class Memory(io.BytesIO):
    """Bytes as a file that also reads at a place in one call, like the host's."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._data = data

    def read_at(self, length: int, offset: int) -> bytes:
        return self._data[offset : offset + length]


class _TooSlow(BaseException):
    pass


class _Touched(BaseException):
    pass


class _Audit:
    """Raises where a reader opens, imports or starts something; CPython never lets a hook go, so there is one."""

    def __init__(self) -> None:
        self.on = False
        self.installed = False

    def install(self) -> None:
        if not self.installed:
            sys.addaudithook(self)
            self.installed = True

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.on and event.startswith(_FORBIDDEN):
            self.on = False  # what reports it may open files
            raise _Touched(f"{event} {arguments!r:.200}")


_audit = _Audit()


def judged(read: Read, data: bytes, seconds: float = SECONDS, *, may_open: bool = False, memory: int = MEMORY) -> Fault | None:
    """Run ``read`` on ``data``; the promise that it broke, if any."""
    begun = time.process_time()
    try:
        with _limits(seconds, memory, may_open=may_open):
            read(data)
    except BinaryError:
        pass
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the finding
        kind = {"_TooSlow": "slow", "_Touched": "touched", "MemoryError": "memory"}.get(
            type(error).__name__, type(error).__name__
        )
        return Fault(kind, _place(error), "".join(traceback.format_exception(error)))
    spent = time.process_time() - begun
    if spent > 2 * seconds:  # in one call that no signal interrupts
        return Fault("slow", "?", f"{spent:.1f} s of CPU time")
    return None


@contextlib.contextmanager
def _limits(seconds: float, memory: int, *, may_open: bool) -> Iterator[None]:
    _audit.install()
    if resource is None:
        _audit.on = not may_open
        try:
            yield
        finally:
            _audit.on = False
        return
    before, most = resource.getrlimit(resource.RLIMIT_AS), _address_space() + memory
    earlier = signal.signal(signal.SIGVTALRM, _too_slow)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    _audit.on = not may_open
    try:
        yield
    finally:
        _audit.on = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.signal(signal.SIGVTALRM, earlier)


def _too_slow(_signal: int, _frame: FrameType | None) -> None:
    raise _TooSlow


def _address_space() -> int:
    """Bytes that are mapped now; a huge number where the system does not tell, which switches the limit off."""
    try:
        return int(os.pread(_statm(), 64, 0).split()[0]) * resource.getpagesize()
    except OSError:
        return 1 << 60


_descriptor: list[int] = []


def _statm() -> int:
    if not _descriptor:
        _descriptor.append(os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC))
    return _descriptor[0]


def _place(error: BaseException) -> str:
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "/torchsmith/" in frame.filename.replace("\\", "/")]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"


def smallest(read: Read, data: bytes, fault: Fault, tries: int = 2000) -> bytes:
    """The shortest, then emptiest input that was found to break the same promise at the same place."""
    size = max(len(data) // 2, 1)
    while size and tries > 0:
        at = len(data)
        while at > 0 and tries > 0:
            at = max(at - size, 0)
            shorter, emptier = data[:at] + data[at + size :], data[:at] + bytes(len(data[at : at + size])) + data[at + size :]
            for candidate in (shorter, emptier):
                tries -= 1
                found = judged(read, candidate) if candidate != data else None
                if found is not None and found[:2] == fault[:2]:
                    data = candidate
                    break
        size //= 2
    return data

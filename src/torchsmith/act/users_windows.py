"""Windows: processes whose program or libraries lie in an environment. A folder with such a file cannot be renamed.

By the tool-help interface of the system, which needs no rights beside one's own; of another user's process it tells nothing.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from torchsmith.act.users import Prefix

_PROCESSES, _MODULES, _MODULES32 = 0x2, 0x8, 0x10
_LIMIT = 3.0


def using(prefix: Prefix) -> dict[int, str]:
    """Each process that has a program or a library of the environment loaded, with its program."""
    found: dict[int, str] = {}
    if sys.platform == "win32":
        ends = time.monotonic() + _LIMIT
        own = family(os.getpid(), {pid: parent for pid, parent, _ in _processes()})
        for pid, _, name in _processes():
            if time.monotonic() > ends:
                break
            if pid and pid not in own and any(holds(prefix, path) for path in _modules(pid)):
                found[pid] = name
    return found


def holds(prefix: Prefix, path: str) -> bool:
    """Whether a file lies below the folder; names are equal whatever their letters' case."""
    told = path.replace("/", "\\").lower()
    names = (name.replace("/", "\\").rstrip("\\").lower() for name in prefix.names)
    return any(told.startswith(f"{name}\\") for name in names)


def family(me: int, parents: dict[int, int]) -> set[int]:
    """A process, those above it, and all that came from it."""

    def line(pid: int) -> list[int]:
        found: list[int] = []
        while pid and pid not in found:
            found.append(pid)
            pid = parents.get(pid, 0)
        return found

    return {*line(me), *(pid for pid in parents if me in line(pid))}


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    class _Process(ctypes.Structure):
        _fields_ = (
            ("size", wintypes.DWORD),
            ("usage", wintypes.DWORD),
            ("pid", wintypes.DWORD),
            ("heap", ctypes.c_size_t),
            ("module", wintypes.DWORD),
            ("threads", wintypes.DWORD),
            ("parent", wintypes.DWORD),
            ("priority", wintypes.LONG),
            ("flags", wintypes.DWORD),
            ("name", ctypes.c_wchar * 260),
        )

    class _Module(ctypes.Structure):
        _fields_ = (
            ("size", wintypes.DWORD),
            ("id", wintypes.DWORD),
            ("pid", wintypes.DWORD),
            ("usage", wintypes.DWORD),
            ("own_usage", wintypes.DWORD),
            ("base", ctypes.c_void_p),
            ("length", wintypes.DWORD),
            ("handle", ctypes.c_void_p),
            ("name", ctypes.c_wchar * 256),
            ("path", ctypes.c_wchar * 260),
        )

    def _walk(flags: int, pid: int, row: Any, first: str, after: str) -> Iterator[Any]:
        """The rows of a snapshot."""
        kernel = ctypes.windll.kernel32
        kernel.CreateToolhelp32Snapshot.restype = ctypes.c_void_p
        taken = kernel.CreateToolhelp32Snapshot(flags, pid)
        if taken in {None, ctypes.c_void_p(-1).value}:
            return
        try:
            row.size = ctypes.sizeof(row)
            more = getattr(kernel, first)(ctypes.c_void_p(taken), ctypes.byref(row))
            while more:
                yield row
                more = getattr(kernel, after)(ctypes.c_void_p(taken), ctypes.byref(row))
        finally:
            kernel.CloseHandle(ctypes.c_void_p(taken))

    def _processes() -> list[tuple[int, int, str]]:
        rows = _walk(_PROCESSES, 0, _Process(), "Process32FirstW", "Process32NextW")
        return [(int(row.pid), int(row.parent), str(row.name)) for row in rows]

    def _modules(pid: int) -> list[str]:
        rows = _walk(_MODULES | _MODULES32, pid, _Module(), "Module32FirstW", "Module32NextW")
        return [str(row.path) for row in rows]

"""What Windows tells only to a caller of its libraries: memory and processors. Each call answers at once."""

from __future__ import annotations

import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# IsProcessorFeaturePresent's numbers.
FEATURES = {38: "sse4.2", 39: "avx", 40: "avx2", 41: "avx512f"}
_MEMORY = struct.Struct("<II7Q")
_CORE_HEAD = struct.Struct("<IIBB20xH")
_GROUP = struct.Struct("<QH6x")
_CORES = 0  # RelationProcessorCore


def parse_memory(answer: bytes) -> dict[str, int]:
    """MEMORYSTATUSEX: ``commit`` is what memory and page files can promise together."""
    _, _, total, available, commit, commit_free, *_ = _MEMORY.unpack(answer)
    return {"total": total, "available": available, "commit": commit, "commit_free": commit_free}


def parse_cores(answer: bytes) -> list[list[int]]:
    """Efficiency class and threads of each core, from SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX records; a cut one ends it."""
    cores, place = [], 0
    while place + _CORE_HEAD.size <= len(answer):
        relation, size, _, efficiency, groups = _CORE_HEAD.unpack_from(answer, place)
        if size < _CORE_HEAD.size or place + size > len(answer):
            break
        masks = [
            _GROUP.unpack_from(answer, offset)[0]
            for offset in range(place + _CORE_HEAD.size, place + size - _GROUP.size + 1, _GROUP.size)
        ][:groups]
        if relation == _CORES:
            cores.append([efficiency, sum(mask.bit_count() for mask in masks)])
        place += size
    return cores


def memory() -> dict[str, int]:
    """GlobalMemoryStatusEx.

    Raises:
        OSError: this is not Windows, or it does not answer.

    """
    if sys.platform != "win32":
        raise OSError(0, "only Windows is asked this way")
    import ctypes

    buffer = ctypes.create_string_buffer(_MEMORY.pack(_MEMORY.size, *[0] * 8), _MEMORY.size)
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(buffer):
        raise OSError(0, "GlobalMemoryStatusEx failed")
    return parse_memory(buffer.raw)


def processors() -> dict[str, Any]:
    """``cores`` as ``parse_cores`` tells them, ``allowed`` processors of this process, known ``features``.

    Raises:
        OSError: this is not Windows, or it does not answer.

    """
    if sys.platform != "win32":
        raise OSError(0, "only Windows is asked this way")
    import ctypes

    kernel = ctypes.windll.kernel32
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    size = ctypes.c_ulong(0)
    kernel.GetLogicalProcessorInformationEx(_CORES, None, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    if not size.value or not kernel.GetLogicalProcessorInformationEx(_CORES, buffer, ctypes.byref(size)):
        raise OSError(0, "GetLogicalProcessorInformationEx failed")
    mine, all_of_them = ctypes.c_size_t(0), ctypes.c_size_t(0)
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    asked = kernel.GetProcessAffinityMask(process, ctypes.byref(mine), ctypes.byref(all_of_them))
    return {
        "cores": parse_cores(buffer.raw),
        "allowed": mine.value.bit_count() if asked and mine.value else None,
        "features": [name for number, name in FEATURES.items() if kernel.IsProcessorFeaturePresent(number)],
    }

"""Binary readers by name, as the host port offers them: a path goes in, plain data comes out, nothing is loaded or run."""

from __future__ import annotations

from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO


def _gpu_code(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import elf, fatbin, formats, pe

    sections = elf.read(file, size).sections if formats.format_of(file, size) == "elf" else pe.read(file, size).sections
    return fatbin.scan(file, size, sections)


def _shared(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import shared

    return shared.describe(file, size)


def _numpy_abi(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import numpy_abi

    return numpy_abi.read(file, size)


def _cudnn(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import cudnn

    return cudnn.version(file, size)


def _ld_cache(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import ld_cache

    return ld_cache.parse(file.read(min(size, 16 << 20)))


def _torch_record(file: BinaryIO, size: int) -> object:
    """Path and size of torch's own native files in a wheel's RECORD: a few of its fifteen thousand rows."""
    import re

    rows = re.findall(rb"(?m)^(torch/(?:lib/[^/,\n]+|_C\.[^/,\n]+)),[^,\n]*,([0-9]{1,15})\r?$", file.read(min(size, 32 << 20)))
    native = ((path.decode("utf-8", "replace"), int(length)) for path, length in rows)
    return [[path, length] for path, length in native if path.endswith((".dll", ".pyd", ".dylib", ".so")) or ".so." in path]


READERS: dict[str, Callable[[BinaryIO, int], object]] = {
    "gpu-code": _gpu_code,
    "shared": _shared,
    "numpy-abi": _numpy_abi,
    "cudnn": _cudnn,
    "ld-cache": _ld_cache,
    "torch-record": _torch_record,
}


def read(reader: str, place: str, path: str) -> Fact[Any]:
    """Apply the reader to the regular file at ``place``, which is known to the probes as ``path``.

    Raises:
        OSError: the file cannot be opened.

    """
    import os
    import stat

    from torchsmith.binaries.errors import BinaryError

    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(place, flags), "rb", buffering=0) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            return Unknown("not a regular file", (path,))
        if hasattr(os, "posix_fadvise") and reader == "gpu-code":
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # thousands of small headers: no read-ahead
        try:
            return Known(plain(READERS[reader](file, found.st_size)), path)
        except BinaryError as error:
            return Unknown(str(error), (path,))

"""Binary readers by name, as the host port offers them: a path goes in, plain data comes out, nothing is loaded or run."""

from __future__ import annotations

from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, BinaryIO


def _gpu_code(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import elf, fatbin, formats, pe

    sections = elf.read(file, size).sections if formats.format_of(file, size) == "elf" else pe.read(file, size).sections
    return fatbin.scan(file, size, sections)


def _shared(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import shared

    return {**plain(shared.describe(file, size)), "identity": _identity(file)}


def _loading(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import loading

    return {**loading.describe(file, size), "identity": _identity(file)}


def _identity(file: BinaryIO) -> str:
    """What two paths of one file have in common: a loader loads it once."""
    import os

    found = os.fstat(file.fileno())
    return f"{found.st_dev}:{found.st_ino}"


def _numpy_abi(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import numpy_abi

    return numpy_abi.read(file, size)


def _cudnn(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import cudnn

    return cudnn.version(file, size)


def _ld_cache(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import ld_cache

    return ld_cache.parse(file.read(min(size, 16 << 20)))


def _arch_list(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import torch_build

    return torch_build.arch_list(file, size)


def _torch_record(file: BinaryIO, size: int) -> object:
    """Path and size of torch's own native files in a wheel's RECORD: a few of its fifteen thousand rows."""
    text = b"\n" + file.read(min(size, 16 << 20))
    rows = []
    for beginning in (b"\ntorch/lib/", b"\ntorch/_C."):
        place = text.find(beginning)
        while place >= 0:
            end = text.find(b"\n", place + 1)
            row = text[place + 1 : end if end >= 0 else len(text)].decode("utf-8", "replace").rstrip("\r").rsplit(",", 2)
            if len(row) == 3 and row[2].isdecimal() and row[0].count("/") <= 2 and _native(row[0]):
                rows.append([row[0], int(row[2][:15])])
            place = text.find(beginning, place + 1)
    return rows


def _native(path: str) -> bool:
    return path.endswith((".dll", ".pyd", ".dylib", ".so")) or ".so." in path


def _requires_torch(file: BinaryIO, size: int) -> object:
    """The lines of a METADATA file that ask for torch: nothing else of it belongs in a recording."""
    head = file.read(min(size, 1 << 18)).partition(b"\n\n")[0].decode("utf-8", "replace")
    return [line.strip() for line in head.splitlines() if line.startswith("Requires-Dist: torch")]


def _object(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import inspected

    return inspected.inspect(file, size, file.path)  # type: ignore[attr-defined]


def _in_environment(file: BinaryIO, size: int) -> object:
    """One of the many files of an environment: a RECORD is compared with what is installed, all else is read as a binary.

    As ``object``, but long sections are not searched for hidden GPU code.
    """
    path: str = file.path  # type: ignore[attr-defined]
    if path.endswith("/RECORD"):
        from torchsmith.host import installed

        folder = path.rpartition("/")[0].rpartition("/")[0]
        # From lib/python3.12/site-packages, or Lib/site-packages, to the environment: scripts lie there.
        return installed.compare(path, folder, 3 if "/lib/python" in folder else 2, hashed=False)
    from torchsmith.binaries import inspected

    return inspected.inspect(file, size, path, inspected.SEARCHED)


def _vector_code(file: BinaryIO, size: int) -> object:
    from torchsmith.binaries import elf, formats, pe, vector_code

    read = elf.read if formats.format_of(file, size) == "elf" else pe.read
    return vector_code.count(file, size, read(file, size))


def _first_bytes(file: BinaryIO, size: int) -> object:
    """``zip``, ``tar`` (also compressed) or "" for anything else: a binary."""
    from torchsmith.binaries.formats import container_of

    return container_of(file, size)


def _wheel(file: BinaryIO, size: int) -> object:
    """What a wheel says of itself, its native libraries, and its RECORD against its members."""
    from torchsmith.host import wheels

    return wheels.contents(file, size, file.path, hashed=False, deep=True)  # type: ignore[attr-defined]


def _wheel_hashed(file: BinaryIO, size: int) -> object:
    from torchsmith.host import wheels

    return wheels.contents(file, size, file.path, hashed=True, deep=True)  # type: ignore[attr-defined]


def _weights(file: BinaryIO, size: int) -> object:
    """The header of a model's file: safetensors, the index of several of them, or GGUF."""
    from torchsmith.binaries import gguf, safetensors

    path: str = file.path  # type: ignore[attr-defined]
    if file.read(4) == gguf.MAGIC:
        return gguf.read(file, size, path)
    file.seek(0)
    if path.endswith(".json"):
        return safetensors.index(file, size, path)
    return safetensors.read(file, size, path)


READERS: dict[str, Callable[[BinaryIO, int], object]] = {
    "object": _object,
    "in-environment": _in_environment,
    "first-bytes": _first_bytes,
    "vector-code": _vector_code,
    "gpu-code": _gpu_code,
    "shared": _shared,
    "loading": _loading,
    "numpy-abi": _numpy_abi,
    "cudnn": _cudnn,
    "arch-list": _arch_list,
    "ld-cache": _ld_cache,
    "torch-record": _torch_record,
    "requires-torch": _requires_torch,
    "wheel": _wheel,
    "wheel-hashed": _wheel_hashed,
    "weights": _weights,
}


def read(reader: str, place: str, path: str) -> Fact[Any]:
    """Apply the reader to the regular file at ``place``, which is known to the probes as ``path``.

    Raises:
        OSError: the file cannot be opened.

    """
    from torchsmith.binaries.errors import BinaryError

    try:
        file, size = opened(place, path)
        with file:
            if reader == "gpu-code":
                _seldom_in_order(file)
            return Known(plain(READERS[reader](file, size)), path)
    except BinaryError as error:
        return Unknown(str(error), (path,))


def bound(path: str, files: Iterable[tuple[str, str]]) -> Fact[Any]:
    """How the first of these files (place, path) is bound by the others; what cannot be read is told."""
    from contextlib import ExitStack

    from torchsmith.binaries.binding import bind
    from torchsmith.binaries.errors import BinaryError

    with ExitStack() as stack:
        found = []
        unread: list[list[str]] = []
        for place, known in files:
            try:
                file, size = opened(place, known)
            except (OSError, BinaryError) as error:
                if known == path:
                    return Unknown(str(error), (path,))
                unread.append([known, str(error)])
                continue
            found.append((known, stack.enter_context(file), size))
        try:
            answer = plain(bind(found[0], found[1:]))
            answer["unread"] += unread
            return Known(answer, path)
        except BinaryError as error:
            return Unknown(str(error), (path,))


def opened(place: str, path: str) -> tuple[BinaryIO, int]:
    """The regular file at ``place``, which knows that it is called ``path``, and its size.

    Raises:
        BinaryError: it is no regular file.
        OSError: it cannot be opened.

    """
    import os
    import stat

    from torchsmith.binaries.errors import BinaryError

    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    file = _file(os.open(place, flags), path)
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        file.close()
        raise BinaryError("not a regular file")
    return file, found.st_size


def _seldom_in_order(file: BinaryIO) -> None:
    """Thousands of small headers are read: what lies between them need not be fetched."""
    import os

    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)


def _file(descriptor: int, path: str) -> BinaryIO:
    """The open file, which knows its path and, where the system can, reads at a place in one call."""
    import os
    from functools import partial

    if not _INPUT:  # making a class takes a third of the time that a small file does
        import io

        _INPUT.append(type("Input", (io.FileIO,), {}))
    try:
        made = _INPUT[0](descriptor, "rb")
    except OSError:  # a folder
        os.close(descriptor)
        raise
    made.path = path
    if hasattr(os, "pread"):
        made.read_at = partial(os.pread, descriptor)  # no method of ours in between: it is called for every piece of GPU code
    file: BinaryIO = made
    return file


_INPUT: list[Any] = []

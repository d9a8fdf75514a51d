"""All that one wheel tells, as plain data: a local one, or one on a server."""

from __future__ import annotations

from torchsmith.binaries import wheel
from torchsmith.binaries.reader import BinaryFile
from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def contents(file: BinaryFile, size: int, name: str, *, hashed: bool, deep: bool, record: bool = True) -> dict[str, Any]:
    """``wheel``: a ``binaries.wheel.Wheel``; ``objects``: (path, object or None, problem) of each library if ``deep``;
    ``record``: the comparison with RECORD, or None if it is not wanted; ``hashed`` compares contents too;
    ``arch_list``: what ``torch.cuda.get_arch_list()`` says, of the libraries that were read.

    Raises:
        BinaryError: it is no zip file, or another kind of package.

    """
    found, archive = wheel.read(file, size, name)
    archs: list[str] = []
    objects = []
    for path, read, problem in wheel.objects(file, archive, found, _reader(archs)) if deep else ():
        objects.append([path, plain(read) if read is not None else None, problem])
    compared = wheel.compare_record(file, archive, hashed) if record and not archive.cut else None
    return {"wheel": plain(found), "objects": objects, "record": compared, "size": size, "arch_list": archs}


def _reader(archs: list[str]) -> Callable[[BinaryFile, int, str], object]:
    """What reads one library; the list of architectures in libtorch_python goes to ``archs``."""
    from torchsmith.binaries import inspected, torch_build

    def read(file: BinaryFile, size: int, path: str) -> object:
        found = inspected.inspect(file, size, path)
        if path.endswith(("torch/lib/libtorch_python.so", "torch/lib/torch_python.dll")):
            archs.extend(torch_build.arch_list(file, size) or ())
        return found

    return read

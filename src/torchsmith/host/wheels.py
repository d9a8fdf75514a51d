"""All that one wheel tells, as plain data: a local one, or one on a server."""

from __future__ import annotations

from torchsmith.binaries import wheel
from torchsmith.binaries.reader import BinaryFile
from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def contents(file: BinaryFile, size: int, name: str, *, hashed: bool, deep: bool, record: bool = True) -> dict[str, Any]:
    """``wheel``: a ``binaries.wheel.Wheel``; ``objects``: (path, object or None, problem) of each library if ``deep``;
    ``record``: the comparison with RECORD, or None if it is not wanted; ``hashed`` compares contents too.

    Raises:
        BinaryError: it is no zip file, or another kind of package.

    """
    found, archive = wheel.read(file, size, name)
    objects: list[list[Any]] = []
    if deep:
        from torchsmith.binaries import inspected

        objects = [
            [path, plain(read) if read is not None else None, problem]
            for path, read, problem in wheel.objects(file, archive, found, inspected.inspect)
        ]
    compared = wheel.compare_record(file, archive, hashed) if record and not archive.cut else None
    return {"wheel": plain(found), "objects": objects, "record": compared, "size": size}

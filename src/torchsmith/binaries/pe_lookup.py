"""Single exports of a DLL, found as Windows finds them: by binary search in its sorted table of names."""

from __future__ import annotations

import struct

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.pe_exports import EXPORT_LIMIT
from torchsmith.binaries.pe_image import EXPORTS, image
from torchsmith.binaries.reader import BinaryFile

_EXPORTS = struct.Struct("<IIHHIIIIIII")
_WHAT = "the export table"


class Exports:
    """What one DLL offers. Raises BinaryError for a damaged one."""

    def __init__(self, file: BinaryFile, size: int) -> None:
        self._image = image(file, size)
        self._names: tuple[int, ...] = ()
        self._functions: tuple[int, ...] = ()
        self._base = 0
        start = self._image.directory(EXPORTS)
        if start is None:
            return
        *_, self._base, functions, names, addresses, name_table, _ = self._image.unpack(_EXPORTS, start, _WHAT)
        if functions > EXPORT_LIMIT or names > EXPORT_LIMIT:
            raise BinaryError(f"{functions} exports, {names} of them with a name: at most {EXPORT_LIMIT} are believed")
        self._names = self._numbers(name_table, names)
        self._functions = self._numbers(addresses, functions)

    def offers(self, name: str) -> bool:
        """Whether the DLL has an export of this name, its own or forwarded."""
        wanted = name.encode("utf-8", "surrogateescape")
        low, high = 0, len(self._names)
        while low < high:
            middle = (low + high) // 2
            here = self._image.offset(self._names[middle])
            found = self._image.reader.up_to(here, len(wanted) + 1, _WHAT)
            found = found.partition(b"\0")[0]
            if found == wanted:
                return True
            low, high = (middle + 1, high) if found < wanted else (low, middle)
        return False

    def offers_ordinal(self, ordinal: int) -> bool:
        """Whether the DLL has an export of this number."""
        index = ordinal - self._base
        return 0 <= index < len(self._functions) and bool(self._functions[index])

    def _numbers(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self._image.at(address, 4 * count, _WHAT)) if count else ()

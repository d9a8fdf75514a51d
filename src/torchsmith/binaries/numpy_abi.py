"""Which NumPy an extension module was built for.

The C-API header of NumPy compiles the name of the module that it will import into every extension. Headers of NumPy 2
name ``numpy._core._multiarray_umath`` first and fall back on the old name, headers of NumPy 1 know the old one only
(numpy/_core/code_generators/generate_numpy_api.py). They compile the oldest NumPy that will serve into a message as well,
"so that binaries can be searched for it" (numpy/_core/include/numpy/numpyconfig.h): it is 2.0 or newer where the extension was
built with ``NPY_TARGET_VERSION`` set so, and such an extension refuses NumPy 1.
docs/measurements.md compares what is told here with real imports.
"""

from __future__ import annotations

from torchsmith.binaries.formats import constants
from torchsmith.binaries.reader import BinaryFile, Reader
from torchsmith.model.pattern import pattern
from torchsmith.model.place import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    NumpyAbi = Literal["1", "both", "2"]

OLD = b"numpy.core._multiarray_umath\0"
NEW = b"numpy._core._multiarray_umath\0"
OVERLAP = 256
"""Bytes that neighbouring windows must share, so that no text is cut."""

_MODULE = b"_multiarray_umath\0"
_CYTHON_TYPE = b"\0flatiter\0"
_FLOOR = b"C-API version 0x%x (NumPy "
_VERSION = pattern(rb"([0-9]{1,3})\.([0-9]{1,3})\) ")


class Marks:
    """What the constants of a file, fed piece by piece, say of NumPy."""

    def __init__(self) -> None:
        self.place: Place | None = None
        self.types = False
        """Whether it takes NumPy's types through Cython: their sizes are those of the NumPy that it was built with."""
        self._new = False
        self._floor: tuple[int, int] | None = None

    def feed(self, data: bytes, section: str, offset: int) -> None:
        """Take a piece that lies at ``offset`` of the file."""
        if not self._new and _MODULE in data:
            at = data.find(NEW)
            self._new = at >= 0
            at = at if self._new else data.find(OLD)
            if at >= 0 and (self._new or self.place is None):
                self.place = Place(section, offset + at, len(NEW if self._new else OLD) - 1)
        self.types = self.types or _CYTHON_TYPE in data
        at = data.find(_FLOOR)
        while at >= 0:
            said = _VERSION.match(data, at + len(_FLOOR))
            if said:
                self._floor = max(self._floor or (0, 0), (int(said[1]), int(said[2])))
            at = data.find(_FLOOR, at + 1)

    @property
    def abi(self) -> NumpyAbi | None:
        """``both``, ``1`` or ``2`` as of now; None for a file that does not use NumPy's C API."""
        if self.place is None:
            return None
        if not self._new:
            return "1"
        return "2" if self._floor and self._floor[0] >= 2 else "both"

    @property
    def floor(self) -> str | None:
        """The oldest NumPy that every part of the file accepts; None where its headers did not write it down."""
        return f"{self._floor[0]}.{self._floor[1]}" if self.place and self._floor else None


def read(file: BinaryFile, size: int) -> NumpyAbi | None:
    """Return ``both`` for an extension that runs on NumPy 1 and 2, ``1`` for NumPy 1 only, ``2`` for NumPy 2 and later.

    None: the file does not use NumPy's C API. Raises BinaryError for a bad file.
    """
    reader, marks = Reader(file, size), Marks()
    for section in constants(file, size):
        for offset, data in reader.chunks(section.offset, section.size, OVERLAP, f"section {section.name}"):
            marks.feed(data, section.name, offset)
    return marks.abi

"""Which NumPy an extension module was built for.

The C-API header of NumPy compiles the name of the module that it will import into every extension. Headers of NumPy 2
name ``numpy._core._multiarray_umath`` first and fall back on the old name, headers of NumPy 1 know the old one only
(numpy/_core/code_generators/generate_numpy_api.py). Checked by importing 12 wheels of both kinds under NumPy 2.4.
"""

from __future__ import annotations

from torchsmith.binaries.formats import constants
from torchsmith.binaries.reader import BinaryFile, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    NumpyAbi = Literal["1", "both"]

OLD = b"numpy.core._multiarray_umath"
NEW = b"numpy._core._multiarray_umath"


def read(file: BinaryFile, size: int) -> NumpyAbi | None:
    """Return ``both`` for an extension that runs on NumPy 1 and 2, ``1`` for one that runs on NumPy 1 only.

    None: the file does not use NumPy's C API. Raises BinaryError for a bad file.
    """
    reader = Reader(file, size)
    old = False
    for section in constants(file, size):
        for _, data in reader.chunks(section.offset, section.size, len(NEW), f"section {section.name}"):
            if NEW in data:
                return "both"
            old = old or OLD in data
    return "1" if old else None

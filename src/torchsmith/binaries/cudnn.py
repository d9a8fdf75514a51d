"""The version of a cuDNN library file.

cuDNN consists of a front library and several sub-libraries, which must be of one version. Each Linux sub-library has
a 32-bit data symbol such as ``cudnn_graph_version``; each Windows DLL but two has a version resource.
"""

from __future__ import annotations

import struct

from torchsmith.binaries import elf, pe
from torchsmith.binaries.formats import format_of
from torchsmith.binaries.reader import BinaryFile


def version(file: BinaryFile, size: int) -> str | None:
    """Return the version of a cuDNN library, such as ``9.26.0``; None where the file does not say.

    Raises BinaryError for a bad file.
    """
    if format_of(file, size) == "pe":
        found = pe.read(file, size).file_version
        return ".".join(found.split(".")[:3]) if found else None
    library = elf.read(file, size)
    for name in elf.exports(file, size, library):
        if name.startswith("cudnn_") and name.endswith("_version"):
            value = elf.symbol_bytes(file, size, library, name, 4)
            if value and (said := parse(struct.unpack(library.endian + "I", value)[0])):
                return said
    return None


def parse(value: int) -> str | None:
    """Return the version in the value of a symbol: ``major << 16 | minor << 8 | patch``; None if implausible."""
    major, minor, patch = value >> 16, value >> 8 & 0xFF, value & 0xFF
    return f"{major}.{minor}.{patch}" if 5 <= major <= 99 else None

"""Which kind of binary a file is, and where it keeps its constant texts."""

from __future__ import annotations

from torchsmith.binaries import elf, pe
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader, Section, apart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Format = Literal["elf", "pe"]


def format_of(file: BinaryFile, size: int) -> Format:
    """Tell ELF from PE by the first bytes; raise BinaryError for anything else."""
    start = Reader(file, size).up_to(0, 4, "the first bytes")
    if start == b"\x7fELF":
        return "elf"
    if start[:2] == b"MZ":
        return "pe"
    raise BinaryError("neither an ELF nor a PE file")


def container_of(file: BinaryFile, size: int) -> Literal["zip", "tar", ""]:
    """Tell the files that hold other files: a zip, or a tar that may be compressed (gzip, zstd); "" for anything else."""
    start = Reader(file, size).up_to(0, 512, "the first bytes")
    if start[:4] in {b"PK\3\4", b"PK\5\6"}:
        return "zip"
    if start[257:262] == b"ustar" or start[:2] == b"\x1f\x8b" or start[:4] == b"\x28\xb5\x2f\xfd":
        return "tar"
    return ""


def constants(file: BinaryFile, size: int) -> tuple[Section, ...]:
    """Return the sections that hold string literals: ``.rodata`` and ``.lrodata``, or ``.rdata``.

    Raises BinaryError for a bad file.
    """
    if format_of(file, size) == "elf":
        names, sections = {".rodata", ".lrodata"}, elf.read(file, size).sections
    else:
        names, sections = {".rdata"}, pe.read(file, size).sections
    return apart(section for section in sections if section.name in names or section.name.startswith(".rodata."))

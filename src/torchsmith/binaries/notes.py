"""ELF notes, and the command lines that a compiler was asked to record.

Sources: the System V ABI, chapter 5 (notes), the Linux extensions to it for program properties
(https://gitlab.com/x86-psABIs/Linux-ABI), and the x86-64 psABI, chapter 3.1.1, for the microarchitecture levels
(https://gitlab.com/x86-psABIs/x86-64-ABI).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from torchsmith.binaries.elf import Elf
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader, Section, text
from torchsmith.model.place import Place
from torchsmith.model.record import record

NOTES_LIMIT = 1024 * 1024
"""Bytes of notes in one section."""
LINES_LIMIT = 4 * 1024 * 1024
"""Bytes of recorded command lines."""

PROPERTIES = 5
"""``NT_GNU_PROPERTY_TYPE_0``: the type of the note of program properties, whose owner is GNU."""
ISA_NEEDED = 0xC0008002
"""``GNU_PROPERTY_X86_ISA_1_NEEDED``; glibc from 2.33 on refuses such a file on a lesser processor."""
LEVELS = ((8, "x86-64-v4"), (4, "x86-64-v3"), (2, "x86-64-v2"), (1, "x86-64"))
"""Bits of ISA_NEEDED, the highest first."""


@record
class Note:
    """One note."""

    owner: str
    kind: int
    content: bytes
    place: Place


def notes(file: BinaryFile, size: int, elf: Elf, section: Section) -> Iterator[Note]:
    """Yield the notes of a section; raise BinaryError for a damaged one."""
    reader = Reader(file, size)
    data = reader.at(section.offset, min(section.size, NOTES_LIMIT), f"section {section.name}")
    # All notes are aligned to 4 bytes but those of program properties in 64-bit files.
    align = 8 if elf.bits == 64 and section.name == ".note.gnu.property" else 4
    header = struct.Struct(elf.endian + "III")
    at = 0
    while at + header.size <= len(data):
        owner, length, kind = header.unpack_from(data, at)
        start = at + header.size
        content = _up(start + owner, align)
        if content + length > len(data):
            raise BinaryError(f"section {section.name}: a note of {length} bytes leaves it")
        name = text(data[start : start + owner].rstrip(b"\0"))
        place = Place(section.name, section.offset + at, content + length - at)
        yield Note(name, kind, data[content : content + length], place)
        at = _up(content + length, align)


def isa_needed(file: BinaryFile, size: int, elf: Elf) -> tuple[str, Place] | None:
    """Return the microarchitecture level that the file says it needs, such as ``x86-64-v3``, and where it says so.

    None for a file that says nothing. Raises BinaryError for damaged notes.
    """
    for section in elf.sections:
        if section.name != ".note.gnu.property":
            continue
        for note in notes(file, size, elf, section):
            if note.owner != "GNU" or note.kind != PROPERTIES:
                continue
            for kind, value in _properties(note.content, elf):
                if kind == ISA_NEEDED and len(value) >= 4:
                    bits = struct.unpack(elf.endian + "I", value[:4])[0]
                    level = next((level for bit, level in LEVELS if bits & bit), None)
                    if level:
                        return level, note.place
    return None


def command_lines(file: BinaryFile, size: int, elf: Elf) -> tuple[tuple[str, ...], Place] | None:
    """Return the command lines that ``-frecord-gcc-switches`` left, each once, and where; None without them.

    Raises BinaryError for a section that cannot be read.
    """
    section = next((one for one in elf.sections if one.name == ".GCC.command.line"), None)
    if section is None:
        return None
    data = Reader(file, size).at(section.offset, min(section.size, LINES_LIMIT), f"section {section.name}")
    lines = tuple(dict.fromkeys(text(line) for line in data.split(b"\0") if line))
    return lines, Place(section.name, section.offset, section.size)


def _properties(data: bytes, elf: Elf) -> Iterator[tuple[int, bytes]]:
    align = elf.bits // 8
    header = struct.Struct(elf.endian + "II")
    at = 0
    while at + header.size <= len(data):
        kind, length = header.unpack_from(data, at)
        start = at + header.size
        yield kind, data[start : start + length]
        at = _up(start + length, align)


def _up(value: int, align: int) -> int:
    return -(-value // align) * align

"""What a loader asks of a library and nothing else: name, needs, search paths. A third of the work of ``shared``.

The dynamic section, and the few strings that it points to, are read; sections, symbols and symbol versions are not.
"""

from __future__ import annotations

from torchsmith.binaries import elf, shared
from torchsmith.binaries.elf_layout import STRING_TABLE_LIMIT, Dt, Pt, layout_of
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.formats import format_of
from torchsmith.binaries.reader import BinaryFile, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NODEFLIB = 0x800
"""In ``DT_FLAGS_1``: the system's folders are not to be searched."""

_NAMES = (Dt.SONAME, Dt.NEEDED, Dt.RPATH, Dt.RUNPATH, Dt.AUXILIARY, Dt.FILTER)

_AT_ONCE = 1 << 16
"""Bytes: string tables up to this size are read whole."""


def describe(file: BinaryFile, size: int) -> dict[str, Any]:
    """The fields of ``shared.describe`` that loading takes; raise BinaryError for no library, or a damaged one."""
    if format_of(file, size) != "elf":
        library = shared.describe(file, size)
        return {"format": "pe", "machine": library.machine, "needed": library.needed, "file_version": library.file_version}
    reader = Reader(file, size)
    layout = layout_of(reader.up_to(0, 16, "the ELF header"))
    _, machine, _, _, phoff, _, _, _, phentsize, phnum, *_ = reader.unpack(layout.header, 0, "the ELF header")
    programs = elf.program_headers(reader, layout, phoff, phentsize, phnum)
    dynamic = elf.dynamic_section(reader, layout, programs)
    wanted = {tag: dynamic.get(tag, []) for tag in _NAMES}
    strings = _strings(reader, programs, dynamic) if any(wanted.values()) else None
    found = {tag: [strings(at) for at in places] if strings else [] for tag, places in wanted.items()}
    return {
        "format": "elf",
        "machine": dict(shared.ELF_MACHINES).get(machine, f"elf-{machine}"),
        "bits": layout.bits,
        "soname": found[Dt.SONAME][-1] if found[Dt.SONAME] else None,
        "needed": [*found[Dt.NEEDED], *found[Dt.FILTER]],
        "auxiliary": found[Dt.AUXILIARY],
        "rpath": found[Dt.RPATH][-1] if found[Dt.RPATH] else None,
        "runpath": found[Dt.RUNPATH][-1] if found[Dt.RUNPATH] else None,
        "interpreter": next(
            (reader.string(at, at + n, "the interpreter") for kind, at, _, n in programs if kind == Pt.INTERP), None
        ),
        "no_default": bool(dynamic.get(Dt.FLAGS_1, [0])[-1] & NODEFLIB),
    }


def _strings(reader: Reader, programs: list[tuple[int, int, int, int]], dynamic: dict[int, list[int]]) -> Any:
    """A function from a place in the dynamic string table to its string."""
    if not dynamic.get(Dt.STRTAB) or not dynamic.get(Dt.STRSZ):
        raise BinaryError("the dynamic section names libraries but has no string table")
    address, length = dynamic[Dt.STRTAB][0], dynamic[Dt.STRSZ][0]
    if length > STRING_TABLE_LIMIT:
        raise BinaryError(f"a dynamic string table of {length} bytes: at most {STRING_TABLE_LIMIT} are believed")
    segments = ((vaddr, offset, extent) for kind, offset, vaddr, extent in programs if kind == Pt.LOAD)
    start = next((offset + address - vaddr for vaddr, offset, extent in segments if vaddr <= address < vaddr + extent), None)
    if start is None:
        raise BinaryError(f"address {address:#x} is in no part of the file")
    what = "the dynamic string table"
    if length > _AT_ONCE:
        return lambda at: reader.string(start + at, start + length, what)
    from torchsmith.binaries.reader import Strings

    return Strings(reader.at(start, length, what), what, 16 * _AT_ONCE).at

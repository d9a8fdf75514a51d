"""Windows executables and DLLs: what they import, and what they say of themselves.

Source: https://learn.microsoft.com/windows/win32/debug/pe-format
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.pe_image import DEBUG, DELAY_IMPORTS, IMPORTS, LOAD_CONFIG, Image, image
from torchsmith.binaries.pe_version import file_version, version
from torchsmith.binaries.reader import BinaryFile, Section, text
from torchsmith.model.inspected import BinaryObject
from torchsmith.model.pattern import pattern
from torchsmith.model.place import Place
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeVar

    T = TypeVar("T")

IMPORT_LIMIT = 4096
DEBUG_LIMIT = 64
PATH_LIMIT = 4096

MACHINES = {0x14C: "x86", 0x1C4: "arm", 0x8664: "x86_64", 0xAA64: "aarch64", 0xA641: "arm64ec", 0xA64E: "arm64x"}
HYBRIDS = {0x8664: "arm64ec", 0xAA64: "arm64x"}
"""What a machine becomes where the file has Arm64EC code besides: such a DLL serves x86-64 processes on Windows on Arm."""

RUNTIME = pattern(r"(?:msvcp|vcruntime|concrt|vccorlib|vcomp|vcamp|msvcr)\d+\w*\.dll", re.IGNORECASE)
"""Microsoft's C++ runtime, which comes with its redistributable. ``msvcrt.dll`` and ``ucrtbase.dll`` are Windows' own."""
_PYTHON = pattern(r"python3(\d{0,2})(t?)(?:_d)?\.dll", re.IGNORECASE)

_IMPORT = struct.Struct("<IIIII")
_DELAY_IMPORT = struct.Struct("<IIIIIIII")
_DEBUG = struct.Struct("<IIHHIIII")
_PDB = struct.Struct("<4sIHH8sI")
_CODEVIEW = 2
_CHPE = 0xC8
"""Where a 64-bit load configuration points to the metadata of hybrid code."""
_LOAD_FLAGS = {32: 0x36, 64: 0x4E}
"""Where a load configuration holds ``DependentLoadFlags``."""


@record
class Pe:
    """What the headers, import tables and version resource of a PE file say."""

    bits: Literal[32, 64]
    machine: int
    """``Machine``: 0x8664 x86-64, 0xAA64 ARM64, 0x14C x86."""
    imports: tuple[str, ...]
    """DLL names in the order of the import table, spelled as in the file."""
    delay_imports: tuple[str, ...]
    """DLL names that are loaded when first used."""
    sections: tuple[Section, ...]
    file_version: str | None
    """``VS_FIXEDFILEINFO`` as ``a.b.c.d``; None where the file carries none."""


@record
class Pdb:
    """The debugging symbols that belong to a file."""

    identity: str
    """GUID and age as symbol servers write them: 32 and more hexadecimal digits."""
    path: str
    """As the linker wrote it."""
    place: Place


def read(file: BinaryFile, size: int) -> Pe:
    """Read a PE file of ``size`` bytes; raise BinaryError for one that is none, is damaged or is cut short."""
    mapped = image(file, size)
    return Pe(
        bits=mapped.bits,
        machine=mapped.machine,
        imports=tuple(_imports(mapped)),
        delay_imports=tuple(_delay_imports(mapped)),
        sections=mapped.sections,
        file_version=file_version(mapped),
    )


def inspected(file: BinaryFile, size: int) -> BinaryObject:
    """Read everything but GPU code; what is damaged ends in the warnings. Raises BinaryError where the headers are."""
    mapped = image(file, size)
    warnings = [_cut(section, size) for section in mapped.sections if section.offset + section.size > size][:1]

    def part(what: str, read_part: Callable[[], T], otherwise: T) -> T:
        try:
            return read_part()
        except BinaryError as error:
            warnings.append(f"{what}: {error}")
            return otherwise

    nothing: tuple[str, ...] = ()
    needed = part("imports", lambda: tuple(_imports(mapped)), nothing)
    delayed = part("delay imports", lambda: tuple(_delay_imports(mapped)), nothing)
    known = part("version", lambda: version(mapped), None)
    debug = part("debug directory", lambda: pdb(mapped), None)
    tables = (_table(mapped, name, index) for name, index in (("needed", IMPORTS), ("delay_needed", DELAY_IMPORTS)))
    places = [table for table in tables if table]
    places += [("file_version", known.place)] if known else []
    places += [("build_id", debug.place)] if debug else []
    return BinaryObject(
        format="pe",
        size=size,
        machine=part("load configuration", lambda: machine_name(mapped), MACHINES.get(mapped.machine, "")),
        bits=mapped.bits,
        file_version=known.file if known else None,
        build_id=debug.identity if debug else None,
        compiler=_compiler(mapped),
        needed=needed,
        delay_needed=delayed,
        places=tuple(places),
        warnings=tuple(warnings),
    )


def machine_name(mapped: Image) -> str:
    """Return the processor that the file is for, ``arm64ec`` and ``arm64x`` told from plain ones."""
    if mapped.bits == 64 and mapped.machine in HYBRIDS and _load_config(mapped, _CHPE, "<Q"):
        return HYBRIDS[mapped.machine]
    return MACHINES.get(mapped.machine, f"pe-{mapped.machine:#x}")


def load_flags(file: BinaryFile, size: int) -> int:
    """Return ``DependentLoadFlags``: where Windows looks for what this DLL imports, whatever its loader asks for; 0 is as usual.

    0x800 is System32 only. Raises BinaryError for a damaged file.
    """
    mapped = image(file, size)
    return _load_config(mapped, _LOAD_FLAGS[mapped.bits], "<H")


def pdb(mapped: Image) -> Pdb | None:
    """Return the debugging symbols that the debug directory names; raise BinaryError where it is damaged."""
    start = mapped.directory(DEBUG)
    if start is None:
        return None
    count = min(mapped.directories[DEBUG][1] // _DEBUG.size, DEBUG_LIMIT)
    for row in range(count):
        *_, kind, length, _, place = mapped.unpack(_DEBUG, start + row * _DEBUG.size, "the debug directory")
        if kind != _CODEVIEW or length < _PDB.size or not place:
            continue
        data = mapped.reader.at(place, min(length, _PDB.size + PATH_LIMIT), "the name of the debugging symbols")
        magic, first, second, third, rest, age = _PDB.unpack_from(data)
        if magic == b"RSDS":
            guid = f"{first:08X}{second:04X}{third:04X}{rest.hex().upper()}"
            section = next((m.section for m in mapped.mappings if m.offset <= place < m.offset + m.size), "")
            return Pdb(f"{guid}{age:X}", text(data[_PDB.size :].partition(b"\0")[0]), Place(section, place, length))
    return None


def runtime_dlls(imports: Iterable[str]) -> tuple[str, ...]:
    """Return those of the imported DLLs that come with Microsoft's C++ redistributable."""
    return tuple(name for name in imports if RUNTIME.fullmatch(name))


def python_abi(imports: Iterable[str]) -> str | None:
    """Return the interpreters that an extension module is for, by the Python DLL that it imports.

    ``python311.dll`` is ``cp311``, ``python313t.dll`` ``cp313t``; ``python3.dll`` is the stable ABI, ``abi3`` (``abi3t``).
    """
    found = [match for name in imports if (match := _PYTHON.fullmatch(name))]
    exact = [f"cp3{match[1]}{match[2].lower()}" for match in found if match[1]]
    stable = [f"abi3{match[2].lower()}" for match in found if not match[1]]
    return next(iter((*exact, *stable)), None)


def _load_config(mapped: Image, at: int, layout: str) -> int:
    """Return a number of the load configuration; 0 where it is too short to have it, or there is none."""
    address = mapped.directory(LOAD_CONFIG)
    if address is None:
        return 0
    (length,) = mapped.unpack(struct.Struct("<I"), address, "the load configuration")
    if at + struct.calcsize(layout) > length:
        return 0
    return mapped.unpack(struct.Struct(layout), address + at, "the load configuration")[0]


def _compiler(mapped: Image) -> str | None:
    """Return the linker: only Microsoft's leaves its ``Rich`` mark between the DOS program and the PE header."""
    head = mapped.reader.up_to(0, 0x400, "the DOS header")
    major, minor = mapped.linker
    if not major:
        return None
    rich = head.find(b"Rich", 0x40, max(head.find(b"PE\0\0"), 0)) > 0
    return f"Microsoft linker {major}.{minor:02d}" if rich else f"linker {major}.{minor}"


def _table(mapped: Image, name: str, index: int) -> tuple[str, Place] | None:
    """Return where the table of a data directory lies; None where the file has none there."""
    address = mapped.directory(index)
    if address is None:
        return None
    try:
        return name, mapped.place(address, mapped.directories[index][1])
    except BinaryError:
        return None


def _cut(section: Section, size: int) -> str:
    end = section.offset + section.size
    return f"section {section.name} ends at {end}, the file at {size}: the file was cut short"


def _imports(mapped: Image) -> Iterator[str]:
    address = mapped.directory(IMPORTS)
    if address is None:
        return
    for _ in range(IMPORT_LIMIT):
        _, _, _, name, thunk = mapped.unpack(_IMPORT, address, "the import table")
        if not name or not thunk:  # where the Windows loader stops
            return
        yield mapped.string(name, "the name of an imported DLL")
        address += _IMPORT.size
    raise BinaryError(f"more than {IMPORT_LIMIT} imported DLLs")


def _delay_imports(mapped: Image) -> Iterator[str]:
    address = mapped.directory(DELAY_IMPORTS)
    if address is None:
        return
    for _ in range(IMPORT_LIMIT):
        attributes, name, *_rest = mapped.unpack(_DELAY_IMPORT, address, "the delay import table")
        if not name:
            return
        relative = attributes & 1  # before Visual C++ 7 these were absolute addresses
        yield mapped.string(name if relative else name - mapped.base, "the name of a delay-loaded DLL")
        address += _DELAY_IMPORT.size
    raise BinaryError(f"more than {IMPORT_LIMIT} delay-loaded DLLs")

"""macOS binaries: what they load, where dyld looks for it, what they offer, and the macOS that they are for.

A universal file holds one image (a slice) per processor. Sources: Apple's ``mach-o/loader.h``, ``mach-o/fat.h`` and
``mach-o/nlist.h`` (https://github.com/apple-oss-distributions/xnu/tree/main/EXTERNAL_HEADERS/mach-o).
"""

from __future__ import annotations

import struct

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader, Section, text
from torchsmith.model.inspected import BinaryObject
from torchsmith.model.place import Place
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

SLICE_LIMIT = 16
COMMAND_LIMIT = 4096
COMMANDS_SIZE_LIMIT = 4 * 1024 * 1024
SECTION_LIMIT = 4096

THIN = {b"\xcf\xfa\xed\xfe": 64, b"\xce\xfa\xed\xfe": 32}
"""First bytes of an image -> word size; all processors of today are little endian."""
_BIG_ENDIAN = (b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce")
_FAT = {b"\xca\xfe\xba\xbe": ">IIIII", b"\xca\xfe\xba\xbf": ">IIQQII"}
"""First bytes of a universal file -> one row of its table."""
_JAVA = 0x2B
"""A Java class starts like a universal file, with its own version (45 and up) where that has the count of images."""

_64, _ARM, _ARM64_32 = 0x01000000, 0x02000000, 0x0200000C
MACHINES = {7: "x86", 7 | _64: "x86_64", 12: "arm", 12 | _64: "aarch64", _ARM64_32: "arm64_32", 18: "ppc", 18 | _64: "ppc64"}
_ARM64E = 2
_SUBTYPE = 0x00FFFFFF
KINDS = {1: "object", 2: "execute", 6: "dylib", 7: "dylinker", 8: "bundle", 9: "dylib stub", 10: "dsym"}
PLATFORMS = {1: "macos", 2: "ios", 3: "tvos", 4: "watchos", 6: "maccatalyst", 7: "ios-simulator", 11: "visionos"}

OPTIONAL = frozenset(("weak", "lazy"))
"""Ways of loading that an image does without, or that come later."""
_LOADS = {0xC: "load", 0x18: "weak", 0x1F: "reexport", 0x20: "lazy", 0x23: "upward"}
_ID, _SEGMENT, _SEGMENT_64, _RPATH, _UUID = 0xD, 0x1, 0x19, 0x1C, 0x1B
_BUILD_VERSION = 0x32
# command -> what it is kept as, where its numbers start, and which they are
_TABLES = {0x2: ("symbols", 8, "<IIII"), 0x22: ("trie", 40, "<II"), 0x33: ("trie", 8, "<II")}
_MINIMUM = {0x24: "macos", 0x25: "ios", 0x2F: "tvos", 0x30: "watchos"}
_REQUIRED = 0x80000000
"""Set in a command that dyld must understand."""

_HEADER = struct.Struct("<IiiIIIII")
_COMMAND = struct.Struct("<II")
_SEGMENTS = {
    32: (struct.Struct("<16sIIIIiiII"), struct.Struct("<16s16sIIIIIIIII")),
    64: (struct.Struct("<16sQQQQiiII"), struct.Struct("<16s16sQQIIIIIIII")),
}
_ZERO_FILL = (1, 0xC, 0x12)
_PLACES = ("soname", "needed", "delay_needed", "rpath", "build_id")
"""Fields of the record of an inspected binary."""


@record
class Dylib:
    """One library that an image loads, by the name and versions that it was linked with."""

    name: str
    """A path, or one that starts with ``@rpath``, ``@loader_path`` or ``@executable_path``."""
    how: str
    """``load``; ``weak`` may be missing; ``reexport`` offers its symbols as its own; ``upward``, ``lazy``."""
    current: str
    compatible: str
    """The library that is found must be compatible to at least this."""


@record
class Table:
    """Where a table lies, in bytes from the start of the file; ``count`` is of entries, or of bytes for a trie."""

    offset: int
    count: int


@record
class Slice:
    """One image of a file, the only one of a thin file."""

    machine: str
    """``x86_64``, ``aarch64``, ``arm64e`` ..."""
    offset: int
    size: int


@record
class MachO:
    """What the load commands of one image say."""

    bits: Literal[32, 64]
    machine: str
    kind: str
    """``dylib``, ``bundle`` (what Python's extension modules are), ``execute`` ..."""
    name: str | None
    """The install name: what others that are linked against it will ask for."""
    version: str | None
    compatible: str | None
    dylibs: tuple[Dylib, ...]
    rpaths: tuple[str, ...]
    platform: str | None
    minimum: str | None
    """The oldest system that it is for, such as ``11.0``."""
    sdk: str | None
    uuid: str | None
    sections: tuple[Section, ...]
    """Named ``__TEXT,__text``; places are in the file, not in the slice."""
    symbols: Table | None
    names: Table | None
    exported: Table | None
    """The trie of exports, which dyld looks symbols up in."""
    slice: Slice
    places: tuple[tuple[str, Place], ...]


def is_macho(start: bytes) -> bool:
    """Whether a file that starts with these (at least eight) bytes is one, universal or thin."""
    if start[:4] in _FAT and len(start) >= 8:
        return int.from_bytes(start[4:8], "big") < _JAVA
    return start[:4] in THIN or start[:4] in _BIG_ENDIAN


def slices(file: BinaryFile, size: int) -> tuple[Slice, ...]:
    """Return the images of a file; raise BinaryError for one that is no Mach-O file or has an image outside of itself."""
    reader = Reader(file, size)
    start = reader.up_to(0, 8, "the Mach-O header")
    if not is_macho(start):
        raise BinaryError("not a Mach-O file")
    if start[:4] in _BIG_ENDIAN:
        raise BinaryError("a big-endian Mach-O file: these are for PowerPC")
    if start[:4] in THIN:
        _, processor, subtype, *_ = reader.unpack(_HEADER, 0, "the Mach-O header") if size >= _HEADER.size else _short(reader)
        return (Slice(_machine(processor, subtype), 0, size),)
    count = int.from_bytes(start[4:], "big")
    if not 0 < count <= SLICE_LIMIT:
        raise BinaryError(f"{count} images in one file: at most {SLICE_LIMIT} are believed")
    row = struct.Struct(_FAT[start[:4]])
    found = []
    for index in range(count):
        processor, subtype, offset, length, *_ = reader.unpack(row, 8 + index * row.size, "the table of images")
        if offset + length > size:
            raise BinaryError(f"an image of {length} bytes at {offset} lies outside the file of {size} bytes", cut_short=True)
        found.append(Slice(_machine(processor, subtype), offset, length))
    return tuple(found)


def read(file: BinaryFile, size: int, machine: str = "") -> MachO:
    """Read the image for ``machine``, else the first that is not for another word size than today's Macs have.

    Raises BinaryError for a file that is none, has no such image, or is damaged or cut short.
    """
    images = slices(file, size)
    wanted = [found for found in images if found.machine == machine] if machine else _preferred(images)
    if not wanted:
        raise BinaryError(f"no image for {machine}, only for {', '.join(found.machine for found in images)}")
    return _Commands(Reader(file, size), wanted[0]).read()


def inspected(file: BinaryFile, size: int) -> BinaryObject:
    """Read the load commands; of a universal file the image for Apple silicon, with a warning where another one differs.

    Raises BinaryError where no image can be read.
    """
    images = slices(file, size)
    warnings = []
    read_ones = []
    for found in _preferred(images):
        try:
            read_ones.append(_Commands(Reader(file, size), found).read())
        except BinaryError as error:
            if len(images) == 1:
                raise
            warnings.append(f"the image for {found.machine}: {error}")
    if not read_ones:
        raise BinaryError(f"none of {len(images)} images can be read: {warnings[0]}")
    main, *others = read_ones
    warnings += [
        f"the image for {other.machine} needs other libraries than that for {main.machine}"
        for other in others
        if (other.dylibs, other.rpaths) != (main.dylibs, main.rpaths)
    ]
    return BinaryObject(
        format="macho",
        size=size,
        machine="+".join(found.machine for found in images),
        bits=main.bits,
        soname=main.name,
        file_version=main.version,
        build_id=main.uuid,
        needed=tuple(dylib.name for dylib in main.dylibs if dylib.how not in OPTIONAL),
        delay_needed=tuple(dylib.name for dylib in main.dylibs if dylib.how in OPTIONAL),
        rpath=":".join(main.rpaths) if main.rpaths else None,
        places=tuple((name, place) for name, place in main.places if name in _PLACES),
        warnings=tuple(warnings),
    )


def _preferred(images: tuple[Slice, ...]) -> list[Slice]:
    order = ("aarch64", "arm64e", "x86_64")
    return sorted(images, key=lambda found: order.index(found.machine) if found.machine in order else len(order))


def _short(reader: Reader) -> Any:
    raise BinaryError(f"a Mach-O file of {reader.size} bytes has no header", cut_short=True)


def _machine(processor: int, subtype: int) -> str:
    if processor == 12 | _64 and subtype & _SUBTYPE == _ARM64E:
        return "arm64e"
    return MACHINES.get(processor, f"macho-{processor & 0xFFFFFFFF:#x}")


class _Commands:
    """The load commands of one image, gathered."""

    def __init__(self, reader: Reader, place: Slice) -> None:
        self._reader, self._slice = reader, place
        self._dylibs: list[Dylib] = []
        self._rpaths: list[str] = []
        self._sections: list[Section] = []
        self._one: dict[str, Any] = {}
        self._places: dict[str, Place] = {}
        self._segments = 0

    def read(self) -> MachO:
        start = self._slice.offset
        magic = self._reader.at(start, 4, "the Mach-O header")
        if magic not in THIN:
            raise BinaryError(f"the image for {self._slice.machine} is no Mach-O image")
        self._bits: Literal[32, 64] = 64 if THIN[magic] == 64 else 32
        _, _, _, kind, count, length, *_ = self._reader.unpack(_HEADER, start, "the Mach-O header")
        if count > COMMAND_LIMIT or length > COMMANDS_SIZE_LIMIT:
            raise BinaryError(f"{count} load commands of {length} bytes: not believed")
        first = start + (32 if self._bits == 64 else 28)
        if first + length > start + self._slice.size:
            raise BinaryError(f"load commands of {length} bytes end behind their image", cut_short=True)
        data = self._reader.at(first, length, "the load commands")
        position = 0
        for _ in range(count):
            if position + _COMMAND.size > length:
                raise BinaryError("a load command behind the last one")
            command, size = _COMMAND.unpack_from(data, position)
            if size < _COMMAND.size or position + size > length:
                raise BinaryError(f"a load command of {size} bytes at {first + position} is damaged")
            try:
                self._command(command & ~_REQUIRED, data[position : position + size], first + position)
            except struct.error as error:
                raise BinaryError(f"load command {command:#x} of {size} bytes is too short") from error
            position += size
        return self._result(kind)

    def _command(self, command: int, data: bytes, place: int) -> None:
        if command in _LOADS or command == _ID:
            self._dylib(command, data, place)
        elif command == _RPATH:
            self._rpaths.append(_text(data, *struct.unpack_from("<I", data, 8)))
            self._extend("rpath", place, len(data))
        elif command in {_SEGMENT, _SEGMENT_64}:
            self._segment(data, 64 if command == _SEGMENT_64 else 32)
        elif command == _UUID:
            self._set("build_id", struct.unpack_from("16s", data, 8)[0].hex().upper(), place, len(data))
        elif command == _BUILD_VERSION:
            platform, minimum, sdk = struct.unpack_from("<III", data, 8)
            self._set("system", (PLATFORMS.get(platform, str(platform)), minimum, sdk), place, len(data))
        elif command in _MINIMUM:
            self._set("system", (_MINIMUM[command], *struct.unpack_from("<II", data, 8)), place, len(data))
        elif command in _TABLES:
            name, at, layout = _TABLES[command]
            self._set(name, struct.unpack_from(layout, data, at), place, len(data))

    def _dylib(self, command: int, data: bytes, place: int) -> None:
        name, _, current, compatible = struct.unpack_from("<IIII", data, 8)
        found = Dylib(_text(data, name), _LOADS.get(command, "id"), _version(current), _version(compatible))
        if command == _ID:
            self._set("soname", found, place, len(data))
            return
        self._dylibs.append(found)
        self._extend("delay_needed" if found.how in OPTIONAL else "needed", place, len(data))

    def _segment(self, data: bytes, bits: int) -> None:
        header, row = _SEGMENTS[bits]
        *_, count, _ = header.unpack_from(data, 8)
        if len(self._sections) + count > SECTION_LIMIT:
            raise BinaryError(f"more than {SECTION_LIMIT} sections")
        for index in range(count):
            section, segment, _, size, offset, *_rest = row.unpack_from(data, 8 + header.size + index * row.size)
            flags = _rest[3]
            in_file = 0 if flags & 0xFF in _ZERO_FILL else size
            name = ",".join(text(part.rstrip(b"\0")) for part in (segment, section))
            self._sections.append(Section(name, self._slice.offset + offset, in_file, flags))

    def _set(self, name: str, value: object, place: int, size: int) -> None:
        if name not in self._one:
            self._one[name] = value
            self._places[name] = Place("", place, size)

    def _extend(self, name: str, place: int, size: int) -> None:
        known = self._places.get(name)
        self._places[name] = Place("", known.offset, place + size - known.offset) if known else Place("", place, size)

    def _result(self, kind: int) -> MachO:
        start = self._slice.offset
        own = self._one.get("soname")
        platform, minimum, sdk = self._one.get("system", (None, 0, 0))
        symbols, count, names, names_size = self._one.get("symbols", (0, 0, 0, 0))
        trie, trie_size = self._one.get("trie", (0, 0))
        return MachO(
            bits=self._bits,
            machine=self._slice.machine,
            kind=KINDS.get(kind, str(kind)),
            name=own.name if own else None,
            version=own.current if own else None,
            compatible=own.compatible if own else None,
            dylibs=tuple(self._dylibs),
            rpaths=tuple(self._rpaths),
            platform=platform,
            minimum=_system(minimum),
            sdk=_system(sdk),
            uuid=self._one.get("build_id"),
            sections=tuple(self._sections),
            symbols=Table(start + symbols, count) if count else None,
            names=Table(start + names, names_size) if names_size else None,
            exported=Table(start + trie, trie_size) if trie_size else None,
            slice=self._slice,
            places=tuple(self._places.items()),
        )


def _text(data: bytes, offset: int) -> str:
    """Return the text of a load command, which may fill it to its end."""
    if not 8 <= offset < len(data):
        raise BinaryError("a load command whose name lies outside of it")
    return text(data[offset:].partition(b"\0")[0])


def _version(number: int) -> str:
    """``X.Y.Z`` in 16, 8 and 8 bits."""
    return f"{number >> 16}.{number >> 8 & 0xFF}.{number & 0xFF}"


def _system(number: int) -> str | None:
    return _version(number).removesuffix(".0") if number else None

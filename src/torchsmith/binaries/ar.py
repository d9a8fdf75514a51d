"""Archives of object files (``.a``, ``.lib``): their members, and the GPU code of each.

Source: ar(5) of FreeBSD for the two ways to write long names
(https://man.freebsd.org/cgi/man.cgi?query=ar&sektion=5), binutils' documentation for thin archives.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader, Window, text
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.gpu_code import GpuCode

MAGIC, THIN_MAGIC = b"!<arch>\n", b"!<thin>\n"
MEMBER_LIMIT = 100_000
NAMES_LIMIT = 64 * 1024 * 1024
"""Bytes of GNU's table of long names."""
NAME_LIMIT = 4096
"""Bytes of one name: all members may share a long one."""

_HEADER = 60
_INDEXES = frozenset({"/", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64", "__.SYMDEF_64 SORTED", "/<ECSYMBOLS>/"})
"""Symbol tables. Microsoft's archives have two, both named "/"."""


@record
class Member:
    """One file in an archive: its name, and its place in bytes from the archive's start."""

    name: str
    offset: int
    size: int


def is_thin(file: BinaryFile, size: int) -> bool:
    """Whether the archive holds only the names of its members: their content lies in files of their own."""
    return Reader(file, size).up_to(0, 8, "the archive's first bytes") == THIN_MAGIC


def members(file: BinaryFile, size: int) -> Iterator[Member]:
    """Yield the members in the order of the file, without symbol tables; those of a thin archive have no content here (size 0).

    Raises BinaryError, after the sound members, where the archive is damaged or cut short.
    """
    reader = Reader(file, size)
    magic = reader.up_to(0, 8, "the archive's first bytes")
    if magic not in {MAGIC, THIN_MAGIC}:
        raise BinaryError("not an archive")
    thin = magic == THIN_MAGIC
    position, seen = 8, 0
    names: tuple[int, int] | None = None
    while position < size:
        header = reader.at(position, _HEADER, "an archive member's header")
        if header[58:] != b"`\n":
            raise BinaryError(f"the archive has no member at {position}")
        name, length = text(header[:16].rstrip(b" ")), _number(header[48:58], position)
        start = position + _HEADER
        seen += 1
        if seen > MEMBER_LIMIT:
            raise BinaryError(f"more than {MEMBER_LIMIT} members: the rest was not read")
        held = not thin or name in _INDEXES or name == "//"
        stop = start + (length if held else 0)
        if stop > size:
            raise BinaryError(f"the member {name} ends at {stop}, the archive at {size}: it was cut short", cut_short=True)
        if name == "//":
            names = (start, min(length, NAMES_LIMIT))
        elif name not in _INDEXES:
            name, before = _long_name(reader, name, start, stop, names)
            if name not in _INDEXES:
                yield Member(name, start + before, stop - start - before)
        position = stop + (stop & 1)


def gpu_code(file: BinaryFile, size: int) -> Iterator[tuple[Member, GpuCode]]:
    """Yield (member, its GPU code) for each object that has some; raise BinaryError as ``members`` does.

    An object that cannot be read is one without GPU code.
    """
    from torchsmith.binaries import coff, elf, fatbin

    for member in members(file, size):
        window = Window(file, member.offset, member.size, size)
        start = window.read_at(4, 0)
        try:
            if start == b"\x7fELF":
                sections = elf.read(window, member.size).sections
            elif start[:2] in coff.MACHINES:
                sections = coff.sections(window, member.size)
            else:
                continue
        except BinaryError:
            continue
        code = fatbin.scan(window, member.size, sections)
        if code.containers or code.warnings:
            yield member, code


def _number(field: bytes, position: int) -> int:
    digits = field.strip(b" ")
    if not digits.isdigit():
        raise BinaryError(f"the archive member at {position} has no size")
    return int(digits)


def _long_name(reader: Reader, name: str, start: int, stop: int, names: tuple[int, int] | None) -> tuple[str, int]:
    """The name, and how many bytes of the content it takes (BSD)."""
    if name.startswith("#1/") and name[3:].isdecimal():
        length = int(name[3:])
        if length > min(stop - start, NAME_LIMIT):
            raise BinaryError(f"the name of the member at {start} takes {length} bytes of its {stop - start}")
        return text(reader.at(start, length, "a member's name").rstrip(b"\0")), length
    if name.startswith("/") and name[1:].isdecimal():
        if names is None or int(name[1:]) >= names[1]:
            raise BinaryError(f"the name of the member at {start} is not in the archive's table of names")
        place = names[0] + int(name[1:])
        return text(_line(reader, place, names[0] + names[1])), 0
    return name.removesuffix("/"), 0


def _line(reader: Reader, place: int, end: int) -> bytes:
    """A name of the table: GNU ends it with a slash and a line feed, Microsoft with a NUL."""
    for length in (256, NAME_LIMIT):
        data = reader.at(place, min(length, end - place), "a member's name")
        ends = [at for mark in (b"\n", b"\0") if (at := data.find(mark)) >= 0]
        if ends:
            return data[: min(ends)].removesuffix(b"/")
    return data.removesuffix(b"/")

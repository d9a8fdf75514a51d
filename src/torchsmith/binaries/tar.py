"""What a tar file holds: ustar, pax headers and GNU's long names, read header by header. Nothing is ever unpacked.

The formats are POSIX.1-2008 ``pax`` and the GNU tar manual's "Basic Tar Format". Names are data: one that climbs or is absolute
stays as it is, and harms nobody, since nothing is written by it.
"""

from __future__ import annotations

import struct

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import text
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.binaries.reader import ReadAt

BLOCK = 512

MEMBERS_LIMIT = 1_000_000
"""Headers of one archive; the largest images have a third of it in all their layers."""

NAME_LIMIT = 64 * 1024
"""Bytes of one name."""

PAX_LIMIT = 1024 * 1024
"""Bytes of one extended header; they hold file attributes too."""

SIZE_LIMIT = 1 << 62

_HEADER = struct.Struct("<100s24x12s12x8sc100s8s80x155s12x")
_ZEROS = bytes(BLOCK)
_KINDS = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"1": "link",
    b"2": "symlink",
    b"3": "device",
    b"4": "device",
    b"5": "dir",
    b"6": "pipe",
    b"S": "sparse",
}
_EXTENDING = {b"x", b"g", b"L", b"K"}
"""Headers about the member behind them: pax, pax for all members, GNU's long name, GNU's long link."""

_WITHOUT_DATA = {"link", "symlink", "device", "dir", "pipe"}
"""Whatever size their header gives."""


@record
class Member:
    """One file in a tar."""

    name: str
    """As in the archive; bytes that are no UTF-8 are escaped."""
    kind: str
    """``file``, ``dir``, ``link`` (to a member), ``symlink``, ``device``, ``pipe``, ``sparse`` (with holes: GNU's own)."""
    size: int
    """Bytes of its data."""
    offset: int
    """Of its data, from the start of the archive."""
    link: str = ""
    """What a link names."""


def members(read_at: ReadAt, warnings: list[str], limit: int = MEMBERS_LIMIT) -> Iterator[Member]:
    """Yield the members in their order; ``read_at`` gives fewer bytes at the archive's end only.

    Damage behind the first header ends in ``warnings``, and so do more than ``limit`` members.
    Raises BinaryError where there is no tar at all.
    """
    place = 0
    extended: dict[str, str] = {}
    for count in range(limit + 1):
        block = read_at(BLOCK, place)
        if block == _ZEROS:
            return
        try:
            name, size, mark, link = _header(block, place)
            data = place + BLOCK
            if mark in _EXTENDING:
                extended |= _extension(read_at, mark, size, data)
            else:
                if mark == b"S":
                    data = _behind_map(read_at, block, data)
                member = _member(name, size, mark, link, data, extended)
                extended, size = {}, member.size
                yield member
        except BinaryError as error:
            if not count:
                raise
            warnings.append(f"{error}; the rest was not read")
            return
        place = data + (size + BLOCK - 1) // BLOCK * BLOCK
    warnings.append(f"more than {limit} members: the rest was not read")


def _header(block: bytes, place: int) -> tuple[str, int, bytes, str]:
    """Name, size, type and link of a header whose checksum is right."""
    if len(block) < BLOCK:
        raise BinaryError(f"the archive was cut short: it ends at {place + len(block)}", cut_short=True)
    name, size, checksum, mark, link, magic, prefix = _HEADER.unpack(block)
    right = sum(block) - sum(checksum) + 8 * 0x20
    if _number(checksum, place) != right and _number(checksum, place) != right - 256 * sum(b > 127 for b in block):
        raise BinaryError(f"the tar header at {place} is damaged" if place else "not a tar file")
    shown = text(name.partition(b"\0")[0])
    if magic[:6] == b"ustar\0" and prefix[0]:  # GNU's own format has other fields there
        shown = text(prefix.partition(b"\0")[0]) + "/" + shown
    return shown, _number(size, place), mark, text(link.partition(b"\0")[0])


def _number(field: bytes, place: int) -> int:
    """A number in octal digits, or in binary where its first bit is set."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if field[0] & 0x40 or value > SIZE_LIMIT:
            raise BinaryError(f"the tar header at {place} has an impossible size")
        return value
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        raise BinaryError(f"the tar header at {place} is damaged" if place else "not a tar file")
    return int(digits or b"0", 8)


def _member(name: str, size: int, mark: bytes, link: str, data: int, extended: dict[str, str]) -> Member:
    kind = _KINDS.get(mark, "other")
    if kind == "file" and name.endswith("/"):
        kind = "dir"  # before ustar, folders had no type of their own
    if kind in _WITHOUT_DATA:
        size = 0
    elif "size" in extended:
        if not (extended["size"].isdecimal() and len(extended["size"]) < 19):
            raise BinaryError(f"the extended header before {data} has an impossible size")
        size = int(extended["size"])
    if any(key.startswith("GNU.sparse.") for key in extended):
        kind = "sparse"
    name = extended.get("GNU.sparse.name") or extended.get("path") or name  # beside the first, "path" is a made-up one
    return Member(name, kind, size, data, extended.get("linkpath", link))


def _extension(read_at: ReadAt, mark: bytes, size: int, data: int) -> dict[str, str]:
    """What a header says of the member behind it; what a global one says of all (a comment, mostly) is of no use here."""
    if size > (PAX_LIMIT if mark in {b"x", b"g"} else NAME_LIMIT):
        raise BinaryError(f"an extended header of {size} bytes at {data}")
    content = read_at(size, data)
    if len(content) < size:
        raise BinaryError(f"the archive was cut short in the extended header at {data}", cut_short=True)
    if mark == b"x":
        return _pax(content, data)
    return {} if mark == b"g" else {"path" if mark == b"L" else "linkpath": text(content.partition(b"\0")[0])}


def _pax(content: bytes, place: int) -> dict[str, str]:
    """The records ``length key=value`` that matter here; ``length`` counts the whole record, with its line feed."""
    found = {}
    at = 0
    while at < len(content) and content[at]:
        space = content.find(b" ", at, at + 20)
        digits = content[at:space] if space > 0 else b""
        end = at + int(digits) if digits.isdigit() else 0
        key, equals, value = content[space + 1 : end - 1].partition(b"=")
        if not at < end <= len(content) or not equals:
            raise BinaryError(f"the extended header at {place} is damaged")
        if key in {b"path", b"linkpath", b"size"} or key.startswith(b"GNU.sparse."):
            if len(value) > NAME_LIMIT:
                raise BinaryError(f"a name of {len(value)} bytes at {place}")
            found[text(key[:40])] = text(value)
        at = end
    return found


def _behind_map(read_at: ReadAt, block: bytes, data: int) -> int:
    """Where the data of GNU's old sparse file begins: behind the blocks of its map."""
    more, first = block[482], data
    while more:
        if data - first > PAX_LIMIT:
            raise BinaryError(f"the map of the sparse file at {first} has no end")
        block = read_at(BLOCK, data)
        if len(block) < BLOCK:
            raise BinaryError("the archive was cut short in the map of a sparse file", cut_short=True)
        more, data = block[504], data + BLOCK
    return data

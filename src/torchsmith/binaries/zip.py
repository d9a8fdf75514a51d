"""What a zip file holds, read from its central directory: nothing is unpacked before it was judged.

The format is PKWARE's APPNOTE 6.3.10. Names, sizes and places are the file's own claims. A member whose claims cannot be true
bears a ``fault`` and is not opened.
"""

from __future__ import annotations

import struct
from itertools import pairwise

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.inflate import Inflated
from torchsmith.binaries.reader import BinaryFile, Reader, Window
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_MEMBERS = 100_000
"""The largest torch wheels have 15,000."""

DIRECTORY_LIMIT = 16 * 1024 * 1024
"""Bytes of central directory; those of torch wheels have 1.3 million."""

RATIO = 1032
"""Deflate cannot do better: a member that claims more is a lie."""

TAIL = 22 + 0xFFFF + 20
"""Bytes at the end of a zip file that hold its end record, whatever comment follows it, and zip64's locator."""

STORED, DEFLATED = 0, 8

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_WIDE = 0xFFFFFFFF
_DRIVE = pattern(r"[A-Za-z]:")
_CONTROL = pattern(r"[\x00-\x1f\x7f]")
_OTHER_METHODS = {9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz", 99: "AES"}


@record
class Member:
    """One file in a zip. All numbers are bytes; ``header`` is the place of its local header."""

    name: str
    """As in the file; what is no UTF-8 is escaped."""
    method: int
    """0 stored, 8 deflated."""
    packed: int
    size: int
    crc: int
    header: int
    encrypted: bool = False
    fault: str = ""
    """Why it is not opened; "" for a sound one."""


@record
class Archive:
    """The members in the order of the directory, folders left out. ``size`` is the file's."""

    members: tuple[Member, ...]
    size: int
    directory: int
    """Where the directory begins: members lie before it."""
    warnings: tuple[str, ...] = ()
    cut: bool = False
    """The directory is lost, with the end of the file; the members were found one after the other from the start."""


def read(file: BinaryFile, size: int) -> Archive:
    """Read the directory of a zip file of ``size`` bytes.

    A file whose end is missing is walked from its start, as far as members can be told there. Raises BinaryError for a
    file that is no zip, and for one beyond the limits.
    """
    reader = Reader(file, size)
    end = _end_record(reader)
    if end is None:
        directory = size
        members, warnings = _walk(reader), ["the end of the file is missing: it was cut short, and its list of members is lost"]
    else:
        count, length, directory = end
        members, warnings = _directory(reader, length, directory), []
        if len(members) > count:
            warnings.append(f"{len(members)} members where the end of the file tells of {count}")
    judged = tuple(_judge(members, size, cut=end is None))
    if len({member.name for member in judged}) < len(judged):
        warnings.append("two members have the same name")
    faulty = [member for member in judged if member.fault]
    warnings += [f"{member.name[:200]}: {member.fault}" for member in faulty[:10]]
    if len(faulty) > 10:
        warnings.append(f"{len(faulty) - 10} more members are faulty")
    return Archive(judged, size, directory, tuple(warnings), cut=end is None)


def opened(file: BinaryFile, archive: Archive, member: Member) -> Window | Inflated:
    """The content of a member as a file with a ``size``; raise BinaryError for a faulty one."""
    if member.fault:
        raise BinaryError(f"{member.name[:200]}: {member.fault}")
    start = _content(Reader(file, archive.size), member)
    if member.method == STORED:
        return Window(file, start, min(member.size, archive.size - start) if archive.cut else member.size, archive.size)
    return Inflated(file, start, member.packed, archive.size, member.size, crc=member.crc)


def extent(archive: Archive, member: Member) -> int:
    """Bytes from a member's header to what follows it."""
    following = min((other.header for other in archive.members if other.header > member.header), default=archive.directory)
    return max(min(following, archive.directory) - member.header, 0)


def content(file: BinaryFile, archive: Archive, member: Member, limit: int) -> bytes:
    """The bytes of a small member; raise BinaryError if it claims more than ``limit`` of them."""
    if member.size > limit:
        raise BinaryError(f"{member.name[:200]} claims {member.size} bytes: at most {limit} are believed")
    opening = opened(file, archive, member)
    data = opening.read(member.size)
    if isinstance(opening, Inflated) and opening.problem:
        raise BinaryError(f"{member.name[:200]}: {opening.problem}")
    return data


def _end_record(reader: Reader) -> tuple[int, int, int] | None:
    """Number of members, size and place of the directory; None where the file has no end record."""
    start = max(reader.size - TAIL, 0)
    tail = reader.up_to(start, TAIL, "the end of the zip file")
    if start == 0 and tail[:4] not in {b"PK\3\4", b"PK\5\6"}:
        raise BinaryError("not a zip file")
    at = tail.rfind(b"PK\5\6")
    while at >= 0 and at + _END.size + int.from_bytes(tail[at + 20 : at + 22], "little") != len(tail):
        at = tail.rfind(b"PK\5\6", 0, at)
    if at < 0:
        return None
    _, disk, first_disk, _, count, length, place, _ = _END.unpack_from(tail, at)
    behind = start + at
    if at >= _LOCATOR.size and tail[at - _LOCATOR.size :][:4] == b"PK\6\7":
        _, _, where, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
        mark, _, _, _, disk, first_disk, _, count, length, place = reader.unpack(_END_64, where, "the zip64 end record")
        if mark != b"PK\6\6":
            raise BinaryError("the zip64 end record is not where the zip file says")
        behind = where
    if (disk, first_disk) not in {(0, 0), (_WIDE, _WIDE), (0xFFFF, 0xFFFF)}:
        raise BinaryError("a part of a split zip file")
    if count > MOST_MEMBERS or length > DIRECTORY_LIMIT:
        raise BinaryError(f"a zip file of {count} members, {length} bytes of directory: at most {MOST_MEMBERS} are believed")
    if place + length != behind:
        raise BinaryError("the directory is not where the zip file says: data was put in front of it, or taken away")
    return count, length, place


def _directory(reader: Reader, length: int, start: int) -> list[Member]:
    data = reader.at(start, length, "the directory of the zip file")
    members: list[Member] = []
    at = 0
    while at < length:
        if data[at : at + 4] != b"PK\1\2" or at + _ENTRY.size > length:
            raise BinaryError(f"the directory of the zip file is damaged behind {len(members)} members")
        fields = _ENTRY.unpack_from(data, at)
        flags, method, crc, packed, size, name_size, extra_size, comment_size = *fields[3:5], *fields[7:13]
        name_at = at + _ENTRY.size
        extra_at = name_at + name_size
        at = extra_at + extra_size + comment_size
        if at > length:
            raise BinaryError(f"the directory of the zip file is damaged behind {len(members)} members")
        header = fields[16]
        if _WIDE in {packed, size, header}:
            size, packed, header = _wide(data[extra_at : extra_at + extra_size], size, packed, header)
        name = data[name_at:extra_at]
        if name.endswith(b"/"):
            continue
        members.append(Member(_text(name, flags), method, packed, size, crc, header, bool(flags & 1)))
        if len(members) > MOST_MEMBERS:
            raise BinaryError(f"a zip file of more than {MOST_MEMBERS} members")
    return members


def _wide(extra: bytes, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """Numbers that need more than 32 bits stand in an extra field, in this order."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            numbers = iter(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            size, packed, header = (next(numbers, _WIDE) if number == _WIDE else number for number in (size, packed, header))
            break
        at += 4 + length
    return size, packed, header


def _text(name: bytes, flags: int) -> str:
    try:
        return name.decode("utf-8" if flags & 0x800 or name.isascii() else "cp437")
    except UnicodeDecodeError:
        return name.decode("utf-8", "backslashreplace")


def _walk(reader: Reader) -> list[Member]:
    """The members of a file without directory, as their local headers tell."""
    members: list[Member] = []
    at = 0
    while at + _LOCAL.size <= reader.size and len(members) <= MOST_MEMBERS:
        mark, _, flags, method, _, _, crc, packed, size, name_size, extra_size = reader.unpack(_LOCAL, at, "a member")
        if mark != b"PK\3\4":
            break
        rest = reader.up_to(at + _LOCAL.size, name_size + extra_size, "a member's name")
        if _WIDE in {packed, size}:
            size, packed, _ = _wide(rest[name_size:], size, packed, 0)
        name = _text(rest[:name_size], flags)
        if flags & 8 and not packed:
            break  # its size stands behind it: nothing says where the next one begins
        if not name.endswith("/"):
            members.append(Member(name, method, packed, size, crc, at, bool(flags & 1)))
        at += _LOCAL.size + name_size + extra_size + packed
    if not members:
        raise BinaryError("a zip file that was cut short before its first member ends", cut_short=True)
    return members


def _judge(members: Iterable[Member], size: int, *, cut: bool) -> Iterable[Member]:
    """The members, in their order, with what is wrong with each."""
    judged = [replace(member, fault=fault) if (fault := _fault(member, size, cut)) else member for member in members]
    order = sorted((index for index, member in enumerate(judged) if not member.fault), key=lambda index: judged[index].header)
    overlapping = {
        index
        for before, after in pairwise(order)
        if judged[before].header + _LOCAL.size + judged[before].packed > judged[after].header
        for index in (before, after)
    }
    for index in overlapping:
        judged[index] = replace(judged[index], fault="it overlaps another member")
    return judged


def _fault(member: Member, size: int, cut: bool) -> str:
    if name := name_fault(member.name):
        return name
    if member.encrypted:
        return "encrypted"
    if member.method not in {STORED, DEFLATED}:
        return f"compressed with {_OTHER_METHODS.get(member.method, f'method {member.method}')}, which is not read"
    if member.header + _LOCAL.size > size or (member.packed > size and not cut) or member.size > 1 << 48:
        return "it lies outside the file"
    if member.method == STORED and member.size != member.packed:
        return f"stored as it is, {member.packed} bytes claim to be {member.size}"
    if member.size > member.packed * RATIO + 64:
        return f"{member.packed} bytes cannot inflate to {member.size}"
    return ""


def name_fault(name: str) -> str:
    """Why a name must not be used as a path; "" for a good one."""
    if not name or _CONTROL.search(name):
        return "no file can have this name"
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        return "an absolute path"
    if ".." in name.replace("\\", "/").split("/"):
        return "a path that climbs out of its folder"
    return ""


def _content(reader: Reader, member: Member) -> int:
    """The place of a member's data, behind its local header, which must tell the same as the directory."""
    mark, _, flags, method, _, _, _, _, _, name_size, extra_size = _LOCAL.unpack(
        reader.at(member.header, _LOCAL.size, member.name[:200])  # no more than this: a remote file has exactly the member
    )
    name = _text(reader.at(member.header + _LOCAL.size, name_size, "a member's name"), flags)
    if mark != b"PK\3\4" or (name, method) != (member.name, member.method):
        raise BinaryError(f"{member.name[:200]}: the zip file's directory and the member itself do not agree")
    start: int = member.header + _LOCAL.size + name_size + extra_size
    return start

"""The small programs that start a package's scripts on Windows: each bears the path of its Python.

pip's (distlib's) is a program, the first line of a script, and a zip with the script. uv's keeps the path and the zip as two
resources of the program; in older ones (before 0.9) the program ends with the path, its length and a word. Pure.
"""

from __future__ import annotations

import re
import struct
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.act.rewrite import Move

_END_OF_ZIP = b"PK\x05\x06"
_MEMBER = b"PK\x03\x04"
_WORDS_OF_UV = (b"UVSC", b"UVPY")
_RESOURCES_OF_UV = "UV_PYTHON_PATH".encode("utf-16-le")


def moved(data: bytes, move: Move) -> bytes | None:
    """A launcher with the other path; None if these bytes are none that we know, or have no room for it."""
    if not data.startswith(b"MZ"):
        return None
    try:
        if data[-4:] in _WORDS_OF_UV:
            return _ending_with_path(data, move)
        if _RESOURCES_OF_UV in data:
            return _with_resources(data, move)
        return _with_first_line(data, move)
    except (struct.error, IndexError):
        return None


def _ending_with_path(data: bytes, move: Move) -> bytes:
    size = int.from_bytes(data[-8:-4], "little")
    path = move.plain(data[-8 - size : -8])
    return data[: -8 - size] + path + len(path).to_bytes(4, "little") + data[-4:]


def _with_first_line(data: bytes, move: Move) -> bytes | None:
    end = data.rfind(_END_OF_ZIP)
    if end < 0:
        return None
    size, start = struct.unpack_from("<II", data, end + 12)
    start = end - size - start
    line = data.rfind(b"#!", 0, max(start, 0))
    return data[:line] + move.plain(data[line:start]) + data[start:] if line >= 0 else None


def _with_resources(data: bytes, move: Move) -> bytes | None:
    """Nothing changes its place: the path's resource becomes shorter, the comment in the zip is filled up with spaces."""
    made = bytearray(data)
    for found in move.found.finditer(data):
        start = found.start()
        if data[start - 2 : start] == b"#!":
            if not _comment(made, start - 2, move):
                return None
        elif not _resource(made, start, move):
            return None
    return bytes(made)


def _resource(made: bytearray, start: int, move: Move) -> bool:
    """The path, and its length in the one entry of the resources that points at it."""
    for address in _addresses(made, start):
        # Address, size, code page, and a word that is nothing.
        entry = re.search(re.escape(struct.pack("<I", address)) + rb"(?s:(.{4}).{4})\0{4}", made)
        if entry is None:
            continue
        size = int.from_bytes(entry[1], "little")
        path = move.plain(bytes(made[start : start + size]))
        if len(path) > size:
            return False
        made[start : start + size] = path.ljust(size, b"\0")
        struct.pack_into("<I", made, entry.start(1), len(path))
        return True
    return False


def _addresses(data: bytearray, place: int) -> Iterator[int]:
    """Where a place of the file lies when the program is loaded."""
    (header,) = struct.unpack_from("<I", data, 0x3C)
    sections, optional = struct.unpack_from("<H12xH", data, header + 6)
    for number in range(sections):
        address, size, begins = struct.unpack_from("<III", data, header + 24 + optional + 40 * number + 12)
        if begins <= place < begins + size:
            yield address + place - begins


def _comment(made: bytearray, start: int, move: Move) -> bool:
    """The first line of the script in the zip, which is not compressed: as long as it was, and the zip's checksums follow."""
    member, end = made.rfind(_MEMBER, 0, start), made.find(b"\n", start)
    method, before, size, names, extra = struct.unpack_from("<H4xI4xIHH", made, member + 8)
    begins = member + 30 + names + extra
    line = move.plain(bytes(made[start:end]))
    if method or len(line) > end - start or zlib.crc32(made[begins : begins + size]) != before:
        return False
    made[start:end] = line.ljust(end - start)
    after = struct.pack("<I", zlib.crc32(made[begins : begins + size]))
    stop = made.find(_END_OF_ZIP, start)
    made[member:stop] = made[member:stop].replace(struct.pack("<I", before), after)
    return True

"""Binaries to read: real ones that this Python brings along, and small ones made by hand."""

import io
import re
import struct
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from torchsmith.binaries import elf as elf_reader
from torchsmith.binaries import fatbin
from torchsmith.binaries.reader import Section
from torchsmith.model.gpu_code import Entry as GpuEntry
from torchsmith.model.gpu_code import GpuCode

MIB = 1024 * 1024


def opened(data: bytes) -> tuple[io.BytesIO, int]:
    return io.BytesIO(data), len(data)


def installed(*patterns: str) -> list[Path]:
    """Files of the running environment: the interpreter, its extension modules, site-packages, and what is loaded."""
    roots = {Path(sysconfig.get_path(name)) for name in ("platlib", "purelib")}
    roots.add(Path(sysconfig.get_config_var("DESTSHARED") or sysconfig.get_path("stdlib")))
    found = {path.resolve() for root in roots for pattern in patterns for path in root.rglob(pattern)}
    return sorted(path for path in found if path.is_file())


def real_elf() -> list[Path]:
    paths = {*installed("*.so"), Path(sys.executable).resolve(), *loaded()}
    return sorted(path for path in paths if path.stat().st_size < 4 * MIB and path.read_bytes()[:4] == b"\x7fELF")


def real_pe() -> list[Path]:
    return [path for path in installed("*.exe", "*.dll", "*.pyd") if path.read_bytes()[:2] == b"MZ"]


def loaded() -> Iterator[Path]:
    """Libraries of the running process: the C library and, for its many versions, others that are there."""
    maps = Path("/proc/self/maps")
    if maps.exists():
        for line in set(re.findall(r"(/\S+\.so[.0-9]*)$", maps.read_text(), re.MULTILINE)):
            if Path(line).is_file():
                yield Path(line).resolve()


# GPU code


def gpu_code(path: Path, sections: Sequence[Section] | None = None) -> GpuCode:
    """The code in these sections of a file, those of an ELF object if none are given."""
    with path.open("rb", buffering=0) as file:
        size = path.stat().st_size
        return fatbin.scan(file, size, elf_reader.read(file, size).sections if sections is None else sections)


def gpu_entries(path: Path, sections: Sequence[Section] | None = None) -> list[GpuEntry]:
    with path.open("rb", buffering=0) as file:
        size = path.stat().st_size
        return list(fatbin.entries(file, size, elf_reader.read(file, size).sections if sections is None else sections))


Entry = tuple[int, int, int]
"""Kind, SM number, flags."""


def entry(kind: int, number: int, flags: int = 0x11, *, header: int = 64, isa: tuple[int, int] = (8, 8)) -> bytes:
    payload = b"\x7fELF" + bytes(20)
    major, minor = isa
    fields = struct.pack("<HHIQIIHHIIIQQQ", kind, 0x101, header, len(payload), 0, 0, minor, major, number, 0, 0, flags, 0, 0)
    return fields.ljust(header, b"\0") + payload


def container(*entries: bytes) -> bytes:
    body = b"".join(entries)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


# ELF


def elf(sections: Sequence[tuple[str, bytes]], *, machine: int = 62) -> bytes:
    """An ELF object with these sections and no program headers."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name, _ in sections) + b".shstrtab\0"
    body, rows = bytearray(), [bytes(64)]
    for name, data in (*sections, (".shstrtab", names)):
        body += bytes(-len(body) % 16)
        at = names.index(b"\0" + name.encode() + b"\0") + 1
        rows.append(struct.pack("<IIQQQQIIQQ", at, 1, 2, 0, 64 + len(body), len(data), 0, 0, 1, 0))
        body += data
    ident = b"\x7fELF\2\1\1".ljust(16, b"\0")
    header = struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 0, 64 + len(body), 0, 64, 56, 0, 64, len(rows), len(rows) - 1)
    return ident + header + bytes(body) + b"".join(rows)


def elf_with_symbol(name: str, value: bytes) -> bytes:
    """A stripped shared library that has one data symbol, to be found through DT_HASH."""
    names = b"\0x" + name.encode() + b"\0"  # the symbol's name is the tail of a longer one
    symbols = bytes(24) + struct.pack("<IBBHQQ", 2, 0x11, 0, 1, 0x1000, len(value))
    hashes = struct.pack("<II", 1, 2) + bytes(12)
    data = bytearray()
    places = {}
    for key, part in (("value", value), ("names", names), ("symbols", symbols), ("hashes", hashes)):
        places[key] = 0x1000 + len(data)
        data += part + bytes(-len(part) % 8)
    tags = [(5, places["names"]), (10, len(names)), (6, places["symbols"]), (4, places["hashes"]), (14, 1), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *tag) for tag in tags)
    start = 64 + 2 * 56
    programs = [(1, 4, start, 0x1000, 0, len(data), len(data), 1), (2, 4, start + len(data), 0, 0, len(dynamic), 0, 1)]
    header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    rows = b"".join(
        struct.pack("<IIQQQQQQ", *(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7])) for row in programs
    )
    return b"\x7fELF\2\1\1".ljust(16, b"\0") + header + rows + bytes(data) + dynamic


# PE


def pe(
    sections: Sequence[tuple[str, bytes]] = (),
    *,
    imports: Sequence[str] = (),
    delay_imports: Sequence[str] = (),
    version: tuple[int, int, int, int] | None = None,
) -> bytes:
    """A 64-bit DLL with these sections, and one section that holds the tables."""
    base = 0x1000
    tables = bytearray()
    directories = {}

    def put(data: bytes) -> int:
        tables.extend(bytes(-len(tables) % 8))
        tables.extend(data)
        return base + len(tables) - len(data)

    names = {name: put(name.encode() + b"\0") for name in (*imports, *delay_imports)}
    if imports:
        rows = b"".join(struct.pack("<IIIII", 1, 0, 0, names[name], 1) for name in imports) + bytes(20)
        directories[1] = (put(rows), len(rows))
    if delay_imports:
        rows = b"".join(struct.pack("<IIIIIIII", 1, names[name], 0, 0, 0, 0, 0, 0) for name in delay_imports) + bytes(32)
        directories[13] = (put(rows), len(rows))
    if version is not None:
        directories[2] = (put(_version_resource(base + len(tables) + -len(tables) % 8, version)), 200)
    all_sections = [(".tables", bytes(tables)), *sections]
    directory = b"".join(struct.pack("<II", *directories.get(index, (0, 0))) for index in range(16))
    optional = b"\x0b\x02".ljust(108, b"\0") + struct.pack("<I", 16) + directory
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, len(all_sections), 0, 0, 0, len(optional), 0x2022)
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40) + coff + optional
    offset, address, rows, body = len(head) + 40 * len(all_sections), base, b"", b""
    for name, data in all_sections:
        place = offset + len(body)
        rows += struct.pack("<8sIIIIIIHHI", name.encode()[:8], len(data), address, len(data), place, 0, 0, 0, 0, 0x40000040)
        body += data
        address += (len(data) + 0xFFF) & ~0xFFF
    return head + rows + body


def _version_resource(address: int, version: tuple[int, int, int, int]) -> bytes:
    def table(identifier: int, target: int) -> bytes:
        return struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, identifier, target)

    a, b, c, d = version
    info = struct.pack("<IIII", 0xFEEF04BD, 0x10000, a << 16 | b, c << 16 | d).ljust(52, b"\0")
    block = struct.pack("<HHH", 92, 52, 0) + "VS_VERSION_INFO\0".encode("utf-16-le") + bytes(2) + info
    leaf = struct.pack("<IIII", address + 88, len(block), 0, 0)
    return table(16, 0x80000000 | 24) + table(1, 0x80000000 | 48) + table(1033, 72) + leaf + block

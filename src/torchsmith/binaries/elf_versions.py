"""Symbol versions of an ELF object: those that it needs of others, and those that it has.

Source: https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import Reader

VERSION_LIMIT = 16_384
"""Records of one table; libstdc++, the richest library known, has about a hundred."""

VER_FLG_BASE, VER_FLG_WEAK = 1, 2
VERSION_NUMBER, VERSION_HIDDEN = 0x7FFF, 0x8000


def needed_versions(reader: Reader, endian: str, start: int | None, names: tuple[int, int] | None) -> dict[str, tuple[str, ...]]:
    """Return library -> versions needed of it; ``names`` is (offset, size) of the dynamic string table."""
    if start is None or names is None:
        return {}
    record, detail = struct.Struct(endian + "HHIII"), struct.Struct(endian + "IHHII")
    budget = _Budget()
    found: dict[str, tuple[str, ...]] = {}
    for at, (_, _, library, details, _) in _chain(reader, record, start, 4, budget):
        versions = tuple(_name(reader, names, fields[3]) for _, fields in _chain(reader, detail, at + details, 4, budget))
        key = _name(reader, names, library)
        found[key] = found.get(key, ()) + versions
    return found


def defined_versions(reader: Reader, endian: str, start: int | None, names: tuple[int, int] | None) -> tuple[str, ...]:
    """Return the versions that an object has, without the base entry that only repeats its name."""
    if start is None or names is None:
        return ()
    record, detail = struct.Struct(endian + "HHHHIII"), struct.Struct(endian + "II")
    found = []
    for at, fields in _chain(reader, record, start, 6, _Budget()):
        if not fields[1] & VER_FLG_BASE:
            name, _ = reader.unpack(detail, at + fields[5], "a symbol version")
            found.append(_name(reader, names, name))
    return tuple(found)


def needs_by_number(
    reader: Reader, endian: str, start: int | None, names: tuple[int, int] | None
) -> dict[int, tuple[str, str, bool]]:
    """Return number -> (library, version, whether it may be missing): the symbol version table names versions by number."""
    if start is None or names is None:
        return {}
    record, detail = struct.Struct(endian + "HHIII"), struct.Struct(endian + "IHHII")
    budget = _Budget()
    found: dict[int, tuple[str, str, bool]] = {}
    for at, (_, _, library, details, _) in _chain(reader, record, start, 4, budget):
        key = _name(reader, names, library)
        for _, (_, flags, number, name, _) in _chain(reader, detail, at + details, 4, budget):
            found[number & VERSION_NUMBER] = (key, _name(reader, names, name), bool(flags & VER_FLG_WEAK))
    return found


def defined_by_number(reader: Reader, endian: str, start: int | None, names: tuple[int, int] | None) -> dict[int, str]:
    """Return number -> version of those that an object has, the base entry too."""
    if start is None or names is None:
        return {}
    record, detail = struct.Struct(endian + "HHHHIII"), struct.Struct(endian + "II")
    found: dict[int, str] = {}
    for at, fields in _chain(reader, record, start, 6, _Budget()):
        name, _ = reader.unpack(detail, at + fields[5], "a symbol version")
        found[fields[2] & VERSION_NUMBER] = _name(reader, names, name)
    return found


class _Budget:
    """How many records may still be read of one table."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = VERSION_LIMIT

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise BinaryError(f"more than {VERSION_LIMIT} symbol versions")


def _chain(
    reader: Reader, record: struct.Struct, start: int, step_field: int, budget: _Budget
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Follow records each of which says how many bytes further the next one is; 0 ends the chain."""
    while True:
        budget.spend()
        fields = reader.unpack(record, start, "a symbol version")
        yield start, fields
        if not fields[step_field]:
            return
        start += fields[step_field]


def _name(reader: Reader, names: tuple[int, int], at: int) -> str:
    return reader.string(names[0] + at, names[0] + names[1], "the dynamic string table")

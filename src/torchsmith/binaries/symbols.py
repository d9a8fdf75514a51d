"""Symbols as the loader binds them: what an ELF object asks of others, and whether they answer.

Names are looked up through ``DT_GNU_HASH``, as the loader does: a Bloom filter, a bucket and a short chain are read, not the
tens of megabytes of names. Sources: https://flapenguin.me/elf-dt-gnu-hash, the symbol versions of the Linux Standard Base
(https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html), and ``do_lookup_x`` of
glibc for what becomes of a name without a version.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence

from torchsmith.binaries import elf, elf_versions
from torchsmith.binaries.elf_layout import STRING_TABLE_LIMIT, Dt, Layout, Pt, layout_of
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader
from torchsmith.model.record import record

GNU_HASH, VERSYM = 0x6FFFFEF5, 0x6FFFFFF0
RELA, RELASZ, REL, RELSZ, PLTREL, PLTRELSZ, JMPREL, RELACOUNT, RELCOUNT = 7, 8, 17, 18, 20, 2, 23, 0x6FFFFFF9, 0x6FFFFFFA
"""Tags of the dynamic section that only binding takes."""

STB_WEAK = 2
TABLE_LIMIT = 16 * 1024 * 1024
"""Bytes of a Bloom filter, or of the buckets; those of libtorch_cpu, the largest known, have half a million."""
RELOCATION_LIMIT = 128 * 1024 * 1024
"""Bytes of relocations of one object."""
NAMED_LIMIT, WANTED_LIMIT = 1_000_000, 200_000
"""The highest number of a symbol that relocations name, and how many of them; libtorch_cpu has 76,000 symbols in all."""
STEP_LIMIT = 4_000_000
"""Steps along the hash chains of one object, over all look-ups."""

_WHAT = "the symbol hash table"
_CHAIN = 16
"""Hashes per read of a chain: a chain is about four long."""


@record
class Wanted:
    """A symbol that an object takes from others."""

    name: str
    version: str = ""
    """Such as ``GLIBC_2.28``; "" where any will do."""
    library: str = ""
    """Which the version was linked against; "" without a version."""


@record
class VersionNeed:
    """A symbol version that a library must have before anything is loaded."""

    library: str
    version: str


def gnu_hash(name: bytes) -> int:
    """Return the hash by which ``DT_GNU_HASH`` finds a name."""
    value = 5381
    for byte in name:
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def old_hash(name: bytes) -> int:
    """Return the hash by which ``DT_HASH``, which came before, finds a name."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high & 0xFFFFFFFF
    return value


class Library:
    """One ELF object as a party of binding; raise BinaryError for one that is damaged."""

    def __init__(self, file: BinaryFile, size: int) -> None:
        self._reader = reader = Reader(file, size)
        self._layout = layout = layout_of(reader.up_to(0, 16, "the ELF header"))
        _, self.machine, _, _, phoff, _, _, _, phentsize, phnum, *_ = reader.unpack(layout.header, 0, "the ELF header")
        programs = elf.program_headers(reader, layout, phoff, phentsize, phnum)
        self._segments = tuple(elf.Segment(vaddr, offset, n) for kind, offset, vaddr, n in programs if kind == Pt.LOAD)
        self._dynamic = elf.dynamic_section(reader, layout, programs)
        length = self._tag(Dt.STRSZ) or 0
        if length > STRING_TABLE_LIMIT:
            raise BinaryError(f"a dynamic string table of {length} bytes: at most {STRING_TABLE_LIMIT} are believed")
        strings = self._at(Dt.STRTAB)
        self._names = (strings, length) if strings is not None else None
        self._symbols = self._at(Dt.SYMTAB)
        self._versions = self._at(VERSYM)
        self.soname = next(iter(self._strings(Dt.SONAME)), "")
        self.needed = tuple(self._strings(Dt.NEEDED))
        self._defined: dict[int, str] | None = None
        self._hash: _Hash | _OldHash | None = None

    def version_needs(self) -> tuple[VersionNeed, ...]:
        """The versions that other libraries must have; those that may be missing are left out."""
        needs = elf_versions.needs_by_number(self._reader, self._layout.endian, self._at(Dt.VERNEED), self._names)
        return tuple(VersionNeed(library, version) for library, version, weak in needs.values() if not weak)

    def versions(self) -> dict[int, str]:
        """Number -> version of those that this library has; empty for one without versions."""
        if self._defined is None:
            at = self._at(Dt.VERDEF)
            self._defined = elf_versions.defined_by_number(self._reader, self._layout.endian, at, self._names)
        return self._defined

    def wanted(self) -> tuple[Wanted, ...]:
        """The symbols that must be found elsewhere, in the order in which the loader asks for them.

        Weak ones may be missing, and what no relocation names is never asked for: both are left out.
        """
        indices: dict[int, None] = {}
        for index in self._relocated():
            indices[index] = None
            if index >= NAMED_LIMIT or len(indices) > WANTED_LIMIT:
                raise BinaryError(f"relocations name symbol {index}, and {len(indices)} symbols: not believed")
        if not indices or self._symbols is None:
            return ()
        needs = elf_versions.needs_by_number(self._reader, self._layout.endian, self._at(Dt.VERNEED), self._names)
        symbol = self._layout.symbol
        table = self._reader.at(self._symbols, (max(indices) + 1) * symbol.size, "the dynamic symbol table")
        found = []
        for index in indices:
            at, info, section, _, _ = self._layout.symbol_fields(symbol.unpack_from(table, index * symbol.size))
            if at and not section and info >> 4 != STB_WEAK:
                library, version, _ = needs.get(self._version(index) & elf_versions.VERSION_NUMBER, ("", "", False))
                found.append(Wanted(self._name(at), version, library))
        return tuple(found)

    def offers(self, name: str, version: str = "", hashed: int | None = None) -> bool:
        """Whether a look-up of the name, in this version if one is given, ends here; ``hashed`` spares its hash."""
        encoded = name.encode("utf-8", "surrogateescape")
        table = self._table()
        if isinstance(table, _OldHash):
            hashed = old_hash(encoded)
        for index in table.find(gnu_hash(encoded) if hashed is None else hashed):
            if self._is(index, encoded) and self._serves(index, version):
                return True
        return False

    def _serves(self, index: int, version: str) -> bool:
        """Whether the version of a symbol is the wanted one, by the rules of glibc."""
        if self._versions is None:
            return True
        value = self._version(index)
        number, hidden = value & elf_versions.VERSION_NUMBER, bool(value & elf_versions.VERSION_HIDDEN)
        if version:
            # A library without a list of versions answers for any of them.
            return not self.versions() or self.versions().get(number) == version or (number == 1 and not hidden)
        return number < 3 or not hidden

    def _is(self, index: int, name: bytes) -> bool:
        """Whether this is a symbol that others may use, of this very name."""
        if self._symbols is None or self._names is None:
            return False
        row = self._reader.unpack(self._layout.symbol, self._symbols + index * self._layout.symbol.size, "a dynamic symbol")
        at, info, section, _, _ = self._layout.symbol_fields(row)
        start, length = self._names
        if not section or not info >> 4 or at + len(name) >= length:
            return False
        return self._reader.at(start + at, len(name) + 1, "the dynamic string table") == name + b"\0"

    def _table(self) -> _Hash | _OldHash:
        if self._hash is None:
            start, old = self._at(GNU_HASH), self._at(Dt.HASH)
            if start is None and old is not None:
                self._hash = _OldHash(self._reader, self._layout, old)
            else:
                self._hash = _Hash(self._reader, self._layout, start)
        return self._hash

    def _relocated(self) -> Iterator[int]:
        """Yield the numbers of the symbols that relocations name, in the order in which they are bound."""
        old = self._tag(PLTREL) == REL
        for start, length, rela, skipped in (
            (self._at(RELA), self._tag(RELASZ), True, self._tag(RELACOUNT)),
            (self._at(REL), self._tag(RELSZ), False, self._tag(RELCOUNT)),
            (self._at(JMPREL), self._tag(PLTRELSZ), not old, 0),
        ):
            if start is None or not length:
                continue
            if length > RELOCATION_LIMIT:
                raise BinaryError(f"{length} bytes of relocations: at most {RELOCATION_LIMIT} are believed")
            row, shift = self._relocation(rela=rela)
            first = (skipped or 0) * row.size  # relocations without a symbol stand first and are counted
            for at in range(first, length // row.size * row.size, row.size * 4096):
                block = min(row.size * 4096, length // row.size * row.size - at)
                for fields in row.iter_unpack(self._reader.at(start + at, block, "the relocations")):
                    if fields[1] >> shift:
                        yield fields[1] >> shift

    def _relocation(self, *, rela: bool) -> tuple[struct.Struct, int]:
        """The layout of a relocation, and where the symbol begins in its second field."""
        shape = ("QQq" if rela else "QQ") if self._layout.bits == 64 else ("IIi" if rela else "II")
        return struct.Struct(self._layout.endian + shape), 32 if self._layout.bits == 64 else 8

    def _version(self, index: int) -> int:
        if self._versions is None:
            return 0
        layout = struct.Struct(self._layout.endian + "H")
        return int(self._reader.unpack(layout, self._versions + 2 * index, "the symbol version table")[0])

    def _tag(self, tag: int) -> int | None:
        return self._dynamic.get(tag, [None])[0]

    def _at(self, tag: int) -> int | None:
        """Where in the file the table of a tag lies; None without one."""
        address = self._tag(tag)
        return None if address is None else elf.file_offset(self._segments, address)

    def _strings(self, tag: int) -> Iterator[str]:
        for at in self._dynamic.get(tag, []):
            yield self._name(at)

    def _name(self, at: int) -> str:
        if self._names is None:
            raise BinaryError("the dynamic section names symbols but has no string table")
        return self._reader.string(self._names[0] + at, self._names[0] + self._names[1], "the dynamic string table")


class Steps:
    """How many steps may still be taken along chains: one that is long, or has no end, must not be walked for every name."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = STEP_LIMIT

    def take(self) -> None:
        """Spend one; raise BinaryError where none is left."""
        self.left -= 1
        if self.left < 0:
            raise BinaryError(f"more than {STEP_LIMIT} steps along the chains of a symbol hash table")


def _numbers(data: bytes, kind: str, endian: str) -> Sequence[int]:
    """A table as numbers, in no more memory than it has in the file."""
    numbers = array(kind, data)
    if endian != ("<" if sys.byteorder == "little" else ">"):
        numbers.byteswap()
    return numbers


class _Hash:
    """``DT_GNU_HASH``: a Bloom filter that most look-ups end at, then buckets, then chains."""

    def __init__(self, reader: Reader, layout: Layout, start: int | None) -> None:
        self._reader, self._bits, self._steps = reader, layout.bits, Steps()
        self._buckets: Sequence[int] = ()
        if start is None:
            return
        endian, word = layout.endian, layout.bits // 8
        buckets, self._first, words, self._shift = reader.unpack(struct.Struct(endian + "4I"), start, _WHAT)
        if words * word > TABLE_LIMIT or buckets * 4 > TABLE_LIMIT or not words:
            raise BinaryError(f"{_WHAT} of {words} words and {buckets} buckets is not believed")
        self._bloom = _numbers(reader.at(start + 16, words * word, _WHAT), "Q" if word == 8 else "I", endian)
        place = start + 16 + words * word
        self._buckets = _numbers(reader.at(place, buckets * 4, _WHAT), "I", endian)
        self._chains = place + buckets * 4
        self._chain = struct.Struct(endian + "I")

    def find(self, hashed: int) -> Iterator[int]:
        """Yield the numbers of the symbols that have this hash."""
        if not self._buckets:
            return
        word = self._bloom[hashed // self._bits % len(self._bloom)]
        if not (word >> hashed % self._bits & word >> (hashed >> self._shift) % self._bits & 1):
            return
        index = self._buckets[hashed % len(self._buckets)]
        while index >= self._first:  # an empty bucket has 0
            block = self._reader.up_to(self._chains + 4 * (index - self._first), 4 * _CHAIN, _WHAT)
            if len(block) < 4:
                raise BinaryError("a chain of the symbol hash table leaves the file", cut_short=True)
            for (value,) in self._chain.iter_unpack(block[: len(block) // 4 * 4]):
                self._steps.take()
                if value | 1 == hashed | 1:
                    yield index
                if value & 1:
                    return
                index += 1


class _OldHash:
    """``DT_HASH``: buckets and chains of symbol numbers."""

    def __init__(self, reader: Reader, layout: Layout, start: int) -> None:
        buckets, symbols = reader.unpack(struct.Struct(layout.endian + "2I"), start, _WHAT)
        if (buckets + symbols) * 4 > TABLE_LIMIT:
            raise BinaryError(f"{_WHAT} of {symbols} symbols and {buckets} buckets is not believed")
        self._numbers = _numbers(reader.at(start + 8, (buckets + symbols) * 4, _WHAT), "I", layout.endian)
        self._buckets, self._steps = buckets, Steps()

    def find(self, hashed: int) -> Iterator[int]:
        """Yield the numbers of the symbols in the bucket of this hash."""
        index = self._numbers[hashed % self._buckets] if self._buckets else 0
        while index:
            self._steps.take()
            yield index
            if self._buckets + index >= len(self._numbers):
                raise BinaryError("a chain of the symbol hash table leaves it")
            index = self._numbers[self._buckets + index]


def unanswered(wanted: Iterable[Wanted], scope: Sequence[Library]) -> Iterator[Wanted]:
    """Yield those symbols that no library of the scope offers; the loader would stop at the first."""
    for one in wanted:
        hashed = gnu_hash(one.name.encode("utf-8", "surrogateescape"))
        if not any(library.offers(one.name, one.version, hashed) for library in scope):
            yield one


def versions_lacking(needs: Iterable[VersionNeed], scope: Iterable[Library]) -> Iterator[tuple[VersionNeed, Library]]:
    """Yield the symbol versions that the library of the scope which they are asked of does not have.

    The loader refuses such an object before it looks for a symbol. A library without any versions is let pass, as there.
    """
    by_name = {library.soname: library for library in scope}
    for need in needs:
        library = by_name.get(need.library)
        versions = library.versions() if library else {}
        if library and versions and need.version not in versions.values():
            yield need, library

"""GPU code in a library: for which architectures it carries SASS and PTX.

The container format is undocumented. It was measured on the libraries of PyTorch, cuBLAS, cuDNN, NCCL, bitsandbytes
and xformers built with CUDA 11.7 to 13.5, and agrees entry by entry with the listings of ``cuobjdump`` of the
matching generation. A section is a row of containers, one per translation unit; a container is a header of 16 bytes
and a row of entries, one per architecture.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import CHUNK, BinaryFile, Reader, Section
from torchsmith.model.gpu_code import GpuCode, Group

SECTION_NAMES = frozenset({".nv_fatbin", "__nv_relfatbin", ".nv_fatb", "__nv_rel"})
"""Linked and relocatable code in ELF, and the same names cut to the eight bytes that PE has."""

MAGIC = struct.pack("<I", 0xBA55ED50)
CONTAINER_LIMIT = 250_000
ENTRY_LIMIT = 1_000_000
GAP_LIMIT = 100_000
ENTRY_HEADER_LIMIT = 64 * 1024
WARNING_LIMIT = 16

KIND_PTX, KIND_CUBIN, KIND_LTO, KIND_OTHER_CUBIN = 1, 2, 8, 16
FLAG_ARCH_SPECIFIC, FLAG_FAMILY_SPECIFIC = 0x100000, 0x200000

_CONTAINER = struct.Struct("<4sHHQ")
_ENTRY = struct.Struct("<HHIQIIHHIIIQ")  # up to and with the flags: 48 bytes
_READ = 128
"""Bytes per read: holds a container's header and its first entry's, and touches one page."""


def scan(file: BinaryFile, size: int, sections: Iterable[Section]) -> GpuCode:
    """Walk the GPU code in those of ``sections`` that are named in SECTION_NAMES.

    A bare ``.fatbin`` file is one section of such a name that spans the file. Damage ends up in ``warnings`` together
    with what could be read; BinaryError is raised only where the file cannot be read at all.
    """
    walk = _Walk(Reader(file, size))
    for section in sections:
        if section.name in SECTION_NAMES:
            walk.section(section)
    return walk.result()


Arch = tuple[int, str]
"""Number and suffix: (90, "a")."""


class _Content:
    """What one container holds."""

    def __init__(self) -> None:
        self.sass: set[Arch] = set()
        self.ptx: set[Arch] = set()
        self.lto: set[Arch] = set()
        self.ptx_isa = (0, 0)


class _Walk:
    """Counters, not lists: a hostile file may hold a million entries."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.groups: Counter[tuple[frozenset[Arch], frozenset[Arch]]] = Counter()
        self.lto: set[Arch] = set()
        self.ptx_isa = (0, 0)
        self.warnings: list[str] = []
        self.containers_seen = 0
        self.gaps_seen = 0
        self.entries_seen = 0

    def section(self, section: Section) -> None:
        """Walk one section."""
        end = section.offset + section.size
        if end > self.reader.size:
            self._warn(f"section {section.name} ends at {end}, the file at {self.reader.size}: the file was cut short")
            end = self.reader.size
        position = section.offset
        while position + _CONTAINER.size <= end:
            data = self.reader.up_to(position, _READ, "GPU code")
            magic, version, header_size, length = _CONTAINER.unpack_from(data)
            if magic != MAGIC or version != 1 or header_size < _CONTAINER.size:
                self.gaps_seen += 1
                if self.gaps_seen > GAP_LIMIT:
                    self._warn(f"more than {GAP_LIMIT} gaps between containers: the rest was not read")
                    return
                position = self._next_container(position, end)
                continue
            self.containers_seen += 1
            if self.containers_seen > CONTAINER_LIMIT or self.entries_seen > ENTRY_LIMIT:
                self._warn(f"more than {CONTAINER_LIMIT} containers or {ENTRY_LIMIT} entries: the rest was not read")
                return
            stop = position + header_size + length
            if stop > end:
                self._warn(f"the container at {position} ends at {stop}, behind the end of its section at {end}")
                return
            self._container(position, position + header_size, stop, data)
            position = (stop + 7) & ~7

    def result(self) -> GpuCode:
        """Return what was counted."""
        groups = [Group(_named("sm_", sass), _named("compute_", ptx), n) for (sass, ptx), n in self.groups.items()]
        groups.sort(key=lambda group: (-group.count, group.sass, group.ptx))
        return GpuCode(
            sass=_named("sm_", {arch for sass, _ in self.groups for arch in sass}),
            ptx=_named("compute_", {arch for _, ptx in self.groups for arch in ptx}),
            lto=_named("lto_", self.lto),
            groups=tuple(groups),
            containers=self.groups.total(),
            ptx_isa="{}.{}".format(*self.ptx_isa) if any(self.ptx_isa) else None,
            warnings=tuple(self.warnings),
        )

    def _container(self, start: int, first: int, stop: int, data: bytes) -> None:
        content = _Content()
        try:
            for entry in self._entries(start, first, stop, data):
                self._entry(content, *entry)
        except BinaryError as error:
            self._warn(str(error))
            return
        self.groups[frozenset(content.sass), frozenset(content.ptx)] += 1
        self.lto |= content.lto
        self.ptx_isa = max(self.ptx_isa, content.ptx_isa)

    def _entries(self, start: int, position: int, stop: int, data: bytes) -> Iterator[tuple[int, ...]]:
        """Yield the header fields of each entry; ``data`` holds the first bytes of the container."""
        at = position - start
        while position < stop:
            if position + _ENTRY.size > stop:
                raise BinaryError(f"the container at {start} has {stop - position} bytes behind its last entry")
            if at + _ENTRY.size > len(data):
                data, at = self.reader.up_to(position, _READ, "GPU code"), 0
            fields = _ENTRY.unpack_from(data, at)
            header_size, payload = fields[2], fields[3]
            if not 64 <= header_size <= ENTRY_HEADER_LIMIT or position + header_size + payload > stop:
                raise BinaryError(f"the container at {start} has a damaged entry at {position}")
            self.entries_seen += 1
            if self.entries_seen > ENTRY_LIMIT:
                raise BinaryError(f"more than {ENTRY_LIMIT} entries: the rest was not read")
            yield fields
            position += header_size + payload
            at += header_size + payload

    def _entry(self, content: _Content, kind: int, *fields: int) -> None:
        minor, major, number, flags = fields[5], fields[6], fields[7], fields[10]
        if not 10 <= number <= 999:
            self._warn(f"an entry for an architecture {number}: not believed")
            return
        suffix = "a" if flags & FLAG_ARCH_SPECIFIC else "f" if flags & FLAG_FAMILY_SPECIFIC else ""
        arch = (number, suffix)
        if kind in {KIND_CUBIN, KIND_OTHER_CUBIN}:
            content.sass.add(arch)
        elif kind == KIND_PTX:
            content.ptx.add(arch)
            if major < 100 and minor < 100:
                content.ptx_isa = max(content.ptx_isa, (major, minor))
        elif kind == KIND_LTO:
            content.lto.add(arch)
        else:
            self._warn(f"an entry of unknown kind {kind} for architecture {number}")

    def _next_container(self, start: int, end: int) -> int:
        """Return the place of the next container behind the padding or damage at ``start``, or ``end``."""
        position, window, damaged = start, 512, False  # padding is short: a wide first look would be wasted
        first = 8
        while position < end:
            data = self.reader.up_to(position, min(window + len(MAGIC), end - position), "GPU code")
            found = data.find(MAGIC, first)
            while found >= 0 and (position + found - start) % 8:
                found = data.find(MAGIC, found + 1)
            damaged = damaged or bool(data[: found if found >= 0 else len(data)].strip(b"\0"))
            if found >= 0:
                position += found
                break
            position += window
            window, first = min(window * 2, CHUNK), 0
        if damaged:
            self._warn(f"{min(position, end) - start} bytes at {start}, between the containers, are not GPU code")
        return min(position, end)

    def _warn(self, message: str) -> None:
        if len(self.warnings) < WARNING_LIMIT and message not in self.warnings:
            self.warnings.append(message)


def _named(prefix: str, archs: Iterable[Arch]) -> tuple[str, ...]:
    return tuple(f"{prefix}{number}{suffix}" for number, suffix in sorted(archs))

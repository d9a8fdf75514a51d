"""GPU code in a library: for which architectures it carries SASS and PTX.

The container format is undocumented. It was measured on the libraries of PyTorch, cuBLAS, cuDNN, NCCL, bitsandbytes
and xformers built with CUDA 11.7 to 13.5, and agrees entry by entry with the listings of ``cuobjdump`` of the
matching generation (docs/measurements.md). A section is a row of containers, one per translation unit; a container is a
header of 16 bytes and a row of entries, one per architecture.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import CHUNK, BinaryFile, Reader, Section, apart
from torchsmith.model.gpu_code import GpuCode, Group
from torchsmith.model.place import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.binaries.reader import ReadAt
    from torchsmith.model.gpu_code import Entry

    Header = tuple[int, int, int, int, int, int, int, int, int]
    """Kind, size of the header, of the payload, exact compressed size, minor and major version, SM number, flags, uncompressed
    size: as in the file."""
    Container = tuple[int, int, int, bytes]
    """Where it starts, its first entry, its end, and the bytes at its start that were read along."""

SECTION_NAMES = frozenset({".nv_fatbin", "__nv_relfatbin", ".nv_fatb", "__nv_rel"})
"""Linked and relocatable code in ELF, and the same names cut to the eight bytes that PE has."""

HIDING_PLACES = frozenset({".cask_resource", ".cask_re", ".lrodata", ".ldata"})
"""Where libraries hide containers that they load themselves: cuBLASLt, cuDNN, cuSPARSELt (the first two names), torch, cuFFT."""

DATA_SECTIONS = frozenset({".rodata", ".data", ".rdata"})
"""Those of cuSPARSE, CUPTI and cuFFT 11: sections that every library has."""

SMALL = 1024 * 1024
"""Bytes of a data section that are read in a library without any GPU code of the known kind: CUPTI's are smaller, of those of
cuFFT 12 for Windows these are SAMPLES."""

SAMPLES = 16

MAGIC = struct.pack("<I", 0xBA55ED50)
CONTAINER_LIMIT = 250_000
ENTRY_LIMIT = 1_000_000
GAP_LIMIT = 100_000
DISTINCT_LIMIT = 4096
"""Different entries (kind, architecture, version): real libraries have a few dozen."""
ENTRY_HEADER_LIMIT = 64 * 1024
WARNING_LIMIT = 16

KIND_PTX, KIND_CUBIN, KIND_LTO, KIND_OTHER_CUBIN = 1, 2, 8, 16
FLAG_DEBUG, FLAG_ARCH_SPECIFIC, FLAG_FAMILY_SPECIFIC = 0x2, 0x100000, 0x200000
FLAG_LZ4, FLAG_ZSTD = 0x2000, 0x8000

STUB_SIZES = {7: 1280, 8: 2560}
"""Minor version of a cubin -> bytes below which it holds no kernel.

A device link, and a source file whose kernels are all for other architectures, leave a cubin of empty tables: 760 bytes with
CUDA 11.8, 1,456 to 2,320 with 13.0, where the smallest cubins with a kernel have 1,864 and 2,856 (an empty one, for each
architecture). In cuBLASLt, cuDNN and cuSPARSELt of CUDA 13 this takes out 1,888 containers; unpacked, none has a ``.text``.
"""
MINIMAL_CUBIN = 256
"""Bytes: what is smaller is no cubin at all."""

_CONTAINER = struct.Struct("<4sHHQ")
_ENTRY = struct.Struct("<HxxIQIxxxxHHIxxxxxxxxQxxxxxxxxQ")
_BEGINNING = MAGIC + struct.pack("<HH", 1, _CONTAINER.size)
_READ = 128
"""Bytes per read: holds a container's header and its first entry's, and touches one page."""


def scan(file: BinaryFile, size: int, sections: Iterable[Section]) -> GpuCode:
    """Walk the GPU code in those of ``sections`` that are named in SECTION_NAMES.

    A bare ``.fatbin`` file is one section of such a name that spans the file (``whole``). Damage ends up in ``warnings``
    together with what could be read; BinaryError is raised only where the file cannot be read at all.
    """
    count = _Count(_Walk(file, size))
    try:
        for section in apart(section for section in sections if section.name in SECTION_NAMES):
            count.section(section)
    except OSError as error:
        raise BinaryError(f"GPU code cannot be read: {error}") from error
    return count.result()


def whole(size: int) -> Section:
    """A bare fatbin file as the section that it would be in a library."""
    return Section(".nv_fatbin", 0, size, 0)


def elsewhere(file: BinaryFile, size: int, sections: Iterable[Section]) -> tuple[tuple[str, GpuCode], ...]:
    """(Section name, code) of containers outside the known sections, found by their first bytes.

    Of a library without a known section, data sections that are not SMALL are searched only if samples hold a container: this
    bounds the cost of all those that have nothing to do with CUDA.
    """
    sections = tuple(sections)
    any_known = any(section.name in SECTION_NAMES and section.size for section in sections)
    reader = Reader(file, size)
    found: dict[str, GpuCode] = {}
    for section in apart(section for section in sections if section.name in HIDING_PLACES or section.name in DATA_SECTIONS):
        if not any_known and section.size > SMALL and not _sampled(reader, section):
            continue
        code = _hidden(file, size, section)
        if code.containers and section.name not in found:
            found[section.name] = code
    return tuple(found.items())


def _sampled(reader: Reader, section: Section) -> bool:
    """Whether a container begins in one of the samples of a section: cuFFT's are a few KB each, and fill it."""
    steps = range(section.offset, section.offset + section.size, section.size // SAMPLES)
    return any(_BEGINNING in reader.up_to(place, SMALL // SAMPLES, "a sample") for place in steps)


def _hidden(file: BinaryFile, size: int, section: Section) -> GpuCode:
    count = _Count(_Walk(file, size, strict=False))
    try:
        count.section(section)
    except OSError as error:
        raise BinaryError(f"section {section.name} cannot be read: {error}") from error
    return count.result()


def entries(file: BinaryFile, size: int, sections: Iterable[Section]) -> Iterator[Entry]:
    """Yield every entry of the known sections in the order of the file, those of a damaged container up to the damage."""
    from torchsmith.binaries.fatbin_entry import entry_of

    walk = _Walk(file, size)
    number = 0
    try:
        for section in apart(section for section in sections if section.name in SECTION_NAMES):
            for container in walk.containers(section):
                offset = container[1]
                try:
                    for header in walk.headers(container):
                        yield entry_of(section.name, number, offset, header)
                        offset += header[1] + header[2]
                except BinaryError as error:
                    walk.warn(str(error))
                number += 1
    except OSError as error:
        raise BinaryError(f"GPU code cannot be read: {error}") from error


class _Walk:
    """Steps from header to header; what is damaged is told and stepped over.

    A walk that is not ``strict`` looks for containers among other data, and takes only those that are whole.
    """

    def __init__(self, file: BinaryFile, size: int, *, strict: bool = True) -> None:
        self.reader = Reader(file, size)
        self.strict = strict
        # Not the reader's own, checked reads: they would double the cost of ten thousand headers.
        self.read_at: ReadAt = getattr(file, "read_at", None) or (lambda length, at: self.reader.up_to(at, length, "GPU code"))
        self.warnings: list[str] = []
        self.phase = 0
        self.whole = True
        """Whether the last container was: who reads it tells."""
        self.containers_seen = 0
        self.gaps_seen = 0
        self.entries_seen = 0

    def containers(self, section: Section) -> Iterator[Container]:
        """Yield the containers of one section."""
        end = section.offset + section.size
        if end > self.reader.size:
            self.warn(f"section {section.name} ends at {end}, the file at {self.reader.size}: the file was cut short")
            end = self.reader.size
        position = section.offset
        # Containers begin at multiples of eight: of the section's own, which an object file need not align, or else in memory.
        self.phase = section.offset % 8 if self.strict else 0
        while position + _CONTAINER.size <= end:
            data = self.read_at(_READ, position)
            if len(data) < _CONTAINER.size:
                raise BinaryError(f"GPU code: the file ends before its size of {self.reader.size} bytes", cut_short=True)
            magic, version, header_size, length = _CONTAINER.unpack_from(data)
            if magic != MAGIC or version != 1 or header_size < _CONTAINER.size:
                self.gaps_seen += 1
                if self.gaps_seen > GAP_LIMIT:
                    self.warn(f"more than {GAP_LIMIT} gaps between containers: the rest was not read")
                    return
                position = self._next_container(position, end, data)
                continue
            self.containers_seen += 1
            if self.containers_seen > CONTAINER_LIMIT or self.entries_seen > ENTRY_LIMIT:
                self.warn(f"more than {CONTAINER_LIMIT} containers or {ENTRY_LIMIT} entries: the rest was not read")
                return
            stop = position + header_size + length
            if stop > end:
                if self.strict:
                    self.warn(f"the container at {position} ends at {stop}, behind the end of its section at {end}")
                    return
                position += 8
                continue
            self.whole = True
            yield position, position + header_size, stop, data
            # What only looked like a container, among other data, may span a real one.
            position = stop + (self.phase - stop) % 8 if self.whole or self.strict else position + 8

    def headers(self, container: Container) -> Iterator[Header]:
        """Yield the header of each entry of a container; raise BinaryError at the first that is damaged."""
        start, position, stop, data = container
        unpack, read_at, length = _ENTRY.unpack_from, self.read_at, len(data)
        at = position - start
        while position < stop:
            if position + 64 > stop:
                raise BinaryError(f"the container at {start} has {stop - position} bytes behind its last entry")
            if at + 64 > length:
                data, at = read_at(_READ, position), 0
                length = len(data)
                if length < 64:
                    raise BinaryError(f"GPU code: the file ends before its size of {self.reader.size} bytes", cut_short=True)
            header = unpack(data, at)
            step = header[1] + header[2]
            if not 64 <= header[1] <= ENTRY_HEADER_LIMIT or position + step > stop:
                raise BinaryError(f"the container at {start} has a damaged entry at {position}")
            self.entries_seen += 1
            if self.entries_seen > ENTRY_LIMIT:
                raise BinaryError(f"more than {ENTRY_LIMIT} entries: the rest was not read")
            yield header
            position += step
            at += step

    def warn(self, message: str) -> None:
        """Keep a message, once, if there are not too many."""
        if self.strict and len(self.warnings) < WARNING_LIMIT and message not in self.warnings:
            self.warnings.append(message)

    def _next_container(self, start: int, end: int, data: bytes) -> int:
        """Return the place of the next container behind the padding or damage at ``start``, or ``end``.

        ``data`` are the bytes at ``start`` that were read already.
        """
        position, first, window = start, 4, 512  # padding is short: a wide first look would be wasted
        damaged = not self.strict
        data = data[: end - start]
        while True:
            found = data.find(MAGIC, first)
            while found >= 0 and (position + found - self.phase) % 8:
                found = data.find(MAGIC, found + 1)
            damaged = damaged or bool(data[: found if found >= 0 else len(data)].strip(b"\0"))
            if found >= 0:
                position += found
                break
            position += max(len(data) - len(MAGIC) + 1, 1)  # a magic may begin in this piece's last bytes
            if position >= end:
                break
            data, first = self.reader.up_to(position, min(window, end - position), "GPU code"), 0
            window = min(window * 2, CHUNK)
        if damaged:
            self.warn(f"{min(position, end) - start} bytes at {start}, between the containers, are not GPU code")
        return min(position, end)


Arch = tuple[int, str]
"""Number and suffix: (90, "a")."""


class _Count:
    """Counters, not lists: a hostile file may hold a million entries.

    Real libraries repeat a few dozen different entries ten thousand times, so each is understood once and has a number.
    """

    def __init__(self, walk: _Walk) -> None:
        self.walk = walk
        self.places: list[Place] = []
        self.numbers: dict[tuple[int, ...], int] = {}
        self.meanings: list[tuple[str, Arch, tuple[int, int]]] = []
        self.rows: Counter[tuple[bool, tuple[int, ...]]] = Counter()

    def section(self, section: Section) -> None:
        """Count the containers of one section."""
        self.places.append(Place(section.name, section.offset, section.size))
        numbers, learn, headers = self.numbers, self._learn, self.walk.headers
        for container in self.walk.containers(section):
            row = []
            try:
                for header in headers(container):
                    kind, _, _, _, minor, major, number, flags, _ = header
                    entry = (kind, number, flags >> 20 & 3, major, minor)
                    row.append(numbers[entry] if entry in numbers else learn(entry))
            except BinaryError as error:
                self.walk.whole = False
                self.walk.warn(str(error))
                continue
            stub = len(row) == 1 and self._is_stub(container[1], header)
            self.rows[stub, tuple(row)] += 1

    def result(self) -> GpuCode:
        """Return what was counted."""
        sass, ptx, lto = set[Arch](), set[Arch](), set[Arch]()
        groups: Counter[tuple[frozenset[Arch], frozenset[Arch], bool]] = Counter()
        ptx_isa = (0, 0)
        for (stub, row), count in self.rows.items():
            held: dict[str, set[Arch]] = {"sass": set(), "ptx": set(), "lto": set(), "": set()}
            for number in set(row):
                kind, arch, isa = self.meanings[number]
                held[kind].add(arch)
                ptx_isa = max(ptx_isa, isa)
            groups[frozenset(held["sass"]), frozenset(held["ptx"]), stub] += count
            sass |= held["sass"]
            ptx |= held["ptx"]
            lto |= held["lto"]
        listed = [Group(_named("sm_", real), _named("compute_", virtual), n, stub) for (real, virtual, stub), n in groups.items()]
        listed.sort(key=lambda group: (-group.count, group.sass, group.ptx, group.stub))
        return GpuCode(
            sass=_named("sm_", sass),
            ptx=_named("compute_", ptx),
            lto=_named("lto_", lto),
            groups=tuple(listed),
            containers=groups.total(),
            ptx_isa="{}.{}".format(*ptx_isa) if any(ptx_isa) else None,
            warnings=tuple(self.walk.warnings),
            places=tuple(self.places),
        )

    def _is_stub(self, position: int, header: Header) -> bool:
        """Whether the only entry of a container, at ``position``, is a cubin without a kernel."""
        kind, size, payload, _, minor, _, _, flags, uncompressed = header
        if kind != KIND_CUBIN or (uncompressed or payload) >= STUB_SIZES.get(minor, 0):
            return False
        if flags & (FLAG_LZ4 | FLAG_ZSTD):
            return uncompressed > MINIMAL_CUBIN
        cubin = self.walk.reader.at(position + size, payload, "a cubin")
        return len(cubin) > MINIMAL_CUBIN and cubin.startswith(b"\x7fELF") and b".text." not in cubin

    def _learn(self, entry: tuple[int, ...]) -> int:
        """Understand an entry that was not met before; return its number."""
        kind, number, suffix, major, minor = entry
        if len(self.numbers) >= DISTINCT_LIMIT:
            raise BinaryError(f"more than {DISTINCT_LIMIT} different entries: the rest was not read")
        name, isa = KINDS.get(kind, ""), (0, 0)
        if not 10 <= number <= 999:
            self.walk.warn(f"an entry for an architecture {number}: not believed")
            name = ""
        elif not name:
            self.walk.warn(f"an entry of unknown kind {kind} for architecture {number}")
        elif kind == KIND_PTX and major < 100 and minor < 100:
            isa = (major, minor)
        self.numbers[entry] = len(self.meanings)
        self.meanings.append((name, (number, SUFFIXES[suffix]), isa))
        return self.numbers[entry]


KINDS = {KIND_CUBIN: "sass", KIND_OTHER_CUBIN: "sass", KIND_PTX: "ptx", KIND_LTO: "lto"}
SUFFIXES = ("", "a", "f", "a")
"""By the two bits FLAG_ARCH_SPECIFIC and FLAG_FAMILY_SPECIFIC."""


def _named(prefix: str, archs: Iterable[Arch]) -> tuple[str, ...]:
    return tuple(f"{prefix}{number}{suffix}" for number, suffix in sorted(archs))

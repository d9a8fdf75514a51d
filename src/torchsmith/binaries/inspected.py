"""Everything that one binary says of itself, in one reading: what ``torchsmith inspect`` shows of it."""

from __future__ import annotations

from functools import partial

from torchsmith.binaries import abi, cpu_baseline, elf, fatbin, pe, pe_image, shared
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader, Section, Window, text
from torchsmith.model.inspected import BinaryObject, HipCode
from torchsmith.model.place import Place
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from torchsmith.binaries import ar
    from torchsmith.model.gpu_code import GpuCode

    T = TypeVar("T")

CUDA_CUBIN = 190
"""``e_machine`` of GPU code that is a file of its own."""

AR_MAGIC = (b"!<arch>\n", b"!<thin>\n")
MEMBERS_LIMIT = 20_000
"""Objects read of one archive; libcublasLt_static.a, the richest known, has four thousand."""

WHOLE = 1 << 62
SEARCHED = 16 << 20
"""Bytes of ``.lrodata`` and its like up to which a look at a whole environment searches them for GPU code outside the usual
sections; ordinary data sections are left out there. All of it would be two thirds of the work: cuFFT 12 alone keeps 24,000
containers in 270 MiB of ``.ldata``."""

SEARCHED_BLINDLY = 2 << 30
"""Bytes that are searched of a file without a table of sections; no library is longer."""

COMPILER_LIMIT = 4096
"""Bytes of the compiler's own words."""


def inspect(file: BinaryFile, size: int, name: str = "", search: int = WHOLE) -> BinaryObject:
    """Read the binary of ``size`` bytes; its file ``name`` tells which Python it is for.

    GPU code outside the usual sections is looked for everywhere, or only where it likes to hide and in sections of up to
    ``search`` bytes; a longer one is told of in the warnings.
    What is damaged ends there too, together with what could be read. Raises BinaryError where nothing can.
    """
    start = Reader(file, size).up_to(0, 64, "the first bytes")
    if start[:4] == b"\x7fELF":
        return _elf(file, size, name, search)
    if start[:2] == b"MZ":
        return _pe(file, size, name, search)
    if start[:4] == fatbin.MAGIC:
        return BinaryObject("fatbin", size, gpu_code=fatbin.scan(file, size, (fatbin.whole(size),)))
    if start[:8] in AR_MAGIC:
        return _archive(file, size)
    from torchsmith.binaries import macho

    if macho.is_macho(start):
        return _macho(file, size, name)
    raise BinaryError("none of the formats that are read: ELF, PE, Mach-O, fatbin, cubin, ar" if size else "an empty file")


def _elf(file: BinaryFile, size: int, name: str, search: int) -> BinaryObject:
    """An ELF object; one that was cut short is told of as far as it goes."""
    warnings: list[str] = []
    parsed = elf.read(file, size, warnings)
    if parsed.machine == CUDA_CUBIN:
        from torchsmith.binaries import cubin

        return BinaryObject("cubin", size, bits=parsed.bits, gpu_code=cubin.read(file, size), warnings=tuple(warnings))
    sections = {section.name: section for section in parsed.sections}
    code, elsewhere, hip = _gpu_code(file, size, parsed.sections, search, warnings)
    if not parsed.sections and warnings:
        code = _without_sections(file, size)
    found = abi.read(file, size, parsed, name)
    places = [
        (fact, Place(section.name, section.offset, section.size))
        for fact, section in (("needed", sections.get(".dynamic")), ("interpreter", sections.get(".interp")))
        if section and (fact == "needed" or parsed.interpreter)
    ]
    build_id = _guarded(warnings, lambda: _build_id(file, size, parsed, sections, places))
    compiler = _guarded(warnings, lambda: _compiler(file, size, sections.get(".comment"), places))
    cudnn = _guarded(warnings, lambda: _cudnn(file, size, parsed, name))
    baseline = cpu_baseline.read(file, size, parsed, name)
    places += [("cpu_baseline", baseline.place)] if baseline.place else []
    return BinaryObject(
        format="elf",
        size=size,
        machine=shared.machine_of(parsed.machine),
        bits=parsed.bits,
        soname=parsed.soname,
        build_id=build_id,
        compiler=compiler,
        needed=parsed.needed,
        rpath=parsed.rpath,
        runpath=parsed.runpath,
        interpreter=parsed.interpreter,
        has_glibc=shared.highest(parsed.version_defs, "GLIBC"),
        has_glibcxx=shared.highest(parsed.version_defs, "GLIBCXX"),
        gpu_code=code,
        gpu_code_elsewhere=elsewhere,
        hip_code=hip,
        abi=found.abi,
        cpu_baseline=baseline.level,
        cpu_reason=baseline.reason,
        cudnn=cudnn,
        places=(*places, *found.places),
        cut_short=not parsed.sections and any(segment.offset + segment.size > size for segment in parsed.segments),
        warnings=(*warnings, *found.warnings),
    )


def _pe(file: BinaryFile, size: int, name: str, search: int) -> BinaryObject:
    described = pe.inspected(file, size)
    mapped = pe_image.image(file, size)
    parsed = pe.Pe(
        bits=mapped.bits,
        machine=mapped.machine,
        imports=described.needed,
        delay_imports=described.delay_needed,
        sections=mapped.sections,
        file_version=described.file_version,
    )
    warnings = list(described.warnings)
    code, elsewhere, hip = _gpu_code(file, size, parsed.sections, search, warnings)
    found = abi.read(file, size, parsed, name)
    baseline = cpu_baseline.read(file, size, parsed, name)
    is_cudnn = _file(name).lower().startswith("cudnn") and described.file_version
    return replace(
        described,
        gpu_code=code,
        gpu_code_elsewhere=elsewhere,
        hip_code=hip,
        abi=found.abi,
        cpu_baseline=baseline.level,
        cpu_reason=baseline.reason,
        cudnn=".".join(described.file_version.split(".")[:3]) if is_cudnn and described.file_version else None,
        places=(*described.places, *found.places),
        cut_short=any(section.offset + section.size > size for section in parsed.sections),
        warnings=(*warnings, *found.warnings),
    )


def _macho(file: BinaryFile, size: int, name: str) -> BinaryObject:
    from torchsmith.binaries import macho

    described = macho.inspected(file, size)
    parsed = macho.read(file, size)
    found = abi.read(file, size, parsed, name)
    return replace(
        described,
        abi=replace(found.abi, macos=parsed.minimum if parsed.platform == "macos" else None),
        places=(*described.places, *found.places),
        warnings=(*described.warnings, *found.warnings),
    )


def _archive(file: BinaryFile, size: int) -> BinaryObject:
    """An ``ar`` archive and the objects in it; members that are no objects are left out."""
    from torchsmith.binaries import ar

    warnings: list[str] = []
    members: list[tuple[str, BinaryObject]] = []
    if ar.is_thin(file, size):
        warnings.append("a thin archive: it names its objects and does not hold them")
    try:
        for member in ar.members(file, size):
            if len(members) >= MEMBERS_LIMIT:
                warnings.append(f"more than {MEMBERS_LIMIT} objects: the rest was not read")
                break
            window = Window(file, member.offset, member.size, size)
            if window.read_at(4, 0) == b"\x7fELF":
                found = _guarded(warnings, partial(inspect, window, member.size, member.name))
                members += [(member.name, found)] if found else []
    except BinaryError as error:
        warnings.append(str(error))
    if not members:
        members = [
            (member.name, BinaryObject("coff", member.size, gpu_code=code)) for member, code in _coff(file, size, warnings)
        ]
    return BinaryObject("ar", size, members=tuple(members), warnings=tuple(warnings))


def _coff(file: BinaryFile, size: int, warnings: list[str]) -> Iterator[tuple[ar.Member, GpuCode]]:
    """The objects of a Windows library (``.lib``) that carry GPU code."""
    from torchsmith.binaries import ar

    try:
        yield from ar.gpu_code(file, size)
    except BinaryError as error:
        warnings.append(str(error))


def _gpu_code(
    file: BinaryFile, size: int, sections: tuple[Section, ...], search: int, warnings: list[str]
) -> tuple[GpuCode | None, tuple[tuple[str, GpuCode], ...], HipCode | None]:
    """NVIDIA's code in the known sections and outside them, and AMD's."""
    code = fatbin.scan(file, size, sections)
    searched, long = [], []
    for section in sections:
        if section.name in fatbin.SECTION_NAMES or section.size <= (
            search if section.name in fatbin.HIDING_PLACES else search >> 4
        ):
            searched.append(section)
        elif section.name in fatbin.HIDING_PLACES:
            long.append(section)
    warnings += [f"{section.size >> 20} MiB of {section.name} were not searched for more GPU code" for section in long[:4]]
    try:
        elsewhere = fatbin.elsewhere(file, size, searched)
    except BinaryError as error:
        warnings.append(str(error))
        elsewhere = ()
    hip = None
    if any(section.name.startswith(".hip_fat") for section in sections):
        from torchsmith.binaries import hip as hip_reader

        hip = hip_reader.scan(file, size, sections)
    return (code if code.containers or code.warnings else None), elsewhere, hip


def _without_sections(file: BinaryFile, size: int) -> GpuCode | None:
    """The GPU code of a library that lost its end, and with it the table of its sections: found by its first bytes."""
    code = fatbin.scan(file, size, (fatbin.whole(min(size, SEARCHED_BLINDLY)),))
    if not code.containers:
        return None
    cut = tuple(warning for warning in code.warnings if "between the containers" not in warning)
    return replace(code, warnings=("the table of sections is lost: found by the first bytes of the containers", *cut))


def _build_id(
    file: BinaryFile, size: int, parsed: elf.Elf, sections: dict[str, Section], places: list[tuple[str, Place]]
) -> str | None:
    section = sections.get(".note.gnu.build-id")
    if section is None:
        return None
    from torchsmith.binaries import notes

    note = next(notes.notes(file, size, parsed, section), None)
    if note is None:
        return None
    places.append(("build_id", note.place))
    return note.content.hex()


def _compiler(file: BinaryFile, size: int, section: Section | None, places: list[tuple[str, Place]]) -> str | None:
    """The first words of ``.comment``: ``GCC: (GNU) 13.3.1 20240611``."""
    if section is None or not section.size:
        return None
    data = Reader(file, size).at(section.offset, min(section.size, COMPILER_LIMIT), "section .comment")
    words = text(next((part for part in data.split(b"\0") if part), b""))
    places.append(("compiler", Place(section.name, section.offset, len(words))))
    return words[:200] or None


def _cudnn(file: BinaryFile, size: int, parsed: elf.Elf, name: str) -> str | None:
    if not _file(parsed.soname or name).startswith("libcudnn"):
        return None
    from torchsmith.binaries import cudnn

    return cudnn.version(file, size)


def _guarded(warnings: list[str], part: Callable[[], T | None]) -> T | None:
    try:
        return part()
    except BinaryError as error:
        warnings.append(str(error))
        return None


def _file(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]

"""The processor that a binary was compiled for, as far as it says.

A baseline is what every run needs. Code for better processors that is chosen while the program runs (as torch chooses among
its kernels for AVX2 and AVX-512) is none. So only what the file declares is told here: the level that its notes demand, the
command lines that a compiler recorded, torch's own record of its flags, the folder that the loader keeps for a level. On AArch64
the program properties (BTI, PAC) say nothing of it: those instructions do nothing on processors that lack them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torchsmith.binaries import notes
from torchsmith.binaries.elf import Elf
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.pe import Pe
from torchsmith.binaries.reader import BinaryFile, Reader, Section
from torchsmith.model.pattern import pattern
from torchsmith.model.place import Place
from torchsmith.model.record import record

FLAGS_LIMIT = 32 * 1024 * 1024
"""Bytes of constants that are searched for torch's flags: they stand 2 to 7 MB into 18 MB."""

_DEFAULTS = {62: "x86-64", 183: "armv8-a", 0x8664: "x86-64", 0xAA64: "armv8-a"}
"""What compilers generate code for, without ``-march``, by the machine of the file."""
_X86 = (62, 0x8664)
_SILENT = "no ISA note and no recorded compiler flags; presence of vector instructions would prove nothing"
_TORCH = ("libtorch_cpu.so", "torch_cpu.dll")
_MARKS = {".rodata": b"-fvisibility-inlines-hidden", ".rdata": b" /EHsc "}
"""Section of constants -> a flag of every torch build that has it: with GCC or Clang, and with Microsoft's compiler."""
_LONGEST = 8192

_MARCH = pattern(r"(?:^|\s)-march=([A-Za-z0-9][A-Za-z0-9_.+-]{0,100})")
_VECTOR = pattern(r"(?:^|\s)-m(no-)?(avx\w{0,16}|fma4?|sse4(?:\.[12])?|ssse3|sse3|sve\w{0,8})(?=\s|$)")
_MICROSOFT = pattern(r"(?:^|\s)[/-]arch:([A-Za-z0-9.]{1,16})")
_HWCAPS = pattern(r"/glibc-hwcaps/([a-z0-9_-]{1,32})/[^/]+$")


@record
class Baseline:
    """``level`` is a microarchitecture level or what ``-march`` named, such as ``x86-64-v2``; None where the file cannot tell."""

    level: str | None
    reason: str
    """Where it was found, or why the file cannot tell."""
    place: Place | None = None


def read(file: BinaryFile, size: int, parsed: Elf | Pe, name: str) -> Baseline:
    """Return the declared baseline of a binary that was ``parsed`` already; what is damaged ends in the reason."""
    try:
        return _read(file, size, parsed, name)
    except BinaryError as error:
        return Baseline(None, str(error))


def from_flags(flags: str, machine: int) -> str | None:
    """Return what compiler flags ask for; None where they name nothing, and the machine's default is not known.

    Vector instructions that flags allow besides are added: ``x86-64+avx2+fma``.
    """
    microsoft = _MICROSOFT.findall(flags)
    if microsoft:
        return str(microsoft[-1]).lower()
    march = _MARCH.findall(flags)
    base = str(march[-1]) if march else _DEFAULTS.get(machine)
    if base is None or march or machine not in _X86:
        return base
    allowed: dict[str, bool] = {}
    for no, feature in _VECTOR.findall(flags):
        allowed[feature] = not no
    return "+".join((base, *(feature for feature, yes in allowed.items() if yes)))


def _read(file: BinaryFile, size: int, parsed: Elf | Pe, name: str) -> Baseline:
    path = name.replace("\\", "/")
    if isinstance(parsed, Elf):
        needed = notes.isa_needed(file, size, parsed)
        if needed:
            return Baseline(needed[0], "declared as needed (.note.gnu.property): the loader refuses lesser processors", needed[1])
        folder = _HWCAPS.search(path)
        if folder:
            return Baseline(folder[1], "in a glibc-hwcaps folder, which the loader enters on processors of that level only")
        recorded = notes.command_lines(file, size, parsed)
        if recorded:
            return _recorded(*recorded, parsed.machine)
    if path.rpartition("/")[2] in _TORCH:
        found = _torch_flags(Reader(file, size), parsed.sections)
        if found:
            return _torch(*found, parsed.machine)
    return Baseline(None, _SILENT)


def _recorded(lines: Iterable[str], place: Place, machine: int) -> Baseline:
    """What the recorded command lines agree on. Old compilers record each flag as a line of its own."""
    lines = tuple(lines)
    if not any(line.startswith(("GNU ", "clang", "/")) or " -" in line for line in lines):
        lines = (" ".join(lines),)
    levels = sorted({level for line in lines if (level := from_flags(line, machine))})
    if len(levels) == 1:
        default = "" if "-march" in lines[0] else " (no -march: the compiler's default)"
        return Baseline(levels[0], f"recorded compiler flags (.GCC.command.line){default}", place)
    if levels:
        listed = ", ".join(levels)
        return Baseline(None, f"its parts were compiled for {listed}: which of them runs is decided inside", place)
    return Baseline(None, "the recorded compiler flags name no processor", place)


def _torch(flags: str, place: Place, machine: int) -> Baseline:
    level = from_flags(flags, machine)
    if "-march=" in flags or "/arch:" in flags:
        return Baseline(level, f"torch's own record of its compiler flags ({place.section})", place)
    why = (
        "torch's own record of its compiler flags names no processor: the compiler's default; faster code is chosen while it runs"
    )
    return Baseline(level, f"{why} ({place.section})", place)


def _torch_flags(reader: Reader, sections: Iterable[Section]) -> tuple[str, Place] | None:
    """Return the text of ``torch.__config__`` that holds the compiler flags."""
    for section, offset, data in _pieces(reader, sections):
        mark = _MARKS[section]
        at = data.find(mark)
        while at >= 0:
            begin, end = data.rfind(b"\0", 0, at) + 1, data.find(b"\0", at)
            if end >= 0 and b"-DNDEBUG" in data[begin:end]:
                return data[begin:end].decode("ascii", "replace"), Place(section, offset + begin, end - begin)
            at = data.find(mark, at + 1)
    return None


def _pieces(reader: Reader, sections: Iterable[Section]) -> Iterator[tuple[str, int, bytes]]:
    left = FLAGS_LIMIT
    for section in sections:
        if section.name in _MARKS and left > 0:
            length = min(section.size, left)
            left -= length
            for offset, data in reader.chunks(section.offset, length, _LONGEST, f"section {section.name}"):
                yield section.name, offset, data

"""How much of a binary's code is of which vector instruction set: ``torchsmith inspect --deep``.

It needs the disassembler capstone (an extra of the package). What it counts is what code there is, not what runs: torch, BLAS
libraries and the C library carry AVX2 and AVX-512 code that they choose while they run, on processors that have it. So no
counts make a baseline; the absence of such code from a part of the program is the stronger statement.
"""

from __future__ import annotations

from torchsmith.binaries.elf import Elf
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.pe import Pe
from torchsmith.binaries.reader import BinaryFile, Reader, Section
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

WHOLE_LIMIT = 2 * 1024 * 1024
"""Bytes of code that are read whole, in about a second; of more, samples of that size in all are read."""
INSTRUCTION_LIMIT = 1_000_000
"""Real code of that size has half as many; counting ends there."""
WINDOW = 4096
"""Bytes of one sample: short against a function, long against the few bytes in which a disassembler finds its step."""
PIECE = 64 * 1024
"""Bytes that are taken apart at once: the disassembler needs 240 bytes of memory for an instruction of one byte."""

WARNING = (
    "these count what code is there, not what runs: code for better processors may be chosen while the program runs,"
    " so no processor can be called too old by them"
)

_X86, _AARCH64 = (62, 0x8664), (183, 0xAA64)
_EXECUTABLE = {Elf: 0x4, Pe: 0x20000000}
"""Flag of a section that is run: SHF_EXECINSTR, IMAGE_SCN_MEM_EXECUTE."""

_SSE4 = pattern(
    r"pabs[bwd]|palignr|ph(?:add|sub)(?:w|d|sw)|pmaddubsw|pmulhrsw|pshufb|psign[bwd]|blendv?p[ds]|dpp[ds]|extractps|insertps"
    r"|movntdqa|mpsadbw|packusdw|pblend(?:vb|w)|pcmp(?:eqq|gtq|[ei]str[im])|p(?:ext|ins)r[bdq]|phminposuw|p(?:max|min)(?:s[bd]|u[dw])"
    r"|pmov[sz]x(?:b[wdq]|w[dq]|dq)|pmuldq|pmulld|ptest|round[ps][ds]|crc32|popcnt"
)
"""What x86-64-v2 has over x86-64: SSSE3, SSE4.1, SSE4.2 and population count."""
_AVX512 = pattern(r"zmm|\{k[1-7]\}|\bk[0-7]\b|[xy]mm(?:1[6-9]|2[0-9]|3[01])")
_AVX2 = pattern(r"vp(?!erm2f128|ermil|test|estri|cmpestr|cmpistr)|v(?:broadcasti|extracti|inserti|gather)")
_SVE = pattern(r"\bz(?:[12]?[0-9]|3[01])\.[bhsdq]\b|\bp(?:[0-9]|1[0-5])(?:\.[bhsd]|/[mz])")
_NOT_VECTOR = frozenset(("verr", "verw", "vmcall", "vmlaunch", "vmresume", "vmread", "vmwrite", "vmxon", "vmxoff", "vmfunc"))


@record
class VectorCode:
    """Counts of instructions, by instruction set."""

    instructions: int
    """How many were told apart, of any kind."""
    counts: tuple[tuple[str, int], ...]
    """(``sse4``, ``avx``, ``avx2``, ``fma``, ``avx512`` or ``sve``, number); those that are not there are left out."""
    read: int
    """Bytes of code that were read; fewer than ``code`` where samples were taken."""
    code: int
    """Bytes of code in the file."""
    warning: str = WARNING


def count(file: BinaryFile, size: int, parsed: Elf | Pe) -> VectorCode:
    """Count the vector instructions of a binary that was ``parsed`` already, in bounded time.

    Raises BinaryError where capstone is not installed, for other machines than x86-64 and AArch64, and for a bad file.
    """
    engine = _engine(parsed.machine)
    kind = _kind_x86 if parsed.machine in _X86 else _kind_aarch64
    flag = _EXECUTABLE[type(parsed)]
    sections = [section for section in parsed.sections if section.flags & flag and section.size]
    code = sum(section.size for section in sections)
    counts: dict[str, int] = {}
    instructions = read = 0
    reader = Reader(file, size)
    for section, offset, length in _samples(sections, code):
        data = reader.up_to(offset, length, f"section {section}")
        read += len(data)
        for _, _, mnemonic, operands in engine.disasm_lite(data, 0):
            instructions += 1
            found = kind(mnemonic, operands)
            if found:
                counts[found] = counts.get(found, 0) + 1
        if instructions > INSTRUCTION_LIMIT:
            break
    return VectorCode(instructions, tuple(sorted(counts.items())), read, code)


def _engine(machine: int) -> Any:
    try:
        import capstone
    except ImportError as error:
        raise BinaryError("capstone not installed") from error
    if machine in _X86:
        engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    elif machine in _AARCH64:
        engine = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_LITTLE_ENDIAN)
    else:
        raise BinaryError(f"vector instructions of machine {machine} are not told apart")
    engine.skipdata = True  # jump tables and paddings lie between functions
    return engine


def _samples(sections: list[Section], code: int) -> Iterator[tuple[str, int, int]]:
    """Yield (section, offset, size): everything piece by piece, or windows that are spread evenly."""
    window, step = (PIECE, PIECE) if code <= WHOLE_LIMIT else (WINDOW, code * WINDOW // WHOLE_LIMIT // 16 * 16)
    for section in sections:
        for start in range(0, section.size, step):
            yield section.name, section.offset + start, min(window, section.size - start)


def _kind_x86(mnemonic: str, operands: str) -> str | None:
    if mnemonic[0] == "v" and mnemonic not in _NOT_VECTOR:
        if _AVX512.search(operands):
            return "avx512"
        if mnemonic.startswith(("vfmadd", "vfmsub", "vfnmadd", "vfnmsub")):
            return "fma"
        wide = "ymm" in operands or mnemonic.startswith(("vpbroadcast", "vpsllv", "vpsrlv", "vpsrav", "vpblendd", "vpgather"))
        return "avx2" if wide and _AVX2.match(mnemonic) else "avx"
    if _SSE4.fullmatch(mnemonic):
        return "sse4"
    return "avx512" if mnemonic[0] == "k" and _AVX512.search(operands) else None


def _kind_aarch64(_: str, operands: str) -> str | None:
    return "sve" if _SVE.search(operands) else None

"""Everything that one binary says of itself, in one reading: what ``torchsmith inspect`` shows of it."""

from __future__ import annotations

from torchsmith.binaries import elf, fatbin, pe, shared
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader
from torchsmith.model.inspected import BinaryObject

CUDA_CUBIN = 190
"""``e_machine`` of GPU code that is a file of its own."""


def inspect(file: BinaryFile, size: int, name: str = "") -> BinaryObject:
    """Read the binary of ``size`` bytes; its file ``name`` tells which Python it is for.

    What is damaged ends in the object's warnings, together with what could be read. Raises BinaryError where nothing can.
    """
    start = Reader(file, size).up_to(0, 8, "the first bytes")
    if start[:4] == b"\x7fELF":
        return _elf(file, size, name)
    if start[:2] == b"MZ":
        return _pe(file, size, name)
    raise BinaryError("none of the formats that are read: ELF, PE, Mach-O, fatbin, ar")


def _elf(file: BinaryFile, size: int, name: str) -> BinaryObject:
    """An ELF object; one that was cut short is told of as far as it goes."""
    warnings: list[str] = []
    read = elf.read(file, size, warnings)
    code = fatbin.scan(file, size, read.sections) if read.sections else None
    return BinaryObject(
        format="cubin" if read.machine == CUDA_CUBIN else "elf",
        size=size,
        machine=shared.machine_of(read.machine),
        bits=read.bits,
        soname=read.soname,
        needed=read.needed,
        rpath=read.rpath,
        runpath=read.runpath,
        interpreter=read.interpreter,
        has_glibc=shared.highest(read.version_defs, "GLIBC"),
        has_glibcxx=shared.highest(read.version_defs, "GLIBCXX"),
        gpu_code=code if code and (code.containers or code.warnings) else None,
        warnings=tuple(warnings),
    )


def _pe(file: BinaryFile, size: int, name: str) -> BinaryObject:
    read = pe.read(file, size)
    code = fatbin.scan(file, size, read.sections)
    return BinaryObject(
        format="pe",
        size=size,
        machine=shared.pe_machine_of(read.machine),
        bits=read.bits,
        file_version=read.file_version,
        needed=read.imports,
        delay_needed=read.delay_imports,
        gpu_code=code if code.containers or code.warnings else None,
    )

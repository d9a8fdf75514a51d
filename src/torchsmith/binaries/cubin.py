"""A cubin: the ELF file that holds SASS for one architecture, when it is a file of its own.

Sources: LLVM's ``llvm/BinaryFormat/ELF.h`` for the architecture in ``e_flags`` (``EF_CUDA_SM``, and its place in the newer
layout). That the note ``.note.nv.tkinfo`` holds the command line of ptxas, and that no flag tells sm_100 from sm_100a and
sm_100f, was measured with CUDA 11.8 to 13.5.
"""

from __future__ import annotations

import struct

from torchsmith.binaries import elf
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader, Section
from torchsmith.model.gpu_code import GpuCode, Group
from torchsmith.model.pattern import pattern
from torchsmith.model.place import Place

MACHINE = 190
"""``e_machine`` of GPU code."""

_ABI_VERSION, _FLAGS = 8, 48
"""Bytes from the file's start."""
_NOTE_LIMIT = 16 * 1024
_ACCELERATED = 0x800
"""In the older layout: an arch-specific cubin, such as sm_90a."""

_ARCH = pattern(rb"-arch[ =]sm_(\d{2,3})([af]?)\b")


def read(file: BinaryFile, size: int) -> GpuCode:
    """Return the code of a cubin; raise BinaryError for what is none.

    The suffix comes from the command line that the cubin notes; a linked cubin, which has none, is told without suffix.
    """
    found = elf.read(file, size)
    if found.machine != MACHINE or found.bits != 64:
        raise BinaryError("not a cubin")
    reader = Reader(file, size)
    abi = reader.at(_ABI_VERSION, 1, "the ABI version")[0]
    (flags,) = struct.unpack("<I", reader.at(_FLAGS, 4, "the flags"))
    number = flags >> 8 & 0xFF if abi >= 8 else flags & 0xFF
    suffix = _noted_suffix(reader, found.sections, number) or ("a" if abi < 8 and flags & _ACCELERATED else "")
    arch = f"sm_{number}{suffix}"
    return GpuCode((arch,), (), (), (Group((arch,), (), 1),), 1, None, (), (Place("", 0, size),))


def _noted_suffix(reader: Reader, sections: tuple[Section, ...], number: int) -> str:
    for section in sections:
        if section.name == ".note.nv.tkinfo":
            noted = _ARCH.search(reader.at(section.offset, min(section.size, _NOTE_LIMIT), "a cubin's note"))
            if noted and int(noted[1]) == number:
                return str(noted[2].decode())
    return ""

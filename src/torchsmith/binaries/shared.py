"""One small description of a shared library, ELF or PE: what a simulation of the loader needs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from torchsmith.binaries import elf, pe
from torchsmith.binaries.formats import format_of
from torchsmith.binaries.reader import BinaryFile
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.binaries.formats import Format

ELF_MACHINES = (
    (3, "x86"),
    (21, "ppc64"),
    (22, "s390x"),
    (40, "arm"),
    (62, "x86_64"),
    (183, "aarch64"),
    (243, "riscv64"),
)
_PE_MACHINES = ((0x14C, "x86"), (0x1C4, "arm"), (0x8664, "x86_64"), (0xAA64, "aarch64"), (0xA641, "arm64ec"))


@record
class Shared:
    """A shared library or executable, in texts, numbers and tuples of texts: it can be written as JSON."""

    format: Format
    machine: str
    """``x86_64``, ``aarch64`` ..., spelled alike for both formats; ``elf-190`` or ``pe-0x200`` for another one."""
    bits: int
    soname: str | None
    needed: tuple[str, ...]
    """``DT_NEEDED``, or the imported DLLs, in order."""
    delay_needed: tuple[str, ...]
    """DLLs that are loaded when first used; empty for ELF."""
    rpath: str | None
    runpath: str | None
    interpreter: str | None
    glibc: str | None
    """The highest ``GLIBC_`` version that is needed, such as ``2.28``."""
    glibcxx: str | None
    """The highest ``GLIBCXX_`` version that is needed, such as ``3.4.22``."""
    has_glibc: str | None
    """The highest ``GLIBC_`` version that this library has: what a libc.so.6 is."""
    has_glibcxx: str | None
    """The highest ``GLIBCXX_`` version that this library has: what a libstdc++.so.6 is."""
    file_version: str | None
    """Of a PE file."""


def describe(file: BinaryFile, size: int) -> Shared:
    """Describe an ELF or PE file of ``size`` bytes; raise BinaryError for another one, or a damaged one."""
    return _describe_elf(elf.read(file, size)) if format_of(file, size) == "elf" else _describe_pe(pe.read(file, size))


def _describe_elf(library: elf.Elf) -> Shared:
    needs = [name for versions in library.version_needs.values() for name in versions]
    return Shared(
        format="elf",
        machine=machine_of(library.machine),
        bits=library.bits,
        soname=library.soname,
        needed=library.needed,
        delay_needed=(),
        rpath=library.rpath,
        runpath=library.runpath,
        interpreter=library.interpreter,
        glibc=highest(needs, "GLIBC"),
        glibcxx=highest(needs, "GLIBCXX"),
        has_glibc=highest(library.version_defs, "GLIBC"),
        has_glibcxx=highest(library.version_defs, "GLIBCXX"),
        file_version=None,
    )


def _describe_pe(library: pe.Pe) -> Shared:
    return Shared(
        format="pe",
        machine=pe_machine_of(library.machine),
        bits=library.bits,
        soname=None,
        needed=library.imports,
        delay_needed=library.delay_imports,
        rpath=None,
        runpath=None,
        interpreter=None,
        glibc=None,
        glibcxx=None,
        has_glibc=None,
        has_glibcxx=None,
        file_version=library.file_version,
    )


def machine_of(number: int) -> str:
    """Return the name of an ELF file's processor, such as ``x86_64``; ``elf-190`` for another one."""
    return dict(ELF_MACHINES).get(number, f"elf-{number}")


def pe_machine_of(number: int) -> str:
    """Return the name of a PE file's processor."""
    return dict(_PE_MACHINES).get(number, f"pe-{number:#x}")


def highest(versions: Iterable[str], family: str) -> str | None:
    """Return the highest of the symbol versions ``family_1.2.3`` as ``1.2.3``; ``GLIBC_PRIVATE`` is none."""
    pattern = re.compile(rf"{re.escape(family)}_([0-9]{{1,6}}(?:\.[0-9]{{1,6}}){{0,3}})")
    found = [match[1] for name in versions if (match := pattern.fullmatch(name))]
    return max(found, key=lambda version: [int(part) for part in version.split(".")], default=None)

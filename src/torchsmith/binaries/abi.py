"""The interfaces that a binary was made for: Python's, NumPy's, those of the C and C++ libraries.

Only what can tell is read: the constants of Python's extension modules alone, and of names no more than the first that proves
which ``std::string`` the binary takes. Sources: PEP 3149 and PEP 703 (file names of extension modules), PEP 384 (the limited
API), https://gcc.gnu.org/onlinedocs/libstdc++/manual/using_dual_abi.html, numpy_abi for NumPy.
"""

from __future__ import annotations

import re

from torchsmith.binaries import elf, numpy_abi, pe, shared
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.macho import MachO
from torchsmith.binaries.reader import CHUNK, BinaryFile, Reader, Section
from torchsmith.binaries.symbols import Library
from torchsmith.model.inspected import Abi
from torchsmith.model.pattern import pattern
from torchsmith.model.place import Place
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

CONSTANTS_LIMIT = 4 * CHUNK
"""Bytes of constants that are searched in one file: a linker puts the texts of all its parts together, near the front."""
NAMES_LIMIT = 16 * CHUNK
"""Bytes of symbol names that are searched in one file."""

RELATIVE = "GLIBC_ABI_DT_RELR"
"""What an object with packed relative relocations needs: glibc has it from 2.36 on."""

STRING_OVERLAP = 4096
"""Bytes: longer than all but the strangest names."""
_FIRST = 32 * 1024
"""Bytes of names to read first: most binaries prove themselves there."""

_CONSTANTS = frozenset((".rodata", ".lrodata", ".rdata", "__TEXT,__cstring", "__TEXT,__const"))
_TAG = pattern(r"\.(?:cpython-(?P<cp>3[0-9]{1,2}t?)d?|(?P<abi>abi3t?)|cp(?P<win>3[0-9]{1,2}t?)|(?P<pp>pypy3[0-9]{1,2}))[.-]")
_PYTHON_LIBRARY = pattern(r"(?!(?:lib)?python\d).*python.*", re.IGNORECASE)
"""libtorch_python, torch_python.dll, libarrow_python: no extension modules, and made for NumPy and pybind11 all the same."""
_CYTHON = "it takes NumPy's types through Cython (before version 3), and does not say of which NumPy"
_PYBIND = b"__pybind11_internals_v"
_PYBIND_ID = pattern(rb"__pybind11_internals_(v[0-9]{1,4}[A-Za-z0-9_]{0,120}?)_*\0")

# How names write a string: the new one is std::__cxx11::basic_string, the old one has an abbreviation of its own. Here: a
# reference to a constant one, and a template's first argument.
_NEW, _OLD = b"St7__cxx11", (b"RKSs", b"ISsS")
_STD = pattern(rb"_Z(?:GTt|GV|T[A-Z])?N?[KVRO]{0,2}S[a-z0-9_]|_ZGTt")
"""Names of std itself: a static libstdc++ holds its old and its new forms side by side."""


@record
class Found:
    """The interfaces of one binary, where each was read, and what could not be told."""

    abi: Abi
    numpy_floor: str | None = None
    """The oldest NumPy that the extension accepts, where its headers wrote that down."""
    places: tuple[tuple[str, Place], ...] = ()
    """Field of ``Abi`` -> where it was read; a file's name has no place."""
    warnings: tuple[str, ...] = ()


def read(file: BinaryFile, size: int, parsed: elf.Elf | pe.Pe | MachO, name: str) -> Found:
    """Return the interfaces of a binary that was ``parsed`` already; its ``name`` tells which Python it is for.

    What is damaged ends in the warnings: this raises nothing.
    """
    reader = Reader(file, size)
    warnings: list[str] = []
    places: list[tuple[str, Place]] = []
    python, module = _python(file, size, parsed, name)
    marks = numpy_abi.Marks()
    pybind11 = None
    if module or _PYTHON_LIBRARY.fullmatch(_file(name)):
        pybind11 = _guarded(warnings, lambda: _constants(reader, parsed.sections, marks, places, warnings))
    cxx11 = _guarded(warnings, lambda: _cxx11(reader, parsed, places)) if isinstance(parsed, elf.Elf) else None
    needs = _version_needs(parsed, places)
    if marks.types and not marks.place:
        warnings.append(_CYTHON)
    if marks.place:
        places.append(("numpy", marks.place))
    abi = Abi(
        python=python,
        numpy=None if _numpys_own(name) else marks.abi,
        glibc=shared.highest(needs, "GLIBC"),
        glibcxx=shared.highest(needs, "GLIBCXX"),
        cxx11=cxx11,
        pybind11=pybind11,
        msvc=pe.runtime_dlls((*parsed.imports, *parsed.delay_imports)) if isinstance(parsed, pe.Pe) else (),
    )
    return Found(abi, marks.floor, tuple(places), tuple(warnings))


def python_tag(name: str) -> str | None:
    """Return the interpreters that a file's name is made for: ``cp311``, ``cp313t``, ``abi3``, ``pypy39``; None without one."""
    match = _TAG.search(_file(name))
    if match is None:
        return None
    version = match["cp"] or match["win"]
    return f"cp{version}" if version else match["abi"] or match["pp"]


def importable(made_for: str | None, interpreter: str) -> str:
    """Return why the ``interpreter`` (``cp312``, ``cp313t``) cannot import a module that was made for ``made_for``; "" if it can.

    The limited API of ``abi3`` is not that of the free-threaded interpreters, which have ``abi3t`` from 3.15 on.
    """
    if made_for is None or made_for == interpreter:
        return ""
    threaded = interpreter.endswith("t")
    here = f"Python {'.'.join((interpreter[2:3], interpreter[3:].rstrip('t')))}{' (free-threaded)' if threaded else ''}"
    if made_for == "abi3":
        if not threaded:
            return ""
        return f"made for the stable ABI (abi3) of interpreters with a GIL; {here} has none"
    if made_for == "abi3t":
        minor = interpreter[3:].rstrip("t")
        if minor.isdecimal() and int(minor) >= 15:
            return ""
        return f"made for the stable ABI abi3t, which begins with Python 3.15; this is {here}"
    return f"made for {made_for}; {here} looks for {interpreter} or the stable ABI and does not see it"


def _python(file: BinaryFile, size: int, parsed: elf.Elf | pe.Pe | MachO, name: str) -> tuple[str | None, bool]:
    """Return the interpreters that the binary is for, and whether it is an extension module at all."""
    tag = python_tag(name)
    if isinstance(parsed, pe.Pe):
        # The DLL that it imports decides: the name may say less, and where it says otherwise, loading follows the import.
        found = pe.python_abi((*parsed.imports, *parsed.delay_imports))
        return found or tag, found is not None
    if tag is not None or not isinstance(parsed, elf.Elf):
        return tag, tag is not None
    stem, _, ending = _file(name).partition(".")
    if ending != "so" or parsed.symbols is None:
        return None, False
    try:
        return None, Library(file, size).offers(f"PyInit_{stem}")
    except BinaryError:
        return None, False


def _constants(
    reader: Reader,
    sections: tuple[Section, ...],
    marks: numpy_abi.Marks,
    places: list[tuple[str, Place]],
    warnings: list[str],
) -> str | None:
    """Feed the constants to ``marks``; return pybind11's internals."""
    found = None
    for name, offset, data in _pieces(reader, sections, warnings):
        marks.feed(data, name, offset)
        if found is None and (at := data.find(_PYBIND)) >= 0 and (match := _PYBIND_ID.match(data, at)):
            found = match[1].decode()
            places.append(("pybind11", Place(name, offset + match.start(), len(match[0]) - 1)))
    return found


def _pieces(reader: Reader, sections: tuple[Section, ...], warnings: list[str]) -> Iterator[tuple[str, int, bytes]]:
    """Yield (section, offset, bytes) of the constants, up to the limit."""
    left = CONSTANTS_LIMIT
    for section in sections:
        if section.name not in _CONSTANTS and not section.name.startswith(".rodata."):
            continue
        if section.size > left:
            warnings.append(f"of {section.size} bytes of {section.name} the first {left} were searched for NumPy and pybind11")
        for offset, data in reader.chunks(section.offset, min(section.size, left), numpy_abi.OVERLAP, f"section {section.name}"):
            yield section.name, offset, data
        left -= min(section.size, left)


def _cxx11(reader: Reader, parsed: elf.Elf, places: list[tuple[str, Place]]) -> bool | None:
    """Whether ``std::string`` is the C++11 one, by the first name that tells."""
    table = parsed.symbols
    if table is None:
        return None
    end = table.names_offset + min(table.names_size, NAMES_LIMIT)
    start, length = table.names_offset, _FIRST
    while start < end:
        data = reader.at(start, min(length, end - start), "the dynamic string table")
        new = _own(data, _NEW, len(data))
        old = min((at for needle in _OLD if (at := _own(data, needle, new if new >= 0 else len(data))) >= 0), default=-1)
        if new >= 0 or old >= 0:
            places.append(("cxx11", Place(".dynstr", start + (new if old < 0 else old), len(_NEW if old < 0 else _OLD[0]))))
            return old < 0
        start, length = start + max(len(data) - STRING_OVERLAP, 1) if start + len(data) < end else end, CHUNK
    return None


def _own(data: bytes, needle: bytes, end: int) -> int:
    """Return where a name that is not std's has ``needle`` before ``end``; -1 where none has."""
    at = data.find(needle, 0, end)
    while at >= 0:
        begin = data.rfind(b"\0", max(at - STRING_OVERLAP, 0), at) + 1
        if begin and data.startswith(b"_Z", begin) and not _STD.match(data, begin):
            return at
        after = data.find(b"\0", at)
        at = data.find(needle, after, end) if after >= 0 else -1
    return -1


def _version_needs(parsed: elf.Elf | pe.Pe | MachO, places: list[tuple[str, Place]]) -> list[str]:
    if not isinstance(parsed, elf.Elf):
        return []
    table = next((section for section in parsed.sections if section.name == ".gnu.version_r"), None)
    needs = [version for versions in parsed.version_needs.values() for version in versions]
    if RELATIVE in needs:
        needs.append("GLIBC_2.36")
    if table is not None:
        place = Place(table.name, table.offset, table.size)
        for field, family in (("glibc", "GLIBC_"), ("glibcxx", "GLIBCXX_")):
            if any(need.startswith(family) for need in needs):
                places.append((field, place))
    return needs


def _numpys_own(name: str) -> bool:
    """NumPy's core answers to the name that its extensions look for: it is no extension of itself."""
    return _file(name).startswith("_multiarray_umath.")


def _file(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _guarded(warnings: list[str], part: Callable[[], T]) -> T | None:
    try:
        return part()
    except BinaryError as error:
        warnings.append(str(error))
        return None

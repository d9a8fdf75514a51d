"""What one binary says of itself, read without running it: the objects of ``torchsmith inspect``."""

from __future__ import annotations

from torchsmith.model.gpu_code import GpuCode
from torchsmith.model.record import record


@record
class Place:
    """Where in the file a fact was read: the section's name ("" for a header), offset and size in bytes."""

    section: str
    offset: int
    size: int


@record
class HipCode:
    """AMD GPU code: clang offload bundles. ``targets`` are sorted, such as ``gfx90a`` or ``gfx942:sramecc+:xnack-``."""

    targets: tuple[str, ...]
    bundles: int
    unknown: str = ""
    """Why the targets could not be read, such as "zstd not available"; "" where they were."""
    warnings: tuple[str, ...] = ()


@record
class Abi:
    """The interfaces that a binary was made for. None: it uses none, or the file cannot tell."""

    python: str | None = None
    """``cp311``, ``cp313t``, ``abi3``: the interpreters that can import an extension module."""
    numpy: str | None = None
    """``1`` built with NumPy 1 headers (fails on 2), ``both`` with NumPy 2 headers, ``2`` only for 2 and later."""
    glibc: str | None = None
    """The highest ``GLIBC_`` symbol version that it needs."""
    glibcxx: str | None = None
    """The highest ``GLIBCXX_`` symbol version that it needs."""
    cxx11: bool | None = None
    """Whether its ``std::string`` is the C++11 one; None where no symbol tells."""
    pybind11: str | None = None
    """pybind11's internals, such as ``v11``: modules of one kind share C++ types."""
    msvc: tuple[str, ...] = ()
    """Microsoft's C++ runtime DLLs that it needs."""


@record
class BinaryObject:
    """One binary, of any format that is read. ``size`` is the file's, in bytes."""

    format: str
    """``elf``, ``pe``, ``macho``, ``fatbin``, ``cubin``, ``ar``."""
    size: int
    machine: str = ""
    """``x86_64``, ``aarch64`` ..."""
    bits: int = 0
    soname: str | None = None
    file_version: str | None = None
    """Of a PE file's version resource."""
    build_id: str | None = None
    compiler: str | None = None
    needed: tuple[str, ...] = ()
    delay_needed: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    interpreter: str | None = None
    has_glibc: str | None = None
    has_glibcxx: str | None = None
    gpu_code: GpuCode | None = None
    """Code in the fatbin sections; None: the file has none."""
    gpu_code_elsewhere: tuple[tuple[str, GpuCode], ...] = ()
    """(section, code) found outside them."""
    hip_code: HipCode | None = None
    abi: Abi = Abi()
    cpu_baseline: str | None = None
    """The declared microarchitecture level or ``-march``, such as ``x86-64-v2``."""
    cpu_reason: str = ""
    """Where the baseline was found, or why the file cannot tell."""
    cudnn: str | None = None
    """The version of a cuDNN library."""
    places: tuple[tuple[str, Place], ...] = ()
    """Field name -> where it was read."""
    warnings: tuple[str, ...] = ()

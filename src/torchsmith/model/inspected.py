"""What one binary says of itself, read without running it: the objects of ``torchsmith inspect``."""

from __future__ import annotations

from torchsmith.model.gpu_code import GpuCode, Group
from torchsmith.model.place import Place
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
    macos: str | None = None
    """The oldest macOS that it runs on; of a universal file the one that its image for Apple silicon runs on."""


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
    cut_short: bool = False
    """Whether the file ends before what its own headers say."""
    warnings: tuple[str, ...] = ()
    members: tuple[tuple[str, BinaryObject], ...] = ()
    """(name, object) of what an archive (``ar``) holds."""


def binary_object(data: dict[str, Any]) -> BinaryObject:
    """The object whose plain form a host answered."""
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    made["gpu_code"] = _gpu_code(data["gpu_code"]) if data["gpu_code"] else None
    made["gpu_code_elsewhere"] = tuple((section, _gpu_code(code)) for section, code in data["gpu_code_elsewhere"])
    made["hip_code"] = HipCode(**_tuples(data["hip_code"])) if data["hip_code"] else None
    made["abi"] = Abi(**_tuples(data["abi"]))
    made["places"] = tuple((name, Place(**place)) for name, place in data["places"])
    made["members"] = tuple((name, binary_object(member)) for name, member in data["members"])
    return BinaryObject(**made)


def _gpu_code(data: dict[str, Any]) -> GpuCode:
    groups = tuple(Group(**_tuples(group)) for group in data["groups"])
    places = tuple(Place(**place) for place in data.get("places", ()))
    return GpuCode(**_tuples({**data, "groups": groups, "places": places}))


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}

"""Processor, room on disk, CUDA's compile cache, and Windows settings."""

from __future__ import annotations

from torchsmith.model.record import record


@record
class Cpu:
    """An x86-64 processor: ``level`` is its microarchitecture level (3 = x86-64-v3); ``virtual`` where a hypervisor shows it."""

    model: str
    level: int
    avx: bool
    avx2: bool
    virtual: bool = False


@record
class Room:
    """Free bytes where torch would be installed, and where pip unpacks what it downloads; looked at only without torch."""

    site: str
    site_free: int | None
    temp: str
    temp_free: int | None


@record
class ComputeCache:
    """CUDA's cache of compiled PTX: the folder, or the nearest one above it that exists, whose it is, and if we may write it."""

    path: str
    owner: int
    user: int | None
    writable: bool


@record
class WindowsSettings:
    r"""``long_paths`` is LongPathsEnabled. ``page_files`` are (path, first MiB, last MiB); zeros stand for "Windows decides".

    Both are None where the registry did not say.
    """

    long_paths: bool | None = None
    page_files: tuple[tuple[str, int, int], ...] | None = None

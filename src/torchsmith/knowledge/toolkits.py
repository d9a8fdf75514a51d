"""CUDA toolkits: what each one compiles for, and with which host compilers."""

from __future__ import annotations

from torchsmith.knowledge.compiled.cuda_toolkits import ROWS
from torchsmith.model.record import record
from torchsmith.model.versions import key, minor


@record
class Toolkit:
    """A toolkit release. Versions are strings; ``msc_ver`` is Microsoft's compiler number (1949)."""

    version: str
    driver_linux: str | None
    driver_windows: str | None
    sass_min: int
    sass_max: int
    ptx_isa: str | None
    gcc_max: str | None
    clang_max: str | None
    msc_ver_min: int | None
    msc_ver_max: int | None
    cudnn_majors: tuple[int, ...]


def get(version: str) -> Toolkit | None:
    """The toolkit of a version. "12.8" is its first release; "12.8.93" the newest listed one that is not newer."""
    wanted = key(version)
    if len(wanted) < 2:
        return None
    same_minor = [Toolkit(*row) for row in ROWS if key(row[0])[:2] == wanted[:2]]
    not_newer = [toolkit for toolkit in same_minor if key(toolkit.version) <= wanted]
    if not_newer:
        return not_newer[-1]
    return same_minor[0] if same_minor else None


def known() -> tuple[str, ...]:
    """All listed versions, oldest first."""
    return tuple(row[0] for row in ROWS)


def first_with_ptx(isa: str) -> str | None:
    """The first listed CUDA, such as "12.9", whose PTX ISA is at least ``isa``: a driver for it compiles such PTX."""
    for row in ROWS:
        toolkit = Toolkit(*row)
        if toolkit.ptx_isa and key(toolkit.ptx_isa) >= key(isa):
            return minor(toolkit.version)
    return None


def first_knowing(sm: int) -> Toolkit | None:
    """The first listed toolkit that makes code for a compute capability."""
    from torchsmith.knowledge.archs import toolkit_range

    span = toolkit_range(sm)
    return next((Toolkit(*row) for row in ROWS if span and key(row[0]) >= key(span[0])), None)

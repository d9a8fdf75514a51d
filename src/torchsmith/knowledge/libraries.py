"""Libraries by file name: which package brings them, and which cuDNN a torch uses."""

from __future__ import annotations

from torchsmith.knowledge.compiled.libraries import ROWS
from torchsmith.model.record import record
from torchsmith.model.versions import major, public


@record
class Provider:
    """A package that brings a library file."""

    cuda_major: int
    platform: str
    component: str
    file: str
    pip_package: str
    bundled: bool
    """Whether the CUDA wheel of torch for Windows carries the file itself."""
    directory: str
    """Where it lies under site-packages."""


@record
class SystemLibrary:
    """The packages that bring a library file, by distribution; empty where none does. ``note``: what it comes with."""

    file: str
    debian: str
    fedora: str
    pip_package: str
    note: str


_BY_NAME: dict[tuple[str, str], list[Provider]] = {}


def providers(file: str, cuda_major: int | None = None, platform: str = "linux-x86_64") -> tuple[Provider, ...]:
    """Every package that brings a library file, packages of its own before torch's bundled copies."""
    # The names do not depend on the processor; the tables list them once.
    system = "windows" if platform.startswith("windows") else "linux-x86_64"
    if not _BY_NAME:
        for row in ROWS:
            _BY_NAME.setdefault((row[1], row[3].lower() if row[1] == "windows" else row[3]), []).append(Provider(*row))
    found = _BY_NAME.get((system, file.lower() if system == "windows" else file), [])
    return tuple(sorted((p for p in found if cuda_major in {None, p.cuda_major}), key=lambda provider: provider.bundled))


def provider(file: str, cuda_major: int | None = None, platform: str = "linux-x86_64") -> str | None:
    """The one pip package that brings a library file; None if there is none, or several CUDA majors have one each."""
    found = {known.pip_package for known in providers(file, cuda_major, platform) if not known.bundled}
    return found.pop() if len(found) == 1 else None


def system_library(file: str) -> SystemLibrary | None:
    """What brings a library that is none of CUDA's; None for an unlisted one."""
    from torchsmith.knowledge.compiled.system_libraries import ROWS as SYSTEM

    row = next((row for row in SYSTEM if row[0] == file), None)
    return SystemLibrary(*(cell or "" for cell in row)) if row else None


def system_package(file: str, system: str = "") -> str:
    """The one package to get it from: the wheel if there is one, else that of the ``system`` (debian, fedora), else empty."""
    found = system_library(file)
    if found is None:
        return ""
    return found.pip_package or {"debian": found.debian, "fedora": found.fedora}.get(system, "")


def bundled_with_torch(file: str, cuda_major: int | None = None) -> bool:
    """Whether the CUDA wheels of torch for Windows carry this DLL in torch/lib."""
    return any(known.bundled for known in providers(file, cuda_major, "windows"))


def cudnn_major_for_torch(torch: str, build: str | None = None) -> int | None:
    """The cuDNN major that a torch release uses (8 to 2.3, 9 from 2.4); None for an unlisted one."""
    from torchsmith.knowledge.compiled.torch_builds import ROWS as BUILDS

    wanted = public(torch)
    found = [row[6] for row in BUILDS if row[0] == wanted and row[6] and build in {None, row[1]}]
    return max((major(version) for version in found), default=None)

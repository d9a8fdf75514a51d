"""What torch's files say of it, read without importing it."""

from __future__ import annotations

from torchsmith.model.record import record


@record
class Candidate:
    """Something that ``import torch`` could find: kind is package, module or namespace."""

    path: str
    entry: str
    kind: str


@record
class TorchImport:
    """What ``import torch`` finds, first of all that stand on the search path."""

    candidates: tuple[Candidate, ...]

    @property
    def first(self) -> Candidate | None:
        """The one that wins: a regular package or module anywhere beats a namespace folder."""
        return next((c for c in self.candidates if c.kind != "namespace"), None)


@record
class Torch:
    """The installed torch. ``kind`` is cuda, cpu, rocm or xpu; ``cuda`` the runtime version it was made with.

    ``build`` is the label of its build (``cu130``, ``cpu``, ``rocm6.4``), also where the version carries no local part.
    """

    folder: str
    version: str
    kind: str
    build: str
    cuda: str | None = None
    hip: str | None = None
    git: str = ""
    debug: bool = False
    numpy_abi: str | None = None


@record
class GpuCodeGroup:
    """``count`` containers (kernel groups) that hold exactly this SASS and PTX."""

    sass: tuple[str, ...]
    ptx: tuple[str, ...]
    count: int


@record
class TorchGpuCode:
    """GPU code of libtorch_cuda, per container. ``evidence`` is ``binary`` or ``declared`` (a text that torch ships)."""

    path: str
    groups: tuple[GpuCodeGroup, ...]
    sass: tuple[str, ...]
    ptx: tuple[str, ...]
    evidence: str = "binary"
    warnings: tuple[str, ...] = ()


@record
class DeviceCoverage:
    """How torch's GPU code serves one GPU. ``how`` is native, jit, partial or no; counts are containers (kernel groups).

    ``age`` says for a GPU without code where it stands to the code there is: newer, older or between.
    """

    index: int
    name: str
    sm: int
    how: str
    total: int
    native: int
    jit: int
    age: str = ""


@record
class GpuCoverage:
    """One entry per GPU whose compute capability is known."""

    devices: tuple[DeviceCoverage, ...]


@record
class FittingBuild:
    """The published torch build nearest to the installed one that serves every GPU here, with its companions."""

    torch: str
    build: str
    index: str
    companions: tuple[tuple[str, str], ...] = ()
    evidence: str = ""

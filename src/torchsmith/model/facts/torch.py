"""What torch's files say of it, read without importing it."""

from __future__ import annotations

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.gpu_code import Group


@record
class Candidate:
    """Something that ``import torch`` could find: kind is package, module or namespace.

    ``origin`` says which part of the search path holds it: folder (the current one), PYTHONPATH, user, site or other;
    ``compiled`` whether torch's compiled core lies in it (a source checkout has none).
    """

    path: str
    entry: str
    kind: str
    origin: str = "site"
    compiled: bool = True


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


@record
class TorchGpuCode:
    """GPU code of libtorch_cuda, per container. ``evidence`` is ``binary`` or ``declared`` (a text that torch ships)."""

    path: str
    groups: tuple[Group, ...]
    sass: tuple[str, ...]
    ptx: tuple[str, ...]
    evidence: str = "binary"
    warnings: tuple[str, ...] = ()


@record
class DeviceCoverage:
    """How torch's GPU code serves one GPU. ``how`` is native, jit, partial or no; counts are containers (kernel groups).

    ``age`` says for a GPU without code where it stands to the code there is: newer, older or between. ``ptx_driver`` is the
    driver CUDA version without which there is no PTX for it either; ``newest`` the highest architecture of the common kernels.
    """

    index: int
    name: str
    sm: int
    how: str
    total: int
    native: int
    jit: int
    age: str = ""
    ptx_driver: str = ""
    newest: int = 0


@record
class GpuCoverage:
    """One entry per GPU whose compute capability is known.

    ``carried`` is the GPU code that there is; ``evidence`` says whether the ``binary`` or the ``table`` of builds
    told of it.
    """

    devices: tuple[DeviceCoverage, ...]
    carried: tuple[str, ...] = ()
    evidence: str = "binary"


@record
class FittingBuild:
    """The published torch build nearest to the installed one that serves every GPU here, with its companions.

    ``needs_driver`` is the oldest driver for it where none is known here, which it then was not chosen by.
    """

    torch: str
    build: str
    index: str
    companions: tuple[tuple[str, str], ...] = ()
    evidence: str = ""
    needs_driver: str = ""

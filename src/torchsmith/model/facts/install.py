"""How torch and its companions came here: records of installers, configured indexes, other interpreters, extensions."""

from __future__ import annotations

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@record
class TorchInstall:
    """What the installer noted beside torch's folder, held against the files that are there.

    ``version`` is the record's own (often without local label), ``installer`` pip, uv, conda ..., ``requested`` False where torch
    came as a dependency, ``when`` the record's time in seconds. ``missing`` and ``damaged`` name native files of torch;
    ``others`` further records of torch in the same folder.
    """

    folder: str
    metadata: str = ""
    version: str = ""
    installer: str = ""
    requested: bool = False
    url: str = ""
    when: int | None = None
    missing: tuple[str, ...] = ()
    damaged: tuple[tuple[str, str], ...] = ()
    others: tuple[str, ...] = ()


@record
class TorchPin:
    """An installed package that asks for one exact torch. ``when`` is the time of its record."""

    package: str
    version: str
    torch: str
    when: int | None = None


@record
class TorchPins:
    """All such packages."""

    pins: tuple[TorchPin, ...]


@record
class Index:
    """A place that an installer was told to take packages from: kind is index, extra or links; ``origin`` says by what."""

    url: str
    kind: str
    origin: str


@record
class Indexes:
    """Every configured index, and ``backend``, uv's torch backend where one is set."""

    entries: tuple[Index, ...]
    backend: str = ""


@record
class LocalWheel:
    """A wheel that lies on this machine; ``tags`` are its Python, ABI and platform tags, ``cache`` whose cache it is in."""

    package: str
    version: str
    tags: tuple[str, str, str]
    place: str
    cache: str = ""


@record
class LocalWheels:
    """The wheels of torch and its companions on this machine, conda's packages of it, and the places that were looked at.

    ``unseen`` are the places that were named and that nobody could look into.
    """

    wheels: tuple[LocalWheel, ...]
    places: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


@record
class LockedTorch:
    """torch as the project's lock file pins it: file, version, and the index that it names."""

    path: str
    version: str
    index: str


@record
class PathProgram:
    """What PATH finds under ``name``, the environment that it belongs to, and the torch version in there.

    ``own`` marks the examined environment itself, in which torch is not looked for again.
    """

    name: str
    path: str
    prefix: str
    torch: str | None = None
    own: bool = False


@record
class PathPrograms:
    """python, python3 and pip as the shell finds them; those whose environment cannot be told are left out."""

    programs: tuple[PathProgram, ...]


@record
class CompanionBuild:
    """torchvision or torchaudio as its files describe it. ``kind`` is cuda, cpu, another backend's name, or empty."""

    name: str
    version: str
    kind: str
    cuda: str | None = None
    path: str = ""


@record
class CompanionBuilds:
    """Those that are installed."""

    builds: tuple[CompanionBuild, ...]

    def __iter__(self) -> Iterator[CompanionBuild]:
        """One after the other."""
        return iter(self.builds)


@record
class ExtensionFile:
    """A compiled extension of torch: the library, what it needs, and the torch that it says it was built for."""

    package: str
    version: str
    path: str
    needed: tuple[str, ...] = ()
    built_for: str = ""
    unreadable: str = ""


@record
class ExtensionFiles:
    """All that were found."""

    files: tuple[ExtensionFile, ...]


@record
class ExtensionCode:
    """GPU code of one extension: (SASS, PTX, count) per group of kernels."""

    package: str
    version: str
    path: str
    groups: tuple[tuple[tuple[str, ...], tuple[str, ...], int], ...]


@record
class ExtensionGpuCode:
    """Of every extension that carries any."""

    extensions: tuple[ExtensionCode, ...]


@record
class NumpyAbi:
    """torch's NumPy interface: ``abi`` is "1" (NumPy 1 only) or "both"; ``numpy`` the version that import would find."""

    path: str
    abi: str
    numpy: str


@record
class XformersBuild:
    """What xformers noted of its own build (``cpp_lib.json``)."""

    version: str
    torch: str
    cuda: str | None
    path: str


@record
class TritonPtxas:
    """The assembler that triton calls for the newest GPUs here: its CUDA version, and why this one."""

    path: str
    cuda: str
    chosen_by: str


@record
class BitsandbytesLibraries:
    """The CUDA libraries inside bitsandbytes: labels such as ``126``."""

    version: str
    folder: str
    cuda: tuple[str, ...]
    other: tuple[str, ...] = ()


@record
class TorchOrigin:
    """All that is known of how torch came here: its record, the lock, who pins it, and whether conda has one of its own."""

    install: TorchInstall | None = None
    locked: LockedTorch | None = None
    pins: tuple[TorchPin, ...] = ()
    conda: bool = False

"""The answer of ``torchsmith inspect``: the objects that were read, and what stood out between them."""

from __future__ import annotations

from torchsmith.model.finding import Severity
from torchsmith.model.inspected import BinaryObject
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@record
class Need:
    """One name that an object asks for, and what the loader will take for it.

    ``how`` is RPATH, RUNPATH, LD_LIBRARY_PATH, ld.so.cache, default, loaded, preload, System32 ...; ``found`` is empty where
    nothing answers. ``after_torch`` is what answers once torch was imported, where that differs. ``provider`` is the package
    that brings the library. ``shadowed`` are files of that name that another search order would take. ``optional`` marks
    what is opened only when first used.
    """

    name: str
    found: str = ""
    how: str = ""
    provider: str = ""
    after_torch: str = ""
    shadowed: tuple[str, ...] = ()
    optional: bool = False


@record
class RunsOn:
    """How the GPU code of one object serves one GPU. The counts are containers (kernel groups)."""

    gpu: str
    compute_capability: str
    """Such as ``12.0``."""
    how: str
    """``native``, ``jit`` or ``no``."""
    total: int
    native: int
    jit: int
    none: int
    why: str
    ptx_driver: str = ""
    """The CUDA version that a driver must support to compile this PTX; "" where none is used."""


@record
class Remark:
    """Something that a reader should know: a fault, or a difference between what is said and what is there."""

    what: str
    """A short name, such as ``missing-library``."""
    severity: Severity
    subject: str
    """The path, package or GPU that it is about."""
    summary: str
    evidence: tuple[tuple[str, str], ...] = ()
    """(what, value) pairs that prove it."""


@record
class Entry:
    """One inspected thing. ``kind`` is the format: elf, pe, macho, fatbin, cubin, ar, wheel, image ..."""

    path: str
    kind: str
    binary: BinaryObject | None = None
    needs: tuple[Need, ...] = ()
    runs_on: tuple[RunsOn, ...] = ()
    about: tuple[tuple[str, Any], ...] = ()
    """What a container of other things says of itself (a wheel's metadata, an image's configuration), as JSON-able pairs."""
    torch_symbols: Any = None
    """What an extension needs of torch and does not get; None where it needs nothing of torch."""
    cuda_runtime: str | None = None
    warnings: tuple[str, ...] = ()


@record
class Identity:
    """Which torch this is, by its own files; ``declared`` is the arch list that it was asked to be built for."""

    version: str
    cuda: str | None = None
    git: str = ""
    declared: tuple[str, ...] = ()
    flags: str = ""
    folder: str = ""


@record
class Inspection:
    """Everything that one call of ``inspect`` found."""

    entries: tuple[Entry, ...]
    remarks: tuple[Remark, ...] = ()
    torch: Identity | None = None
    main: str = ""
    """The path of the object whose GPU code speaks for the whole: libtorch_cuda, else the only object."""
    unread: tuple[tuple[str, str], ...] = ()
    """(path, reason) of what could not be read."""
    environment: str = ""
    """The prefix, where an environment was inspected."""
    gpus: tuple[str, ...] = ()
    refused: int = 0
    """How many of the targets that were asked for could not be read."""

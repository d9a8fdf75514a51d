"""The GPU code of one library, as its containers hold it."""

from __future__ import annotations

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.place import Place


@record
class Group:
    """Containers that hold code for exactly the same architectures."""

    sass: tuple[str, ...]
    """Real architectures, such as ``sm_90a``."""
    ptx: tuple[str, ...]
    """Virtual architectures, such as ``compute_90``."""
    count: int
    stub: bool = False
    """Whether they hold no kernel, only the empty cubin that a device link leaves behind."""


@record
class GpuCode:
    """The GPU code of one library; architectures are sorted by number, then suffix."""

    sass: tuple[str, ...]
    """The union over the containers: one library may hold an architecture for one kernel only, so see ``groups``."""
    ptx: tuple[str, ...]
    lto: tuple[str, ...]
    """Link-time intermediate code, such as ``lto_90``: nothing runs it as it stands."""
    groups: tuple[Group, ...]
    """The commonest first; a container that is damaged or cut short is in none."""
    containers: int
    """Sum of the groups' counts."""
    ptx_isa: str | None
    """The highest PTX ISA version, such as ``8.8``: older drivers do not know it."""
    warnings: tuple[str, ...]
    """What was not as it should be, for people; empty for a sound library."""
    places: tuple[Place, ...] = ()
    """The sections that were read."""


@record
class Entry:
    """One piece of GPU code: the code of one container for one architecture."""

    section: str
    container: int
    """Counted from 0 over the whole file."""
    offset: int
    """Of the entry's header, in bytes from the start of the file."""
    kind: str
    """``sass``, ``ptx``, ``lto``, or ``kind 64`` for one that is not known."""
    arch: str
    """``sm_90a``, ``compute_90``, ``lto_90``."""
    version: str
    """The PTX ISA version of PTX, such as ``8.8``; for SASS the version of the cubin, ``1.7`` or ``1.8``."""
    compression: str
    """``lz4``, ``zstd`` or ""."""
    size: int
    """Bytes of the payload, padded to 8."""
    compressed: int
    """Bytes of the compressed code without padding; 0 where it is not compressed."""
    uncompressed: int
    """Bytes of the code after decompression; ``size`` where it is not compressed."""
    flags: tuple[str, ...]
    """Of ``64bit``, ``debug``, ``linux``, ``windows``, and ``rdc`` for relocatable code."""

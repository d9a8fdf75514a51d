"""The GPU code of one library, as its containers hold it."""

from __future__ import annotations

from torchsmith.model.record import record


@record
class Group:
    """Containers that hold code for exactly the same architectures."""

    sass: tuple[str, ...]
    """Real architectures, such as ``sm_90a``."""
    ptx: tuple[str, ...]
    """Virtual architectures, such as ``compute_90``."""
    count: int


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

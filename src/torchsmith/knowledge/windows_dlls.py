"""DLLs that do not come with packages: those of Windows, of drivers, of the Visual C++ redistributable."""

from __future__ import annotations

from torchsmith.knowledge.compiled.known_dlls import ROWS as KNOWN
from torchsmith.model.record import record

API_SETS = ("api-ms-", "ext-ms-")
"""Names that are no files: Windows itself answers them."""


@record
class SystemDll:
    """One DLL of System32."""

    name: str
    kind: str
    """``windows``: every Windows 10 and 11 has it; ``media``: all but the N editions; ``redistributable``; ``driver``."""
    machines: tuple[str, ...]
    """The processors for which that was seen."""
    since: str | None
    """The first redistributable, or version of Windows 10, that has it."""
    provider: str | None

    @property
    def condition(self) -> str:
        """What a machine must have besides Windows; "" for a part of every Windows."""
        if self.kind == "windows":
            return f"Windows 10 {self.since} or newer" if self.since else ""
        return f"{self.provider} {self.since} or newer" if self.since else self.provider or ""


def is_known(name: str) -> bool:
    """Whether Windows takes this DLL from System32 wherever else a copy lies (KnownDLLs)."""
    return name.lower() in _KNOWN


def system_dll(name: str) -> SystemDll | None:
    """What System32 has under this name, in any case; None for a name that is not listed."""
    from torchsmith.knowledge.compiled.windows_dlls import ROWS  # three thousand rows: only where one is asked for

    if not _BY_NAME:
        _BY_NAME.update({row[0]: SystemDll(*row) for row in ROWS})
    return _BY_NAME.get(name.lower())


_KNOWN = frozenset(row[0] for row in KNOWN)
_BY_NAME: dict[str, SystemDll] = {}

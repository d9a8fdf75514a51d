"""The operating system and what it runs in."""

from __future__ import annotations

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container


@record
class Machine:
    """The system: ``os`` is linux, windows or macos; ``arch`` x86_64 or aarch64; ``wsl`` 1, 2 or None.

    ``libc`` is ``glibc`` or ``musl`` with ``libc_version``; ``windows_build`` the number after ``10.0.``.
    """

    os: str
    arch: str
    kernel: str = ""
    user_id: int | None = None
    distro: str = ""
    distro_version: str = ""
    distro_name: str = ""
    libc: str = ""
    libc_version: str = ""
    wsl: int | None = None
    windows_build: int | None = None
    distro_like: tuple[str, ...] = ()

    @property
    def platform(self) -> str:
        """The key under which torch's wheels are published for this system: ``linux-x86_64``, ``windows`` ..."""
        if self.os == "linux":
            return f"linux-{self.arch}"
        if self.os == "macos":
            return "macos-arm64" if self.arch == "aarch64" else "macos-x86_64"
        return "windows-arm64" if self.arch == "aarch64" else self.os

    def kin(self, names: Container[str]) -> str:
        """The distribution, or its nearest relative (``ID_LIKE``), that is among ``names``; empty if none is."""
        return next((name for name in (self.distro, *self.distro_like) if name in names), "")

    @property
    def systems(self) -> frozenset[str]:
        """The names that rules may ask for."""
        return frozenset({self.os} | ({"wsl"} if self.wsl else set()))

"""What a remedy would do, as typed values. A manager turns them into commands; ``act`` will carry them out.

Commands are lists of arguments, never shell strings.
"""

from __future__ import annotations

from torchsmith.model.record import record


@record
class InstallTorch:
    """Put this torch build, with the companions that belong to it, in place of what is there.

    ``build`` is the local label (``cu126``, ``cpu``); ``index`` its wheel index, None for the default package index.
    ``companions`` are (package, version) pairs; only those that are installed now are listed.
    """

    torch: str
    build: str
    index: str | None
    companions: tuple[tuple[str, str], ...] = ()


@record
class Install:
    """Install requirements, from ``index`` if one is named."""

    requirements: tuple[str, ...]
    index: str | None = None
    reinstall: bool = False


@record
class Uninstall:
    """Remove packages."""

    packages: tuple[str, ...]


@record
class UnsetVariable:
    """Remove an environment variable from the shell and from where it is set."""

    name: str


@record
class SetVariable:
    """Set an environment variable for the shell."""

    name: str
    value: str


@record
class Command:
    """A command outside of the environment: shown, never run by torchsmith."""

    argv: tuple[str, ...]


Action = InstallTorch | Install | Uninstall | UnsetVariable | SetVariable | Command

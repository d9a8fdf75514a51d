"""What only a text shows: what installers printed, and the project files that somebody pasted."""

from __future__ import annotations

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.model.facts.install import Index


@record
class Change:
    """What an installer did with a package, or was about to do: versions before and after, empty for none.

    ``build`` is conda's build string; ``line`` where the text says it.
    """

    manager: str
    package: str
    before: str
    after: str
    build: str = ""
    line: int = 0


@record
class Satisfied:
    """A requirement that an installer found met: what was asked for (``torch==2.8.0``), and the version that is there."""

    package: str
    asked: str
    version: str
    line: int = 0


@record
class Request:
    """A command that asks an installer for packages: ``verb`` is install, add, sync, run, lock, create ..."""

    manager: str
    verb: str
    packages: tuple[str, ...]
    indexes: tuple[Index, ...] = ()
    options: tuple[str, ...] = ()
    line: int = 0


@record
class Clash:
    """An installed package that requires another version of a package than the one that is there."""

    package: str
    version: str
    requires: str
    name: str
    have: str


@record
class Transcript:
    """What package managers printed: commands, the indexes that they looked in, and what came of it, in the text's order.

    ``virtual`` are conda's virtual packages (``__cuda``) with their versions.
    """

    changes: tuple[Change, ...] = ()
    satisfied: tuple[Satisfied, ...] = ()
    requests: tuple[Request, ...] = ()
    indexes: tuple[Index, ...] = ()
    clashes: tuple[Clash, ...] = ()
    virtual: tuple[tuple[str, str], ...] = ()

    def of(self, package: str) -> tuple[Change, ...]:
        """What was done with a package."""
        return tuple(change for change in self.changes if change.package == package)

    def replaced(self, package: str) -> Change | None:
        """The last change that put one version of a package in place of another."""
        return next((c for c in reversed(self.of(package)) if c.before and c.after and c.before != c.after), None)

    def asked(self, *managers: str) -> Iterator[Request]:
        """The commands of these managers."""
        return (request for request in self.requests if request.manager in managers)

    def before(self, line: int) -> Request | None:
        """The last command in front of a line."""
        return next((request for request in reversed(self.requests) if request.line <= line), None)


@record
class Source:
    """An index that a project file names: ``tool`` is uv, poetry, pdm, pipenv."""

    name: str
    url: str
    tool: str
    explicit: bool = False
    default: bool = False


@record
class Binding:
    """A package that a project file takes from one source, under a marker or an extra if it says so."""

    package: str
    source: str
    tool: str
    marker: str = ""
    extra: str = ""


@record
class Dependency:
    """A requirement that a project file declares; ``where`` is project, extra:NAME, group:NAME, poetry, conda ...

    Which Python the project is for stands there as the package ``python``. ``file`` names the file where it was read whole.
    """

    package: str
    specifier: str
    where: str
    marker: str = ""
    file: str = ""


@record
class Locked:
    """A package as a lock file has it; ``tool`` is uv or poetry; ``needs`` the names that it requires."""

    package: str
    version: str
    source: str
    tool: str
    marker: str = ""
    needs: tuple[str, ...] = ()
    file: str = ""


@record
class PastedProject:
    """Project files as somebody pasted them, whole or in part, or those of a folder.

    ``tables`` are the headers that were seen. Of a folder: ``manager`` is the package manager that the project belongs to
    (poetry, uv-project, pdm, pipenv, pip-tools, pixi, conda, pip), ``manager_version`` its major version where the files
    tell, ``files`` are the names of those that were read, ``remarks`` say what was left out.
    """

    tables: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    bindings: tuple[Binding, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    locked: tuple[Locked, ...] = ()
    conflicts: tuple[tuple[str, ...], ...] = ()
    channels: tuple[str, ...] = ()
    manager: str = ""
    manager_version: str = ""
    folder: str = ""
    files: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def requires_python(self) -> str:
        """The Pythons that the project is for, as its first file that says it writes them; empty where none does."""
        return next((dependency.specifier for dependency in self.declared("python")), "")

    def declared(self, package: str) -> tuple[Dependency, ...]:
        """Where the project asks for a package by name."""
        return tuple(dependency for dependency in self.dependencies if dependency.package == package)

    def bound(self, package: str, tool: str) -> tuple[Binding, ...]:
        """The sources that a package is bound to."""
        return tuple(binding for binding in self.bindings if binding.package == package and binding.tool == tool)

    def source(self, name: str) -> Source | None:
        """The source of this name."""
        return next((source for source in self.sources if source.name == name), None)

    def of(self, tool: str) -> tuple[Source, ...]:
        """The sources that are written for a tool."""
        return tuple(source for source in self.sources if source.tool == tool)

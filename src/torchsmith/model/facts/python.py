"""The examined interpreter, its environment and what is installed in it."""

from __future__ import annotations

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@record
class Target:
    """Which interpreter is meant, and how that was found: ``--python``, ``VIRTUAL_ENV``, a project here, PATH ..."""

    python: str
    found_by: str


@record
class Interpreter:
    """The interpreter as it described itself, without running anything of its environment.

    ``search_path`` is what ``import`` would search, in order, the script's own folder first; ``kind`` is venv, conda,
    system ...; ``user_site`` is None where it is switched off. ``folder`` is the current one where import searches it,
    ``pythonpath`` the entries of that variable.
    """

    executable: str
    version: str
    prefix: str
    base_prefix: str
    bits: int
    machine: str
    platform: str
    kind: str
    search_path: tuple[str, ...]
    site_packages: tuple[str, ...]
    user_site: str | None = None
    implementation: str = "cpython"
    cache_tag: str = ""
    free_threaded: bool = False
    externally_managed: bool = False
    stdlib: str = ""
    libc: str = ""
    release_level: str = "final"
    banner: str = ""
    venv_home: str = ""
    system_site: bool = False
    folder: str = ""
    pythonpath: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """Its wheel tag: ``cp313``, ``cp313t``."""
        numbers = self.version.split(".")
        return f"cp{numbers[0]}{numbers[1]}" + ("t" if self.free_threaded else "")

    @property
    def conda_place(self) -> tuple[str, ...]:
        """The options that name its environment to conda: its folder, or its name where a text tells no more; else none."""
        if not self.prefix:
            return ()
        return ("-p" if "/" in self.prefix or "\\" in self.prefix else "-n", self.prefix)


@record
class Package:
    """One installed distribution: normalised name, version, the folder that holds it, and who put it there."""

    name: str
    version: str
    folder: str
    metadata: str = ""
    installer: str = ""
    conda_build: str = ""
    conda_channel: str = ""


@record
class Packages:
    """Everything installed, in import order of its folder; ``leftovers`` are folders such as ``~orch`` that pip left behind."""

    installed: tuple[Package, ...]
    leftovers: tuple[str, ...] = ()
    conda: tuple[Package, ...] = ()

    def all(self, name: str) -> tuple[Package, ...]:
        """Every installed copy of ``name``, the one that import would see first."""
        return tuple(package for package in self.installed if package.name == name)

    def get(self, name: str) -> Package | None:
        """The copy of ``name`` that counts, or None."""
        return next(iter(self.all(name)), None)

    def version(self, name: str) -> str | None:
        """Its version, or None."""
        found = self.get(name)
        return found.version if found else None

    def starting(self, prefix: str) -> tuple[Package, ...]:
        """Those whose name starts with ``prefix``."""
        return tuple(package for package in self.installed if package.name.startswith(prefix))

    def conda_record(self, name: str) -> Package | None:
        """Conda's own record of ``name``, or None."""
        return next((package for package in self.conda if package.name == name), None)


@record
class Environment:
    """What kind of environment this is and which manager changes it.

    ``manager`` is pip, uv, uv-project, poetry, pdm, conda, pixi ...; ``project`` the folder of its pyproject.toml if any.
    """

    kind: str
    manager: str
    found_by: str = ""
    project: str = ""
    changeable: bool = True
    why_not: str = ""


@record
class Variables:
    """Environment variables that matter and are set."""

    values: Any

    def get(self, name: str) -> str | None:
        """The value of ``name``, None if it is not set."""
        value: str | None = self.values.get(name)
        return value

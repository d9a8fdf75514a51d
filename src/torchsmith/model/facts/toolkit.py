"""CUDA toolkits and what compiles beside them. A torch from wheels needs none of it; building an extension does."""

from __future__ import annotations

from torchsmith.model.record import record


@record
class Toolkit:
    """One toolkit: its root, its version (empty if nothing says it), and whether nvcc is in it.

    ``missing`` names what builds against torch ask for and its folders do not hold; empty where the layout is not known.
    """

    path: str
    version: str = ""
    nvcc: str = ""
    missing: tuple[str, ...] = ()


@record
class Toolkits:
    """All that were found. ``active`` is the root that builds would take, ``why`` the variable or place that decides.

    ``on_path`` is the root of the nvcc that PATH finds.
    """

    found: tuple[Toolkit, ...]
    active: str = ""
    why: str = ""
    on_path: str = ""

    def at(self, path: str) -> Toolkit | None:
        """The toolkit at a root."""
        return next((toolkit for toolkit in self.found if toolkit.path == path), None)

    @property
    def current(self) -> Toolkit | None:
        """The active one, if it is a toolkit at all."""
        return self.at(self.active)


@record
class HostCompiler:
    """The C++ compiler that nvcc would use: ``name`` is gcc, clang or msvc; ``version`` as it numbers itself (12, 14.40)."""

    name: str
    path: str
    version: str
    why: str


@record
class PythonHeaders:
    """Where the interpreter's Python.h is expected, and whether it is there."""

    path: str
    present: bool

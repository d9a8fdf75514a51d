"""Real installers as the engine runs them: pip, uv, projects of uv and Poetry, from an index of tiny wheels on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.lab.tools import uv
from tests.managers import applied, projects, torches
from tests.managers import tools as managers
from tests.managers.index import served
from tools.faults.scenarios import Scenario

from torchsmith.act import clone
from torchsmith.act.store import Store
from torchsmith.model.record import replace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tools.faults.bench import Bench

    from torchsmith.model.transaction import Transaction

OLD, NEW = "cu128", "cu129"
_OURS: Final = ("PIP_", "PIPENV_", "UV_", "POETRY_", "VIRTUAL_ENV", "PYTHON", "XDG_", "CONDA")

_UV: Final = """\
[project]
name = "demo"  # ours
version = "0.1"
requires-python = ">=3.11,<4"
dependencies = ["torch>=2.3", "numpy>=1"]

[tool.uv.sources]
torch = { index = "pytorch-cu128" }

[[tool.uv.index]]
name = "local"
url = "INDEX/pypi"
default = true

[[tool.uv.index]]
name = "pytorch-cu128"
url = "INDEX/cu128"
explicit = true
"""
_POETRY: Final = """\
[project]
name = "demo"  # ours
version = "0.1"
requires-python = ">=3.11,<4"
dependencies = ["numpy>=1"]

[tool.poetry]
package-mode = false

[tool.poetry.dependencies]
torch = { version = ">=2.3", source = "pytorch-cu128" }

[[tool.poetry.source]]
name = "local"
url = "INDEX/pypi/"
priority = "primary"

[[tool.poetry.source]]
name = "pytorch-cu128"
url = "INDEX/cu128/"
priority = "explicit"
"""


class Real:
    """The index, and how each tool begins and what it is asked for; ``opened`` has to be entered first."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = ""
        self._open: AbstractContextManager[str] | None = None

    def lay(self, bench: Bench) -> None:
        """The environment or project with torch of the old build."""
        root = bench.folder / "index"
        torches.write(root)
        self._open = served(root)
        self.url = self._open.__enter__()
        for name in [name for name in os.environ if name.startswith(_OURS)]:
            del os.environ[name]
        os.environ.update(self.variables(bench))
        folder = bench.prefix.parent
        folder.mkdir(parents=True)
        (bench.root / "home").mkdir()
        for command in self._first(bench):
            subprocess.run(command, check=True, capture_output=True, cwd=folder)

    def variables(self, bench: Bench) -> dict[str, str]:
        """What the tools are told."""
        env = managers.clean_env(bench.root / "home", self._program(), self.url)
        told = applied.configured(self.url, bench.folder / "uv-cache")
        more = {"POETRY_CACHE_DIR": str(bench.folder / "poetry-cache"), "PIP_NO_CACHE_DIR": "1", "PIP_NO_COMPILE": "1"}
        if self.name.endswith("project"):
            told = {name: value for name, value in told.items() if name not in {"UV_DEFAULT_INDEX", "UV_NO_CONFIG"}}
        return {name: value for name, value in (env | dict(told) | more).items() if name not in os.environ or name != "PATH"} | {
            "PATH": f"{self._program().parent}{os.pathsep}{os.environ['PATH']}"
        }

    def _program(self) -> Path:
        return managers.tool("poetry-2") / "env" / "bin" / "poetry" if self.name == "Poetry project" else Path(uv("uv"))

    def _first(self, bench: Bench) -> Iterator[tuple[str | Path, ...]]:
        text = {"uv project": _UV, "Poetry project": _POETRY}.get(self.name)
        if text is not None:
            (bench.prefix.parent / "pyproject.toml").write_text(text.replace("INDEX", self.url))
        if self.name == "uv project":
            yield (self._program(), "sync", "-q", "--python", sys.executable)
        elif self.name == "Poetry project":
            yield (self._program(), "-q", "install", "--no-root")
        else:
            own = (sys.executable, "-m", "venv") if self.name == "pip" else (uv("uv"), "venv", "-q", "--python", sys.executable)
            yield (*own, bench.prefix)
            wanted = ("--index-url", f"{self.url}/{OLD}", "torch==2.8.0", "torchvision==0.23.0")
            yield (uv("uv"), "pip", "install", "-q", "--python", bench.python, *wanted)

    def transaction(self, bench: Bench) -> Transaction:
        """To the new build, as the manager makes it."""
        if not self.name.endswith("project"):
            home = applied.Home(bench.prefix.parent, bench.prefix, Store(bench.state))
            tools = (("uv", "0"),) if self.name == "uv" else ()
            return home.made(applied.option("pip", NEW, f"{self.url}/{NEW}"), home.place("pip", f"2.8.0+{OLD}", tools=tools))
        manager = "uv-project" if self.name == "uv project" else "poetry"
        at = managers.Bench(manager, bench.prefix.parent, self.url, bench.prefix, self._program(), dict(os.environ))
        it = projects.Project(at, Store(bench.state))
        made = it.made(projects.option(manager, NEW, f"{self.url}/{NEW}"))
        return replace(made, fingerprint=clone.fingerprint(bench.prefix))

    def things(self, bench: Bench) -> dict[str, Path]:
        """What changes."""
        folder = bench.prefix.parent
        lock = {"uv project": "uv.lock", "Poetry project": "poetry.lock"}.get(self.name)
        files = {"pyproject": folder / "pyproject.toml", "lock": folder / lock} if lock else {}
        return {"environment": bench.prefix} | files


NAMES: Final = ("pip", "uv", "uv project", "Poetry project")


def scenario(name: str) -> Scenario:
    """One of them, ready to be laid out."""
    real = Real(name.removesuffix(", real"))
    return Scenario(name, real.lay, real.transaction, real.things)

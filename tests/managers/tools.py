"""Real package managers, installed once into the laboratory's cache, and environments for them to change.

Whatever the user has configured for these tools is hidden from them; packages come from the index of tests/managers/index.py.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.lab.cache import built, unavailable
from tests.lab.tools import attempt, last_line, uv

from torchsmith.managers.advice import adapted
from torchsmith.model.action import Action
from torchsmith.model.facts.python import Environment, Interpreter
from torchsmith.model.finding import Remedy

TOOLS: Final = {
    "poetry-1.8": "poetry==1.8.*",
    "poetry-2": "poetry>=2,<3",
    "pdm": "pdm[locked]>=2.20,<3",
    "pipenv": "pipenv>=2024",
    "pipx": "pipx>=1.7,<2",
    "rattler": "py-rattler>=0.20",
}
_CONFIGURED: Final = re.compile(r"(PIP|PIPENV|UV|POETRY|PDM|PIPX|VIRTUAL_ENV|PYTHON|XDG|CONDA)(_|$|[A-Z])")


def tool(name: str) -> Path:
    """The environment of a tool. Raises Unavailable."""

    def build(folder: Path) -> None:
        for command in (
            ("venv", "-q", "--python", sys.executable, folder / "env"),
            ("pip", "install", "-q", "--compile-bytecode", "--python", folder / "env", TOOLS[name]),
        ):
            done = attempt(uv(name), *command)
            if done.returncode != 0:
                unavailable(name, last_line(done))
        if name == "pipx":  # the pip that it lends to applications comes from the real index
            done = attempt("env", f"PIPX_SHARED_LIBS={folder / 'shared'}", folder / "env" / "bin" / "pipx", "upgrade-shared")
            if done.returncode != 0:
                unavailable(name, last_line(done))

    return built(f"tool-{name}", {"requirement": TOOLS[name], "python": sys.version}, build)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a manager works: its folder, its program, the interpreter of the environment it changes, the index."""

    manager: str
    folder: Path
    index: str
    prefix: Path
    program: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"

    @property
    def site(self) -> Path:
        return next((self.prefix / "lib").glob("python3.*")) / "site-packages"

    def do(self, action: Action, by_hand: bool = True) -> None:
        """Does what `check` would print for the action, with what it says is to be written by hand."""
        remedy = self.remedy(action)
        assert remedy.commands, remedy.why
        for number, command in enumerate(remedy.commands):
            if by_hand and remedy.why:
                self._write(remedy.why, number)
            done = self.run(*command)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    def remedy(self, action: Action) -> Remedy:
        interpreter = Interpreter(
            str(self.python), "3.11", str(self.prefix), "/usr", 64, "x86_64", "linux", "venv", (), (str(self.site),)
        )
        return adapted(Remedy("", actions=(action,)), Environment("venv", self.manager), interpreter, windows=False)

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
            env=self.env,
            cwd=self.folder,
        )

    def installed(self) -> dict[str, str]:
        """Names and versions, the tools' own packages left out."""
        found = (folder.name.removesuffix(".dist-info").rsplit("-", 1) for folder in self.site.glob("*.dist-info"))
        return {name.replace("_", "-"): version for name, version in found if name not in ("pip", "setuptools")}

    def pyproject(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text())

    def locked(self) -> dict[str, tuple[str, str]]:
        """Names with version and the last part of the index's URL, from the project's lock."""
        name = {"uv-project": "uv.lock", "poetry": "poetry.lock", "pdm": "pdm.lock"}[self.manager]
        packages = tomllib.loads((self.folder / name).read_text())["package"]
        return {package["name"]: (package["version"], _index_of(package)) for package in packages if package["name"] != "demo"}

    def _write(self, said: str, before: int) -> None:
        file = self.folder / "pyproject.toml"
        text = file.read_text()
        if self.manager == "uv-project" and before == 1:
            assert "write `explicit = true` under the new [[tool.uv.index]]" in said
            place = re.search(r"\[\[tool\.uv\.index\]\]\n", text)
            assert place
            file.write_text(f"{text[: place.end()]}explicit = true\n{text[place.end() :]}")
        if self.manager == "pdm":
            fields = ('name = ".+?"', 'url = ".+?"', r"include_packages = \[.+?\]", r"exclude_packages = \[.+?\]")
            found = re.search(r"\[\[tool\.pdm\.source\]\] with " + ", ".join(f"({field})" for field in fields), said)
            assert found
            kept = text.partition('\n[[tool.pdm.source]]\nname = "pytorch-')[0]
            file.write_text("\n".join((kept, "[[tool.pdm.source]]", *found.groups(), "")))


def _index_of(package: dict[str, Any]) -> str:
    source = package.get("source", {})
    return str(source.get("registry") or source.get("url") or "").rstrip("/").rpartition("/")[2]


def clean_env(home: Path, program: Path, index: str) -> dict[str, str]:
    """An environment without the user's configuration, and the tool first on PATH."""
    env = {key: value for key, value in os.environ.items() if not _CONFIGURED.match(key)}
    return env | {
        "HOME": str(home),
        "PATH": os.pathsep.join((str(program.parent), os.defpath)),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "NO_COLOR": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_INDEX_URL": f"{index}/pypi",
        "UV_PYTHON_DOWNLOADS": "never",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "POETRY_VIRTUALENVS_IN_PROJECT": "true",
        "POETRY_NO_INTERACTION": "1",
        "PDM_CHECK_UPDATE": "0",
    }


# ---- benches: each begins with what PyPI gives, torch 2.13.0, which nothing but `accelerate` asked for

_PROJECT = """\
[project]
name = "demo"
version = "0.1"
requires-python = ">=3.11,<4"
dependencies = ["accelerate>=1", "numpy>=1"]
"""
_POETRY_1 = """\
[tool.poetry]
package-mode = false

[tool.poetry.dependencies]
python = ">=3.11,<4"
accelerate = ">=1"
numpy = ">=1"
"""


def _pyproject(name: str, index: str) -> str:
    if name == "uv-project":
        return f'{_PROJECT}\n[[tool.uv.index]]\nname = "local"\nurl = "{index}/pypi"\ndefault = true\n'
    if name == "pdm":
        return f'{_PROJECT}\n[tool.pdm]\ndistribution = false\n\n[[tool.pdm.source]]\nname = "pypi"\nurl = "{index}/pypi"\n'
    head = _POETRY_1 if name == "poetry-1.8" else f"{_PROJECT}\n[tool.poetry]\npackage-mode = false\n"
    return f'{head}\n[[tool.poetry.source]]\nname = "local"\nurl = "{index}/pypi/"\npriority = "primary"\n'


def project(name: str, folder: Path, index: str) -> Bench:
    """A project that its manager has locked and installed."""
    program = Path(uv(name)) if name == "uv-project" else tool(name) / "env" / "bin" / name.partition("-")[0]
    folder.mkdir()
    (folder / "pyproject.toml").write_text(_pyproject(name, index))
    manager = "poetry" if name.startswith("poetry") else name
    bench = Bench(manager, folder, index, folder / ".venv", program, clean_env(folder.parent, program, index))
    first: dict[str, tuple[tuple[str | Path, ...], ...]] = {
        "uv-project": ((program, "sync", "--python", sys.executable),),
        "poetry": ((program, "install", "--no-root"),),
        "pdm": ((program, "venv", "create", sys.executable), (program, "install")),
    }
    _all(bench, *first[manager])
    (folder / ".pdm-python").unlink(missing_ok=True)  # names this folder, which is about to be copied
    return bench


def environment(name: str, folder: Path, index: str) -> Bench:
    """An environment without a project: pip's, uv's or that of an application that pipx installed."""
    folder.mkdir()
    program = Path(sys.executable) if name == "pip" else Path(uv(name)) if name == "uv" else tool(name) / "env" / "bin" / name
    env = clean_env(folder, program, index)
    prefix = folder / "venv"
    first: tuple[tuple[str | Path, ...], ...]
    if name == "pip":
        first = ((program, "-m", "venv", prefix), (prefix / "bin" / "python", "-m", "pip", "install", "tool"))
    elif name == "uv":
        env["UV_DEFAULT_INDEX"] = f"{index}/pypi"
        python = prefix / "bin" / "python"
        first = ((program, "venv", "--python", sys.executable, prefix), (program, "pip", "install", "--python", python, "tool"))
    else:
        env |= {"PIPX_HOME": str(folder), "PIPX_BIN_DIR": str(folder / "bin"), "PIPX_SHARED_LIBS": str(tool(name) / "shared")}
        env |= {"PIPX_DISABLE_SHARED_LIBS_AUTO_UPGRADE": "1", "PIPX_DEFAULT_BACKEND": "pip"}
        prefix = folder / "venvs" / "tool"
        first = ((program, "install", "tool"),)
    bench = Bench(name, folder, index, prefix, program, env)
    _all(bench, *first)
    return bench


def copied(bench: Bench, folder: Path) -> Bench:
    """The same project elsewhere, to be changed. Only projects can move."""
    shutil.copytree(bench.folder, folder, symlinks=True)
    return Bench(bench.manager, folder, bench.index, folder / ".venv", bench.program, bench.env)


def _all(bench: Bench, *commands: tuple[str | Path, ...]) -> None:
    for command in commands:
        done = bench.run(*command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

"""Seed 003 and its uv twin, end to end: real Poetry 1.8 and 2 and uv on an index of this machine, through the engine and back."""

import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lab.fixtures import have
from tests.lab.tools import uv
from tests.managers import tools, torches
from tests.managers.index import served
from tests.managers.project_bench import Project, option, surrounded
from tests.managers.tools import Bench

pytestmark = [pytest.mark.online, pytest.mark.slow]

Made = Callable[[str, str], Project]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("torches")
    torches.write(root)
    with served(root) as url:
        yield url


@pytest.fixture
def project(packages: str, tmp_path: Path) -> Iterator[Made]:
    """A project of a tool with this pyproject.toml, in which INDEX is the address of the indexes; locked and installed."""
    open_ = []

    def make(name: str, pyproject: str, *first: str) -> Project:
        folder = tmp_path / "top" / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pyproject.toml").write_text(pyproject.replace("INDEX", packages))
        program = Path(uv(name)) if name == "uv" else have(tools.tool, name) / "env" / "bin" / "poetry"
        manager = "uv-project" if name == "uv" else "poetry"
        env = tools.clean_env(tmp_path, program, packages) | {"POETRY_CACHE_DIR": str(tmp_path / "cache")}
        bench = Bench(manager, folder, packages, folder / ".venv", program, env)
        made = surrounded(bench, tmp_path / "state")
        open_.append(made)
        entered = made.__enter__()
        if first:
            entered.run(*first)
        elif name == "uv":
            entered.run("uv", "sync", "--python", sys.executable)
        else:
            entered.run("poetry", "install", "--no-root")
        return entered

    yield make
    for each in open_:
        each.__exit__(None, None, None)


def locked(project: Project) -> dict[str, set[str]]:
    name = "uv.lock" if project.bench.manager == "uv-project" else "poetry.lock"
    found: dict[str, set[str]] = {}
    for package in tomllib.loads(project.text(name))["package"]:
        found.setdefault(package["name"], set()).add(package.get("version", ""))
    return found


def read(project: Project) -> dict[str, Any]:
    return tomllib.loads(project.text())


UV = """\
# A project with comments.
[project]
name = "demo"
version = "0.1"
requires-python = ">=3.11,<4"
dependencies = [
    "accelerate==1.0",  # needs torch
    "torch>=2.3",
    "transformers>=1",
]

[dependency-groups]
dev = ["linter"]

[tool.uv.sources]
torch = { index = "pytorch-cu128" }

[[tool.uv.index]]
name = "local"
url = "INDEX/pypi"
default = true

[[tool.uv.index]]
name = "pytorch-cu128"  # the wheels with CUDA 12.8
url = "INDEX/cu128"
explicit = true
"""


def test_a_uv_project_moves_on_twice_and_back(project: Made, packages: str) -> None:
    it = project("uv", UV)
    it.run("uv", "lock", "--upgrade-package", "torch==2.8.0")
    it.run("uv", "sync")
    assert it.torch() == "2.8.0+cu128"
    states = [it.state()]
    before = it.text().splitlines()
    for build in ("cu129", "cu130"):
        it.apply(option("uv-project", build, f"{packages}/{build}"))
        assert it.torch() == f"2.8.0+{build}"
        assert locked(it)["torch"] == {f"2.8.0+{build}"}
        states.append(it.state())
    # Three lines differ; the range stays, and the lock has what was promised, though the index has a newer one.
    changed = [(old, new) for old, new in zip(before, it.text().splitlines(), strict=True) if old != new]
    assert changed == [
        ('torch = { index = "pytorch-cu128" }', 'torch = { index = "pytorch-cu130" }'),
        ('name = "pytorch-cu128"  # the wheels with CUDA 12.8', 'name = "pytorch-cu130"  # the wheels with CUDA 12.8'),
        (f'url = "{packages}/cu128"', f'url = "{packages}/cu130"'),
    ]
    # What follows in the life of a project does not bring the old build back.
    for command in (("sync",), ("lock",), ("add", "accelerate==1.1"), ("lock", "--upgrade-package", "transformers"), ("sync",)):
        it.run("uv", *command)
        assert it.torch() == "2.8.0+cu130", command
    it.run("uv", "add", "accelerate==1.0")
    assert it.run("uv", "lock", "--check")


def test_undo_of_a_uv_project_gives_back_every_byte(project: Made, packages: str) -> None:
    it = project("uv", UV)
    states = [it.state()]
    for build in ("cu129", "cu130"):
        it.apply(option("uv-project", build, f"{packages}/{build}"))
        states.append(it.state())
    assert len({str(sorted(state.items())) for state in states}) == 3
    for state in (states[1], states[0]):
        it.undo()
        assert it.state() == state
    it.run("uv", "lock", "--check")

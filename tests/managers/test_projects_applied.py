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
from tests.managers.projects import Project, option, surrounded
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


# ---- Poetry: seed 003

POETRIES = ("poetry-1.8", "poetry-2")

POETRY = """\
[tool.poetry]
name = "demo"
version = "0.1.0"
description = "seed 003"
authors = []
package-mode = false

[tool.poetry.dependencies]
python = ">=3.11,<4.0"
accelerate = ">=1.0"
transformers = "1.0"
# Core AI/ML Frameworks and Utilities
torch = {version = ">=2.3.0,<3.0.0", source = "pytorch_cuda_cu128"}
torchvision = {version = ">=0.18.0,<1.0.0", source = "pytorch_cuda_cu128"}

[[tool.poetry.source]]
name = "local"
url = "INDEX/pypi/"
priority = "primary"

[[tool.poetry.source]]
name = "pytorch_cuda_cu128"
url = "INDEX/cu128"
priority = "explicit"
"""
HYBRID = (
    POETRY.replace("torch = {", "# torch = {")
    .replace("torchvision = {", "# torchvision = {")
    .replace("# Core", "# By hand! Core")
)


def after_all_that_poetry_does(it: Project, torch: str) -> None:
    """What the seed says brings the old build back does not."""
    for command in (("update",), ("install", "--no-root"), ("add", "transformers@latest"), ("lock",), ("install", "--no-root")):
        it.run("poetry", *command)
        assert it.torch().endswith(torch.partition("+")[2]), command
        assert it.torch().endswith(torch.partition("+")[2])
    assert it.bench.installed()["transformers"] == "1.1"


@pytest.mark.parametrize("name", POETRIES)
def test_a_poetry_project_moves_on_twice(project: Made, packages: str, name: str) -> None:
    it = project(name, POETRY)
    assert it.torch() == "2.9.0+cu128"
    before = it.text().splitlines()
    for build in ("cu129", "cu130"):
        it.apply(option("poetry", build, f"{packages}/{build}", vision=True))
        # The range stays, and the lock has what was promised, though the index has a newer one.
        assert it.bench.installed().items() >= {("torch", f"2.8.0+{build}"), ("torchvision", f"0.23.0+{build}")}
        assert locked(it)["torch"] == {f"2.8.0+{build}"}
    assert it.bench.installed()["filelock"] == "3.20.0"
    changed = [new for old, new in zip(before, it.text().splitlines(), strict=True) if old != new]
    assert changed == [
        'torch = {version = ">=2.3.0,<3.0.0", source = "pytorch_cuda_cu130"}',
        'torchvision = {version = ">=0.18.0,<1.0.0", source = "pytorch_cuda_cu130"}',
        'name = "pytorch_cuda_cu130"',
        f'url = "{packages}/cu130"',
    ]
    after_all_that_poetry_does(it, "2.8.0+cu130")


@pytest.mark.parametrize("name", POETRIES)
def test_the_hybrid_of_the_seed_is_revived(project: Made, packages: str, name: str) -> None:
    """Torch stands commented out and was put in by hand; PyPI's is in the lock, for accelerate needs one."""
    it = project(name, HYBRID)
    assert locked(it)["torch"] == {"2.9.0"}
    it.run(
        uv("uv"), "pip", "install", "-q", "--python", str(it.bench.python), "--default-index", f"{packages}/cu128", "torch==2.8.0"
    )
    before, text = it.state(), it.text()
    it.apply(option("poetry", "cu129", f"{packages}/cu129", vision=True))
    assert it.torch() == "2.8.0+cu129"
    table = read(it)["tool"]["poetry"]
    assert table["dependencies"]["torch"] == {"version": ">=2.3.0,<3.0.0", "source": "pytorch_cuda_cu129"}
    assert [source["name"] for source in table["source"]] == ["local", "pytorch_cuda_cu129"]
    assert len(it.text().splitlines()) == len(text.splitlines())
    it.undo()
    assert it.state() == before
    it.apply(option("poetry", "cu130", f"{packages}/cu130", vision=True))
    after_all_that_poetry_does(it, "2.8.0+cu130")


@pytest.mark.parametrize("name", POETRIES)
def test_undo_of_a_poetry_project_gives_back_every_byte(project: Made, packages: str, name: str) -> None:
    it = project(name, POETRY.replace("\n", "\r\n"))
    states = [it.state()]
    for build in ("cu129", "cu130"):
        it.apply(option("poetry", build, f"{packages}/{build}", vision=True))
        states.append(it.state())
    for state in (states[1], states[0]):
        it.undo()
        assert it.state() == state

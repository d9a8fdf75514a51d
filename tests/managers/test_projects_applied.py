"""Seed 003 and its uv twin, end to end: real Poetry 1.8 and 2 and uv on an index of this machine, through the engine and back."""

import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.lab.fixtures import have
from tests.lab.tools import uv
from tests.managers import tools, torches
from tests.managers.index import served
from tests.managers.projects import Project, option, surrounded
from tests.managers.tools import Bench

from torchsmith.model.record import replace as changed_record

pytestmark = [pytest.mark.online, pytest.mark.slow]

Made = Callable[..., Project]
ROOTS: dict[str, str] = {}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("torches")
    torches.write(root)
    with served(root) as url:
        ROOTS[url] = str(root)
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
NEWEST = [pytest.param(name, marks=[pytest.mark.nightly] * (name != "poetry-2")) for name in POETRIES]

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


@pytest.mark.parametrize("name", NEWEST)
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


def test_a_project_table_whose_source_poetry_ignored(project: Made, packages: str) -> None:
    pyproject = """\
[project]
name = "demo"
version = "0.1"
requires-python = ">=3.11,<4"
dependencies = ["accelerate (==1.0)", "transformers (==1.0)"]

[tool.poetry]
package-mode = false

[tool.poetry.dependencies]
torch = {version = ">=2.3,<3", source = "pytorch-cu128"}

[tool.poetry.group.dev.dependencies]
linter = "*"

[[tool.poetry.source]]
name = "local"
url = "INDEX/pypi/"
priority = "primary"

[[tool.poetry.source]]
name = "pytorch-cu128"
url = "INDEX/cu128"
priority = "explicit"
"""
    it = project("poetry-2", pyproject, "poetry", "install", "--no-root", "--without", "dev")
    assert it.torch() == "2.9.0"  # not of the source that it names
    it.apply(option("poetry", "cu130", f"{packages}/cu130"))
    assert it.torch() == "2.8.0+cu130"
    assert read(it)["project"]["dependencies"][2] == "torch (>=2.3,<3)"
    assert "linter" not in it.bench.installed()  # a group that nobody had installed
    # Once more: nothing is left to do.
    again = it.made(option("poetry", "cu130", f"{packages}/cu130"))
    assert again.empty
    # All but torch is brought up to date.
    it.run("poetry", "lock")
    (it.bench.folder / "pyproject.toml").write_text(it.text().replace("(==1.0)", "(>=1.0)"))
    it.run("poetry", "lock")
    before = it.state()
    assert locked(it)["accelerate"] == {"1.0"}
    it.apply(option("poetry", "cu130", f"{packages}/cu130"), "update-others")
    assert it.bench.installed().items() >= {("accelerate", "1.1"), ("transformers", "1.1"), ("torch", "2.8.0+cu130")}
    it.undo()
    assert it.state() == before


@pytest.mark.parametrize("name", NEWEST)
def test_repository_does_not_exist_is_cured(project: Made, packages: str, name: str) -> None:
    """The source was renamed by hand, here and there: the dependency names one that is not there, the lock the older one."""
    it = project(name, POETRY)
    text = it.text().replace('source = "pytorch_cuda_cu128"', 'source = "pytorch_cuda_cu130"')
    (it.bench.folder / "pyproject.toml").write_text(text.partition('\n[[tool.poetry.source]]\nname = "pytorch_cuda')[0])
    assert "does not exist" in str(it.bench.run("poetry", "lock"))
    it.apply(option("poetry", "cu130", f"{packages}/cu130", vision=True))
    assert it.torch() == "2.8.0+cu130"
    it.run("poetry", "check")
    it.run("poetry", "install", "--no-root")


@pytest.mark.parametrize("name", NEWEST)
def test_what_a_poetry_project_has_beside_stays(project: Made, packages: str, tmp_path: Path, name: str) -> None:
    """Editable installs, of the project and of a folder beside it, name the live folders; extras that are installed stay."""
    torches.build_backend(Path(it_root(packages)), next((tools.tool(name) / "env" / "lib").glob("python3*")) / "site-packages")
    lib = tmp_path / "top" / "lib"
    (lib / "lib").mkdir(parents=True)
    (lib / "lib" / "__init__.py").write_text("here = __file__\n")
    backend = '\n[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
    head = '[tool.poetry]\nname = "{}"\nversion = "0.1"\ndescription = "d"\nauthors = ["a <a@b.cd>"]\n'
    (lib / "pyproject.toml").write_text(f'{head.format("lib")}\n[tool.poetry.dependencies]\npython = ">=3.11"\n{backend}')
    inner = tmp_path / "top" / "demo" / "libs" / "inner"
    (inner / "inner").mkdir(parents=True)
    (inner / "inner" / "__init__.py").touch()
    (inner / "pyproject.toml").write_text(f'{head.format("inner")}\n[tool.poetry.dependencies]\npython = ">=3.11"\n{backend}')
    (tmp_path / "top" / "demo" / "demo").mkdir()
    (tmp_path / "top" / "demo" / "demo" / "__init__.py").write_text("here = __file__\n")
    more = (
        'lib = {path = "../lib", develop = true}\ninner = {path = "libs/inner", develop = true}\n'
        'linter = {version = "*", optional = true}\n\n[tool.poetry.extras]\ncheck = ["linter"]\n'
    )
    pyproject = POETRY.replace("package-mode = false\n", "").replace("authors = []", 'authors = ["a <a@b.cd>"]')
    pyproject = pyproject.replace("\n[[tool.poetry.source]]", f"{more}\n[[tool.poetry.source]]", 1) + backend
    it = project(name, pyproject, "poetry", "install", "--extras", "check")
    where = it.run(str(it.bench.python), "-c", "import demo, lib; print(demo.here, lib.here)")
    it.apply(option("poetry", "cu129", f"{packages}/cu129", vision=True))
    assert it.torch() == "2.8.0+cu129"
    assert it.run(str(it.bench.python), "-I", "-c", "import demo, lib; print(demo.here, lib.here)") == where
    assert "linter" in it.bench.installed()
    urls = [each["source"]["url"] for each in tomllib.loads(it.text("poetry.lock"))["package"] if "source" in each]
    assert {"../lib", "libs/inner"} <= set(urls)
    assert not [url for url in urls if ".torchsmith" in url or "../../" in url]
    assert "No dependencies to install" in it.run("poetry", "install", "--no-root", "--extras", "check")


def it_root(url: str) -> str:
    """The folder that an address serves."""
    return ROOTS[url]


@pytest.mark.parametrize("name", ["uv", pytest.param("poetry-2", marks=pytest.mark.nightly)])
def test_a_version_that_the_index_lacks_changes_nothing(project: Made, packages: str, name: str) -> None:
    it = project(name, UV if name == "uv" else POETRY)
    before = it.state()
    manager = it.bench.manager
    wanted = option(manager, "cu129", f"{packages}/cu129")
    lacking = changed_record(wanted, packages=(changed_record(wanted.packages[0], version="2.7.9"),))
    done = it.carry_out(it.made(lacking))
    assert (done.status, done.exit_code) == ("failed", 5)
    assert it.state() == before


def test_a_member_of_a_uv_workspace_with_markers(project: Made, packages: str, tmp_path: Path) -> None:
    """The source stands at the root, by marker; the member has a library of the workspace and one beside it."""
    root = tmp_path / "top" / "demo"
    for name, needs in (("app", '"torch>=2.3", "lib", "beside", "accelerate==1.0"'), ("lib", "")):
        folder = root / "packages" / name
        (folder / "src" / name).mkdir(parents=True)
        (folder / "src" / name / "__init__.py").write_text("here = __file__\n")
        text = f'[project]\nname = "{name}"\nversion = "0.1"\nrequires-python = ">=3.11"\ndependencies = [{needs}]\n'
        more = '\n[tool.uv.sources]\nbeside = { path = "../../../beside", editable = true }\n' if name == "app" else ""
        backend = '\n[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n'
        (folder / "pyproject.toml").write_text(text + more + backend)
    beside = tmp_path / "top" / "beside" / "src" / "beside"
    beside.mkdir(parents=True)
    (beside / "__init__.py").write_text("here = __file__\n")
    text = '[project]\nname = "beside"\nversion = "0.1"\nrequires-python = ">=3.11"\n'
    (beside.parents[1] / "pyproject.toml").write_text(
        text + '\n[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n'
    )
    it = project(
        "uv",
        """\
[tool.uv.workspace]
members = ["packages/*"]

[tool.uv.sources]
lib = { workspace = true }
torch = [
    { index = "pytorch-cu128", marker = "sys_platform == 'linux'" },
    { index = "pytorch-cpu", marker = "sys_platform != 'linux'" },
]

[[tool.uv.index]]
name = "local"
url = "INDEX/pypi"
default = true

[[tool.uv.index]]
name = "pytorch-cu128"
url = "INDEX/cu128"
explicit = true

[[tool.uv.index]]
name = "pytorch-cpu"
url = "INDEX/cpu"
explicit = true
""",
        "uv",
        "sync",
        "--all-packages",
        "--python",
        sys.executable,
    )
    asked = ("-I", "-c", "import app, lib, beside; print(app.here, lib.here, beside.here)")
    where = it.run(str(it.bench.python), *asked)
    before = it.state()
    member = replace(it.bench, folder=root / "packages" / "app", prefix=it.bench.prefix)
    inside = Project(member, it.store)
    inside.apply(option("uv-project", "cu129", f"{packages}/cu129"))
    assert it.torch() == "2.8.0+cu129"
    assert locked(it)["torch"] == {"2.8.0+cu129", "2.8.0+cpu"}
    assert it.run(str(it.bench.python), *asked) == where
    it.run("uv", "lock", "--check")
    it.run("uv", "sync", "--all-packages")
    assert it.run(str(it.bench.python), *asked) == where
    after = it.state()
    assert {name for name in before if before[name] != after.get(name) and ".venv" not in name} == {"pyproject.toml", "uv.lock"}


def test_all_but_torch_of_a_uv_project(project: Made, packages: str) -> None:
    it = project("uv", UV.replace("==1.0", ">=1.0"))
    it.run("uv", "lock", "--upgrade-package", "torch==2.8.0", "--upgrade-package", "accelerate==1.0")
    it.run("uv", "sync")
    before = it.state()
    it.apply(option("uv-project", "cu128", f"{packages}/cu128"), "update-others")
    assert it.bench.installed().items() >= {("accelerate", "1.1"), ("torch", "2.8.0+cu128")}
    it.undo()
    assert it.state() == before
    again = option("uv-project", "cu128", f"{packages}/cu128")
    assert it.made(again).empty


@pytest.mark.parametrize("name", ["uv", pytest.param("poetry-2", marks=pytest.mark.nightly)])
def test_an_environment_that_is_not_there_is_made(project: Made, packages: str, name: str) -> None:
    """Where the manager itself looks for it: its next command finds everything done."""
    it = project(name, UV if name == "uv" else POETRY, "true")
    before = it.state()
    assert not it.bench.prefix.exists()
    base = it.place().interpreter
    assert base is not None
    own = changed_record(base, executable=sys.executable, prefix=sys.prefix)
    nothing: dict[str, Any] = {"environment": None, "packages": None, "torch": "", "fresh": True, "interpreter": own}
    it.apply(option(it.bench.manager, "cu129", f"{packages}/cu129"), **nothing)
    assert it.torch() == "2.8.0+cu129"
    if name == "uv":
        assert "Would make no changes" in it.run("uv", "sync", "--dry-run")
    else:
        assert it.run("poetry", "env", "info", "--path").strip() == str(it.bench.prefix)
        assert "No dependencies to install" in it.run("poetry", "install", "--no-root")
    it.undo()
    assert it.state() == before


@pytest.mark.nightly
def test_an_environment_where_poetry_keeps_its_own(project: Made, packages: str, tmp_path: Path) -> None:
    """In Poetry's cache, named after the project's folder; conda's base is active, as it always is for those who have it."""
    it = project("poetry-2", POETRY, "true")
    it.bench.env.update({"POETRY_VIRTUALENVS_IN_PROJECT": "false", "CONDA_DEFAULT_ENV": "base"})
    with surrounded(it.bench, tmp_path / "state") as it:
        it.run("poetry", "install", "--no-root")
        prefix = it.run("poetry", "env", "info", "--path").strip()
        assert Path(prefix).is_relative_to(tmp_path / "cache")
        inside = Project(replace(it.bench, prefix=Path(prefix)), it.store)
        inside.apply(option("poetry", "cu129", f"{packages}/cu129"))
        assert inside.torch() == "2.8.0+cu129"
        assert "2.8.0+cu129" in it.run("poetry", "run", "python", "-c", "import torch; print(torch.__version__)")
        assert not (it.bench.folder / ".venv").exists()
        assert it.run("poetry", "env", "list", "--full-path").split()[0] == prefix
        inside.undo()
        assert inside.torch() == "2.9.0+cu128"


def test_a_torch_that_is_broken_is_installed_anew(project: Made, packages: str) -> None:
    it = project("uv", UV)
    it.apply(option("uv-project", "cu129", f"{packages}/cu129"))
    module = it.bench.site / "torch" / "__init__.py"
    module.unlink()
    it.apply(option("uv-project", "cu129", f"{packages}/cu129"), broken=True)
    assert module.exists()


def test_gits_state_is_never_touched(project: Made, packages: str) -> None:
    """T05: a work tree with a staged change, an open one and a merge under way stays that, down to the index."""
    it = project("uv", UV)

    def git(*words: str) -> str:
        return it.run("git", "-c", "user.name=me", "-c", "user.email=me@here", *words)

    (it.bench.folder / ".gitignore").write_text(".venv\n")
    git("init", "-q")
    git("add", "pyproject.toml", ".gitignore")
    git("commit", "-q", "-m", "begun")
    (it.bench.folder / "notes.txt").write_text("staged\n")
    git("add", "notes.txt")
    (it.bench.folder / ".git" / "MERGE_HEAD").write_text(git("rev-parse", "HEAD"))
    (it.bench.folder / "pyproject.toml").write_text(it.text().replace("# A project", "# My project"))
    kept = {name: content for name, content in it.state().items() if name.startswith(".git/")}
    made = it.made(option("uv-project", "cu129", f"{packages}/cu129"))
    assert any("merge" in note for note in made.notes)
    assert it.carry_out(made).status == "done"
    assert {name: content for name, content in it.state().items() if name.startswith(".git/")} == kept
    assert git("status", "--porcelain").splitlines() == ["A  notes.txt", " M pyproject.toml", "?? uv.lock"]
    assert "# My project" in it.text()
    it.undo()
    assert "# My project" in it.text()
    assert git("status", "--porcelain").splitlines() == ["A  notes.txt", " M pyproject.toml", "?? uv.lock"]


def test_a_clean_install_of_a_uv_project(project: Made, packages: str) -> None:
    """Made anew beside the present one: what was installed by hand is not in it, and comes back with the former one."""
    it = project("uv", UV)
    it.run(uv("uv"), "pip", "install", "-q", "--python", str(it.bench.python), "--no-deps", "transformers==1.0")
    (it.bench.site / "by_hand.py").touch()
    before = it.state()
    it.apply(option("uv-project", "cu129", f"{packages}/cu129"), "clean-install")
    assert it.torch() == "2.8.0+cu129"
    assert not (it.bench.site / "by_hand.py").exists()
    assert "Would make no changes" in it.run("uv", "sync", "--dry-run")
    it.undo()
    assert it.state() == before

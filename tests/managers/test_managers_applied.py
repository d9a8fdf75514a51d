"""Changes of PDM, Pipenv and pip-tools carried out with the real tools: done, kept by what comes after, and taken back."""

import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.lab.fixtures import have
from tests.managers import benches, index, tools, torches
from tests.managers.projects import PYTHON, Project, option, surrounded
from tests.managers.tools import Bench

from torchsmith.managers import transactions
from torchsmith.model.choice import Place
from torchsmith.model.facts.python import Environment, Interpreter

pytestmark = [pytest.mark.online, pytest.mark.slow]

CU128 = {"torch": "2.8.0+cu128", "torchvision": "0.23.0+cu128"}
CU129 = {"torch": "2.8.0+cu129", "torchvision": "0.23.0+cu129"}
Start = Callable[..., AbstractContextManager[Project]]
AFTERWARDS = {
    "pdm": (("pdm", "update"), ("pdm", "install", "--check")),
    "pipenv": (("pipenv", "verify"), ("pipenv", "update")),
    "pip-tools": (
        (".venv/bin/python", "-m", "piptools", "compile", "--upgrade", "requirements.in"),
        (".venv/bin/python", "-m", "pip", "install", "-U", "-r", "requirements.txt"),
        (".venv/bin/python", "-m", "pip", "check"),
    ),
}
"""What people run next, which took torch back from PyPI before."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("index")
    torches.write(root)
    with index.served(root) as url:
        yield url


@pytest.fixture(scope="module")
def start(packages: str, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Copies of projects that their manager has locked and installed: faster than doing that again."""
    made: dict[tuple[str, ...], Bench] = {}

    def begin(folder: Path, *what: str) -> AbstractContextManager[Project]:
        if what not in made:
            name, *asked = what
            made[what] = benches.made(name, tmp_path_factory.mktemp(name) / "demo", packages, *asked)
        return benches.project(made[what], folder)

    return begin


def installed(project: Project, *names: str) -> dict[str, str]:
    found = project.bench.installed()
    return {name: found[name] for name in names if name in found}


def locked(project: Project, name: str) -> str:
    """The version in the project's lock."""
    if project.bench.manager == "pdm":
        entries = tomllib.loads(project.text("pdm.lock"))["package"]
        return next(str(entry["version"]) for entry in entries if entry["name"] == name)
    if project.bench.manager == "pipenv":
        return str(json.loads(project.text("Pipfile.lock"))["default"][name]["version"]).removeprefix("==")
    found = re.search(rf"(?m)^{name}==(\S+)", project.text("requirements.txt"))
    assert found
    return found[1]


@pytest.mark.parametrize("name", benches.MADE)
def test_torch_moves_stays_and_comes_back(start: Start, packages: str, tmp_path: Path, name: str) -> None:
    with start(tmp_path, name) as project:
        before, first = project.state(), installed(project, "torch", "filelock", "numpy", "accelerate")
        wanted = option(name, "cu128", f"{packages}/cu128", vision=True)
        made = project.made(wanted)
        assert project.state() == before, "a plan writes nothing"
        done = project.carry_out(made)
        assert done.status == "done", "\n".join((str(done), *project.said))
        assert installed(project, *CU128) == CU128
        assert {key: locked(project, key) for key in CU128} == CU128
        # Nothing but torch's own was taken from its index.
        assert installed(project, "filelock", "numpy", "accelerate") == {key: first[key] for key in first if key != "torch"}
        assert project.made(wanted).empty, "a second apply has nothing to do"
        once = project.state()
        for command in AFTERWARDS[name]:
            project.run(*command)
        assert installed(project, *CU128) == CU128
        assert {key: locked(project, key) for key in CU128} == CU128
        moved = project.state()
        project.apply(option(name, "cu129", f"{packages}/cu129", vision=True))
        assert installed(project, *CU129) == CU129
        assert "cu128" not in "".join(project.text(file) for file in moved if file in _OURS)
        project.undo()
        assert project.state() == moved
        assert once.keys() <= moved.keys() | before.keys()


_OURS = ("pyproject.toml", "Pipfile", "requirements.in", "requirements-torch.in")


@pytest.mark.parametrize("name", benches.MADE)
def test_undo_restores_every_byte(start: Start, packages: str, tmp_path: Path, name: str) -> None:
    with start(tmp_path, name) as project:
        before = project.state()
        project.apply(option(name, "cu128", f"{packages}/cu128"))
        assert project.torch() == "2.8.0+cu128"
        assert project.state() != before
        assert not [path for path in project.state() if _names_a_copy(project.bench.folder / path)]
        project.undo()
        assert project.state() == before


def _names_a_copy(path: Path) -> bool:
    """Compiled Python names where it was compiled, and may."""
    return path.is_file() and path.suffix != ".pyc" and b".torchsmith" in path.read_bytes()


def test_the_projects_own_editable_install_keeps_naming_the_live_folder(start: Start, packages: str, tmp_path: Path) -> None:
    with start(tmp_path, "pdm") as project:
        folder = project.bench.folder
        file = folder / "pyproject.toml"
        file.write_text(file.read_text().replace("distribution = false", "distribution = true"))
        (folder / "src" / "demo").mkdir(parents=True)
        (folder / "src" / "demo" / "__init__.py").write_text("HERE = __file__\n")
        link = project.bench.site / "demo.pth"
        link.write_text(f"{folder}/src\n")
        done = project.apply(option("pdm", "cu128", f"{packages}/cu128"))
        assert done.status == "done"
        assert link.read_text() == f"{folder}/src\n"
        said = project.run(str(project.bench.python), "-c", "import demo, torch; print(demo.HERE, torch.__version__)")
        assert said.split() == [str(folder / "src" / "demo" / "__init__.py"), "2.8.0+cu128"]


@pytest.mark.nightly
@pytest.mark.parametrize("name", benches.MADE)
def test_a_build_that_the_index_does_not_have_changes_nothing(start: Start, packages: str, tmp_path: Path, name: str) -> None:
    with start(tmp_path, name) as project:
        before = project.state()
        done = project.carry_out(project.made(option(name, "cu126", f"{packages}/cu128")))
        assert (done.status, done.exit_code) == ("failed", 5), done
        assert done.problem
        assert project.state() == before


@pytest.mark.nightly
@pytest.mark.parametrize("name", benches.MADE)
def test_everything_but_torch_is_brought_up_to_date(start: Start, packages: str, tmp_path: Path, name: str) -> None:
    with start(tmp_path, name, "==1.0") as project:
        for file in ("pyproject.toml", "Pipfile", "requirements.in"):
            path = project.bench.folder / file
            if path.exists():
                path.write_text(path.read_text().replace("==1.0", ">=1"))
        wanted = option(name, "cu128", f"{packages}/cu128")
        project.apply(wanted)
        # Pipenv alone has no word that leaves the others as they are locked; it is told in the plan.
        assert locked(project, "accelerate") == ("1.1" if name == "pipenv" else "1.0")
        project.apply(wanted, transactions.UPDATE_OTHERS)
        assert installed(project, "accelerate", "torch") == {"torch": "2.8.0+cu128", "accelerate": "1.1"}
        assert (locked(project, "torch"), locked(project, "accelerate")) == ("2.8.0+cu128", "1.1")


@pytest.mark.parametrize("name", ["pdm", "pip-tools"])
def test_a_project_is_begun_with_an_environment_of_its_own(packages: str, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    program = have(tools.tool, "pdm") / "env" / "bin" / "pdm" if name == "pdm" else Path(sys.executable)
    env = tools.clean_env(tmp_path, program, packages) | {"PDM_PYPI_URL": f"{packages}/pypi"}
    if name == "pip-tools":  # which comes from the real index
        env = {key: value for key, value in env.items() if key not in {"PIP_INDEX_URL", "PIP_CONFIG_FILE"}}
    own = Interpreter(sys.executable, PYTHON, sys.prefix, sys.base_prefix, 64, "x86_64", "linux", "system", (), ())
    nowhere = Place(
        "linux", "bash", Environment("system", "pip", changeable=False), own, None, "", True, torch="", here=str(folder)
    )
    bench = Bench(name, folder, packages, folder / ".venv", program, env)
    with surrounded(bench, tmp_path / "state") as project:
        wanted = option(name, "cu128", f"{packages}/cu128", vision=True)
        done = project.carry_out(transactions.made(wanted, nowhere, {}))
        assert done.status == "done", "\n".join((str(done), *project.said))
        assert installed(project, *CU128) == CU128
        assert not [path for path in project.state() if _names_a_copy(folder / path)]
        project.undo()
        assert project.state() == {}

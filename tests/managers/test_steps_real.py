"""What `plan` prints for an option, given to the real tools: each accepts it, and torch comes from where the option says.

The packages are tiny wheels on an index of this machine (tests/managers/index.py), in place of PyTorch's and PyPI.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.lab.fixtures import have
from tests.lab.tools import uv
from tests.managers import index, tools
from tests.managers.test_real_tools import MATCH
from tests.managers.tools import Bench

from torchsmith.knowledge import approaches as table
from torchsmith.managers import approaches
from torchsmith.managers.conda import option_specs
from torchsmith.model.choice import Candidate, Option, Pin, Place, Steps
from torchsmith.model.facts.project import PastedProject, Source
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages
from torchsmith.model.record import replace

pytestmark = [pytest.mark.online, pytest.mark.slow]

Projects = Callable[[str, Path], Bench]

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
KEPT = {"filelock": "3.20.0", "numpy": "2.4.0"}
"""What PyPI gives; the index of a build has others."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("index")
    index.write(root)
    with index.served(root) as url:
        yield url


@pytest.fixture(scope="module")
def projects(packages: str, tmp_path_factory: pytest.TempPathFactory) -> Projects:
    """Copies of projects that their manager has locked and installed: faster than doing that again."""
    made: dict[str, Bench] = {}

    def copy(name: str, folder: Path) -> Bench:
        if name not in made:
            made[name] = have(tools.project, name, tmp_path_factory.mktemp(name) / "bench", packages)
        return tools.copied(made[name], folder)

    return copy


def option(name: str, build: str, url: str | None, *beside: Pin) -> Option:
    approach = next(approach for approach in table.every() if approach.name == name)
    kind = "cpu" if build == "cpu" else "cuda"
    candidate = Candidate("wheel", "2.8.0", build, kind, "linux-x86_64", PYTHON)
    pins = (Pin("torch", "2.8.0", url), Pin("torchvision", "0.23.0", url), *beside)
    return Option(1, approach, candidate, url, pins, (), 0.0)


def where(bench: Bench, torch: str | None = "", *, fresh: bool = False, project: PastedProject | None = None) -> Place:
    interpreter = Interpreter(
        str(bench.python), PYTHON, str(bench.prefix), "/usr", 64, "x86_64", "linux", "venv", (), (str(bench.site),)
    )
    environment = Environment("venv", bench.manager)
    return Place("linux", "bash", environment, interpreter, project, "", fresh, torch)


def nowhere(folder: Path) -> Place:
    """A folder with nothing in it, and the Python that runs these tests."""
    own = Interpreter(sys.executable, PYTHON, str(folder / "none"), "/usr", 64, "x86_64", "linux", "system", (), ())
    return Place("linux", "bash", Environment("system", "pip", changeable=False), own, None, "", fresh=True, torch="")


def carry_out(bench: Bench, steps: Steps) -> None:
    """The commands, with the files written and what is to be written by hand put in before."""
    for name, text in steps.files:
        if name != "add-to-pyproject.toml":
            (bench.folder / name).write_text(text)
    for number, command in enumerate(steps.commands):
        pyproject = bench.folder / "pyproject.toml"
        if command[:2] in {("pdm", "add"), ("uv", "add"), ("uv", "lock"), ("poetry", "lock")}:
            for name, text in steps.files:
                if name == "add-to-pyproject.toml":
                    pyproject.write_text(f"{_without_older(pyproject.read_text())}\n{text}")
        done = bench.run(*command)
        assert done.returncode == 0, f"{number}: {command}\n{done.stdout}\n{done.stderr}"


def _without_older(pyproject: str) -> str:
    """As the note says: in place of any older source of torch that uv has."""
    kept = re.sub(r"^\[tool\.uv\.sources\]\n(?:(?!\[).*\n?)*", "", pyproject, flags=re.MULTILINE)
    return re.sub(r'^\[\[tool\.uv\.index\]\]\nname = "pytorch-(?:(?!\[).*\n?)*', "", kept, flags=re.MULTILINE)


def only(bench: Bench, **wanted: str) -> None:
    names = ("torch", "torchvision", *KEPT, "accelerate")
    assert {name: version for name, version in bench.installed().items() if name in names} == wanted


BUILT = {"torch": "2.8.0+cu128", "torchvision": "0.23.0+cu128"}
ACCELERATE = Pin("accelerate", "1.1")


@pytest.mark.parametrize("name", ["pip", "uv"])
def test_an_environment_that_is_there(packages: str, tmp_path: Path, name: str) -> None:
    place = have(tools.environment, name, tmp_path / "bench", packages)
    other = option(name, "cu129", f"{packages}/cu129")
    carry_out(place, approaches.steps(other, where(place, "2.13.0+cu130")))
    only(place, torch="2.8.0+cu129", torchvision="0.23.0+cu129", **KEPT)
    # The second command takes from the default index and leaves torch as it is.
    carry_out(place, approaches.steps(option(name, "cu128", f"{packages}/cu128", ACCELERATE), where(place, "2.8.0+cu129")))
    only(place, accelerate="1.1", **BUILT, **KEPT)
    # Torch is what it should be: another package changes alone, and no index is asked for torch.
    here = tuple(Package(name, version, "") for name, version in place.installed().items())
    same = replace(where(place, "2.8.0+cu128"), packages=Packages(here))
    carry_out(place, approaches.steps(option(name, "cu128", None, Pin("numpy", "1.26.4")), same))
    only(place, accelerate="1.1", **BUILT, **(KEPT | {"numpy": "1.26.4"}))
    # The same release from the default index, in another build: not what is installed already.
    carry_out(place, approaches.steps(option(name, "cu126", None), where(place, "2.8.0+cu128")))
    only(place, torch="2.8.0", torchvision="0.23.0", accelerate="1.1", **(KEPT | {"numpy": "1.26.4"}))


@pytest.mark.parametrize("name", ["pip", "uv", "pip-tools"])
def test_a_new_environment(packages: str, tmp_path: Path, name: str) -> None:
    build = "cpu" if name == "pip" else "cu128"
    program = Path(uv(name))
    env = tools.clean_env(tmp_path, program, packages) | {"UV_DEFAULT_INDEX": f"{packages}/pypi"}
    if name == "pip-tools":  # which comes from the real index
        env = {key: value for key, value in env.items() if key not in {"PIP_INDEX_URL", "PIP_CONFIG_FILE"}}
    place = Bench(name, tmp_path, packages, tmp_path / ".venv", program, env)
    made = approaches.steps(option(name, build, f"{packages}/{build}"), nowhere(tmp_path))
    carry_out(place, made)
    assert {key: place.installed()[key] for key in BUILT} == {"torch": f"2.8.0+{build}", "torchvision": f"0.23.0+{build}"}


@pytest.mark.parametrize("name", ["pip", "uv"])
def test_without_the_network(tmp_path: Path, name: str) -> None:
    """From a folder of wheels; the index that is configured does not exist."""
    index.write(tmp_path / "indexes")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for file in (*(tmp_path / "indexes" / "pypi").rglob("*.whl"), *(tmp_path / "indexes" / "cu128").rglob("torch*.whl")):
        file.rename(wheels / file.name)
    program = Path(uv(name))
    bench = Bench(name, tmp_path, "", tmp_path / ".venv", program, tools.clean_env(tmp_path, program, "http://127.0.0.1:9"))
    wanted = option(name, "cu128", "http://127.0.0.1:9/cu128", ACCELERATE)
    there = replace(nowhere(tmp_path), offline=True, wheels=(("2.8.0", "elsewhere"), ("2.8.0+cu128", str(wheels))))
    carry_out(bench, approaches.steps(wanted, there))
    assert {key: bench.installed()[key] for key in (*BUILT, "accelerate")} == BUILT | {"accelerate": "1.1"}


@pytest.mark.parametrize("name", ["uv-project", "poetry-1.8", "poetry-2", "pdm"])
def test_a_project_that_is_there(packages: str, projects: Projects, tmp_path: Path, name: str) -> None:
    place = projects(name, tmp_path / "bench")
    first = option(place.manager, "cu128", f"{packages}/cu128")
    carry_out(place, approaches.steps(first, where(place, "2.13.0+cu130")))
    only(place, accelerate="1.1", **BUILT, **KEPT)
    assert {locked for locked, (version, _) in place.locked().items() if "+" in version} == set(BUILT)
    if name == "poetry-1.8":
        return
    # Moved on to the next build; the source of the first stays in the file, bound to nothing.
    if name == "pdm":
        text = (place.folder / "pyproject.toml").read_text()
        (place.folder / "pyproject.toml").write_text(text.partition('\n[[tool.pdm.source]]\nname = "pytorch-')[0])
    carry_out(place, approaches.steps(option(place.manager, "cu129", f"{packages}/cu129"), where(place, "2.8.0+cu128")))
    only(place, torch="2.8.0+cu129", torchvision="0.23.0+cu129", accelerate="1.1", **KEPT)


@pytest.mark.parametrize("name", ["uv-project", "poetry-2", "pipenv"])
def test_a_project_that_is_begun(packages: str, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    program = Path(uv(name)) if name == "uv-project" else have(tools.tool, name) / "env" / "bin" / name.partition("-")[0]
    env = tools.clean_env(tmp_path, program, packages) | {"UV_DEFAULT_INDEX": f"{packages}/pypi"}
    env |= {"PIPENV_VENV_IN_PROJECT": "1", "PIPENV_PYPI_MIRROR": f"{packages}/pypi", "PDM_PYPI_URL": f"{packages}/pypi"}
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    manager = name.partition("-")[0] if name.startswith("poetry") else name
    place = Bench(manager, folder, packages, folder / ".venv", program, env)
    there = replace(nowhere(folder), variables=("UV_DEFAULT_INDEX",))
    made = approaches.steps(option(manager, "cu128", f"{packages}/cu128"), there)
    if name == "poetry-2":  # PyPI's place is taken by the local index
        local = ("poetry", "source", "add", "--priority", "primary", "local", f"{packages}/pypi/")
        made = Steps(made.actions, (*made.commands[:1], local, *made.commands[1:]), made.files, made.notes)
    carry_out(place, made)
    assert {key: place.installed()[key] for key in BUILT} == BUILT


def test_a_name_that_the_project_uses_is_used_again(packages: str, projects: Projects, tmp_path: Path) -> None:
    place = projects("poetry-2", tmp_path / "bench")
    url = f"{packages}/cu128"
    done: subprocess.CompletedProcess[str] = place.run("poetry", "source", "add", "--priority", "explicit", "gpu", url)
    assert done.returncode == 0
    project = PastedProject(("project", "tool.poetry"), (Source("gpu", url, "poetry", explicit=True),))
    carry_out(place, approaches.steps(option("poetry", "cu128", url), where(place, "2.13.0+cu130", project=project)))
    only(place, accelerate="1.1", **BUILT, **KEPT)
    assert [source["name"] for source in place.pyproject()["tool"]["poetry"]["source"]] == ["local", "gpu"]


@pytest.mark.parametrize(("python", "build"), [("3.12", "cuda128_mkl_py312_h1"), ("3.12", "cuda128_generic_py312_h2")])
def test_the_specs_of_conda_match_what_is_meant(python: str, build: str) -> None:
    """By the library that pixi is made of."""
    approach = next(approach for approach in table.every() if approach.name == "conda")
    candidate = Candidate("conda-forge", "2.8.0", "cu128", "cuda", "linux-x86_64", python, "12.8")
    made = option_specs(Option(1, approach, candidate, None, (Pin("torch", "2.8.0"),), (), 0.0), Place("linux", "bash"))
    assert made[1:] == ("cuda-version=12.8",)
    records = [["2.8.0", build], ["2.8.1", build], ["2.8.0", "cuda129_mkl_py312_h1"], ["2.8.0", "cpu_generic_py312_h1"]]
    program = have(tools.tool, "rattler") / "env" / "bin" / "python"
    asked = json.dumps([made[0], records])
    done = subprocess.run([program, "-c", MATCH], input=asked, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True, False, False, False]

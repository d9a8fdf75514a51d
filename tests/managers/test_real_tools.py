"""What `check` prints as a remedy, given to the real tools: they accept it, and it does what it says.

The packages are tiny wheels on an index of this machine (tests/managers/index.py), in place of PyTorch's and PyPI.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.lab.fixtures import have
from tests.lab.tools import uv
from tests.managers import index, tools
from tests.managers.tools import Bench

from torchsmith.managers.conda import torch_specs
from torchsmith.model.action import Install, InstallTorch, Uninstall
from torchsmith.model.finding import Safety

pytestmark = [pytest.mark.online, pytest.mark.slow]

BenchFactory = Callable[[str], Bench]

ENVIRONMENTS = ("pip", "uv", "pipx")
PROJECTS = ("uv-project", "poetry-1.8", "poetry-2", "pdm")
KEPT = {"filelock": "3.20.0", "numpy": "2.4.0"}
"""What nothing asks to change; the index of a build has others."""
VISION = (("torchvision", "0.23.0"),)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("index")
    index.write(root)
    with index.served(root) as url:
        yield url


@pytest.fixture(scope="session")
def projects() -> dict[str, Bench]:
    """Those made already: copying one is faster than locking and installing it again."""
    return {}


@pytest.fixture
def bench(packages: str, projects: dict[str, Bench], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> BenchFactory:
    """Makes the place where a tool works: bench("poetry-2")."""

    def make(name: str) -> Bench:
        if name in ENVIRONMENTS:
            return have(tools.environment, name, tmp_path / "bench", packages)
        if name not in projects:
            projects[name] = have(tools.project, name, tmp_path_factory.mktemp(name) / "bench", packages)
        return tools.copied(projects[name], tmp_path / "bench")

    return make


def torch_of(bench: Bench, build: str, companions: tuple[tuple[str, str], ...] = ()) -> InstallTorch:
    return InstallTorch("2.8.0", build, f"{bench.index}/{build}", companions)


def only(bench: Bench, **wanted: str) -> None:
    """Exactly these of the packages that matter are installed."""
    names = ("torch", "torchvision", "nvidia-cublas", *KEPT)
    assert {name: version for name, version in bench.installed().items() if name in names} == {
        name.replace("_", "-"): version for name, version in wanted.items()
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environments(bench: BenchFactory, name: str) -> None:
    place = bench(name)
    only(place, torch="2.13.0", nvidia_cublas="13.0.2", **KEPT)
    place.do(torch_of(place, "cpu"))
    only(place, torch="2.8.0+cpu", nvidia_cublas="13.0.2", **KEPT)
    place.do(torch_of(place, "cu128", VISION))
    only(place, torch="2.8.0+cu128", torchvision="0.23.0+cu128", nvidia_cublas="12.8.4", **KEPT)
    place.do(InstallTorch("2.8.0", "cu128", None, VISION))
    only(place, torch="2.8.0", torchvision="0.23.0", nvidia_cublas="12.8.4", **KEPT)
    reinstalls(place, "nvidia-cublas==12.8.4")
    place.do(Install(("torchvision==0.23.0+cu129",), f"{place.index}/cu129"))
    only(place, torch="2.8.0", torchvision="0.23.0+cu129", nvidia_cublas="12.8.4", **KEPT)
    place.do(Install(("numpy<2",)))
    assert place.installed()["numpy"] == "1.26.4"
    place.do(Uninstall(("torchvision", "nvidia-cublas")))
    only(place, torch="2.8.0", filelock="3.20.0", numpy="1.26.4")


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_binds_torch_to_one_index_and_nothing_else(bench: BenchFactory, name: str) -> None:
    place = bench(name)
    only(place, torch="2.13.0", nvidia_cublas="13.0.2", **KEPT)
    place.do(torch_of(place, "cu128"))
    only(place, torch="2.8.0+cu128", nvidia_cublas="12.8.4", **KEPT)
    bound(place, "cu128", "torch")
    place.do(torch_of(place, "cu129", VISION))
    only(place, torch="2.8.0+cu129", torchvision="0.23.0+cu129", nvidia_cublas="12.9.1", **KEPT)
    bound(place, "cu129", "torch", "torchvision")
    assert place.run(place.manager.partition("-")[0], "lock").returncode == 0
    bound(place, "cu129", "torch", "torchvision")


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_takes_torch_from_its_default_index(bench: BenchFactory, name: str) -> None:
    place = bench(name)
    place.do(InstallTorch("2.8.0", "cu128", None, VISION))
    only(place, torch="2.8.0", torchvision="0.23.0", nvidia_cublas="12.8.4", **KEPT)
    assert place.locked()["torch"][0] == "2.8.0"
    place.do(Install(("numpy<2",)))
    only(place, torch="2.8.0", torchvision="0.23.0", nvidia_cublas="12.8.4", filelock="3.20.0", numpy="1.26.4")
    place.do(Uninstall(("torchvision",)))
    only(place, torch="2.8.0", nvidia_cublas="12.8.4", filelock="3.20.0", numpy="1.26.4")
    assert "torchvision" not in place.locked()


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_repairs_and_clears_what_it_does_not_name(bench: BenchFactory, name: str) -> None:
    place = bench(name)
    before = (place.folder / "pyproject.toml").read_text()
    reinstalls(place, "nvidia-cublas==13.0.2")
    stray = ("--default-index", f"{place.index}/pypi", "nvidia-stray")
    added = place.run(uv(name), "pip", "install", "--python", place.python, *stray)
    assert added.returncode == 0
    assert "nvidia-stray" in place.installed()
    if name == "pdm":
        remedy = place.remedy(Uninstall(("nvidia-stray",)))
        assert remedy.commands == ()
        assert "`pdm sync --clean`" in remedy.why
        assert place.run("pdm", "sync", "--clean").returncode == 0
    else:
        place.do(Uninstall(("nvidia-stray",)))
    assert "nvidia-stray" not in place.installed()
    only(place, torch="2.13.0", nvidia_cublas="13.0.2", **KEPT)
    assert (place.folder / "pyproject.toml").read_text() == before


@pytest.mark.parametrize("name", ["uv-project", "poetry-2", "pdm"])
def test_another_package_from_an_index_of_its_own(bench: BenchFactory, name: str) -> None:
    place = bench(name)
    place.do(Install(("torchvision==0.23.0+cu128",), f"{place.index}/cu128"))
    only(place, torch="2.8.0", torchvision="0.23.0+cu128", nvidia_cublas="12.8.4", **KEPT)
    bound(place, "cu128", "torchvision")


def test_uv_without_the_line_that_is_written_by_hand(bench: BenchFactory) -> None:
    place = bench("uv-project")
    action = torch_of(place, "cu128")
    assert place.remedy(action).safety is Safety.DISPLAY_ONLY
    place.do(action, by_hand=False)
    only(place, torch="2.8.0+cu128", nvidia_cublas="12.8.4", filelock="3.99.0", numpy="2.1.2")  # as the remedy warns


def test_pdm_without_the_lines_that_are_written_by_hand(bench: BenchFactory) -> None:
    place = bench("pdm")
    remedy = place.remedy(torch_of(place, "cu128"))
    assert remedy.safety is Safety.DISPLAY_ONLY
    before = (place.folder / "pyproject.toml").read_text(), place.installed(), place.locked()
    assert [place.run(*command).returncode for command in remedy.commands] == [1]
    assert ((place.folder / "pyproject.toml").read_text(), place.installed(), place.locked()) == before


MATCH = """
import json, sys
from rattler import BuildString, MatchSpec, PackageRecord
spec, records = json.load(sys.stdin)
made = [PackageRecord("pytorch", version, BuildString(build), 0, "linux-64") for version, build in records]
print(json.dumps([MatchSpec(spec).matches(record) for record in made]))
"""


@pytest.mark.parametrize(("build", "meant"), [("cu126", "cuda126_py312_h1"), ("cpu", "cpu_py312_h1")])
def test_conda_specs_match_the_builds_that_are_meant(build: str, meant: str) -> None:
    """By the library that pixi is made of."""
    spec = torch_specs(InstallTorch("2.9.1", build, None))[0]
    records = [["2.9.0", meant], ["2.9.1", meant], ["2.10.0", meant], ["2.9.1", "rocm_py312_h1"]]
    python = have(tools.tool, "rattler") / "env" / "bin" / "python"
    done = subprocess.run([python, "-c", MATCH], input=json.dumps([spec, records]), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True, True, False, False]


def reinstalls(place: Bench, requirement: str) -> None:
    """A spoilt file comes back, and nothing else changes."""
    before = place.installed()
    spoilt = place.site / "nvidia_cublas" / "__init__.py"
    spoilt.unlink()
    place.do(Install((requirement,), reinstall=True))
    assert spoilt.exists()
    assert place.installed() == before


def bound(place: Bench, build: str, *names: str) -> None:
    """These come from the index of the build, and the lock takes nothing else from there."""
    label = f"+{build}"
    assert {name for name, (version, _) in place.locked().items() if version.endswith(label)} == set(names)
    if place.manager != "pdm":  # whose lock does not say where a file comes from
        assert {name for name, (_, source) in place.locked().items() if source == build} == set(names)

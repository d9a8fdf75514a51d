"""A conda environment changed as a whole: installed by py-rattler into a copy beside it, and right at its own path afterwards."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.lab.fixtures import have
from tests.managers import conda_channel, index, tools, torches

from torchsmith.act import clone, transaction, undoing
from torchsmith.act.store import Store
from torchsmith.act.verify import verify
from torchsmith.act.watch import Silent
from torchsmith.knowledge import approaches as table
from torchsmith.managers import transactions
from torchsmith.model.choice import Candidate, Option, Pin, Place
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages
from torchsmith.model.record import replace
from torchsmith.model.transaction import ENCODING, Outcome

pytestmark = [pytest.mark.online, pytest.mark.slow]

PYTHON = conda_channel.PYTHON
YML = "name: demo\nchannels:\n  - conda-forge\ndependencies:\n  - python\n  - pytorch  # any\n"


@dataclass(slots=True)
class Conda:
    """A project with a conda environment in it, and a program called conda."""

    folder: Path
    program: Path
    store: Store

    @property
    def prefix(self) -> Path:
        return self.folder / "env"

    def conda(self, *words: str) -> None:
        done = subprocess.run([self.program, *words], check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"

    def records(self) -> dict[str, str]:
        """Name, and version with build, of all that conda has installed."""
        found = (json.loads(path.read_text()) for path in (self.prefix / "conda-meta").glob("*.json"))
        return {each["name"]: f"{each['version']} {each['build']}" for each in found}

    def place(self, goal: str = "", **more: object) -> Place:
        here = self.records()
        site = str(self.prefix / conda_channel.SITE)
        names = {name: version.partition(" ")[0] for name, version in here.items()}
        packages = tuple(Package({"pytorch": "torch"}.get(name, name), version, site) for name, version in names.items())
        conda = tuple(Package(name, names[name], site, conda_build=told.partition(" ")[2]) for name, told in here.items())
        build = here.get("pytorch", "").partition(" ")[2].partition("_")[0].replace("cuda", "cu")
        interpreter = Interpreter(
            str(self.prefix / "bin" / "python"), PYTHON, str(self.prefix), "/usr", 64, "", "linux", "conda", (), (site,)
        )
        project = PastedProject(manager="conda", folder=str(self.folder), files=("environment.yml",))
        place = Place("linux", "bash", Environment("conda", "conda"), interpreter, project, "580.65.06", goal=goal)
        made = replace(place, torch=f"{names.get('pytorch')}+{build}", packages=Packages(packages, (), conda))
        return replace(made, **more)

    def apply(self, wanted: Option, goal: str = "", **more: object) -> Outcome:
        place = self.place(goal, **more)
        paths = [Path(path) for path in transactions.wanted(wanted, place, {})]
        files = {str(path): path.read_bytes().decode(*ENCODING) for path in paths if path.is_file()}
        made = transactions.made(wanted, place, files)
        if made.environment is not None and not made.environment.create:
            made = replace(made, fingerprint=clone.fingerprint(self.prefix))
        return transaction.carry_out(made, self.store, verify, Silent())

    def state(self, compiled: bool = True) -> dict[str, str]:
        """Every file of the project, by mode and content."""
        found = {}
        for parent, folders, names in os.walk(self.folder):
            if Path(parent) == self.folder:  # beside it the copy is kept that was taken back
                folders[:] = [self.prefix.name]
            for path in (Path(parent, name) for name in names):
                if compiled or path.suffix != ".pyc":
                    content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
                    found[str(path.relative_to(self.folder))] = f"{path.lstat().st_mode:o} {hashlib.sha256(content).hexdigest()}"
        return found


def option(cuda: str, torch: str = "2.8.0") -> Option:
    approach = next(approach for approach in table.every() if approach.name == "conda")
    build = f"cu{cuda.replace('.', '')}"
    candidate = Candidate("conda-forge", torch, build, "cuda", "linux-x86_64", PYTHON, cuda)
    return Option(1, approach, candidate, None, (Pin("torch", torch),), (), 0.0)


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("channel")
    conda_channel.write(root)
    rattler = have(tools.tool, "rattler") / "env" / "bin" / "python"
    return conda_channel.program(root.parent / "conda" / "bin", rattler, root)


@pytest.fixture
def conda(channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Conda:
    """torch 2.8.0 for CUDA 12.8 with an older tool beside it, and a file that somebody put there."""
    monkeypatch.setenv("PATH", os.pathsep.join((str(channel.parent), os.defpath)))
    made = Conda(tmp_path / "demo", channel, Store(tmp_path / "state"))
    made.folder.mkdir()
    made.conda("create", "-y", "-p", str(made.prefix), "-c", "conda-forge", *SPECS)
    (made.prefix / "etc" / "own.conf").write_text(f"here = {made.prefix}\n")
    (made.folder / "environment.yml").write_text(YML)
    return made


SPECS = (f"python={PYTHON}", "pytorch=2.8.0=*cuda128*", "cuda-version=12.8", "tool=1.0", "numpy=1.26.4")


def test_what_is_installed_into_the_copy_is_as_if_it_were_installed_at_the_live_path(conda: Conda) -> None:
    before = conda.state()
    done = conda.apply(option("12.9"))
    assert done.status == "done", done
    changed = conda.state(compiled=False)
    assert conda.records()["pytorch"].startswith("2.8.0 cuda129_")
    assert conda.records()["tool"] == "1.0 pyh_0", "what was not asked for stays"
    program = conda.prefix / "bin" / "torchrun"
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == "2.8.0\n"
    assert str(conda.prefix).encode() in (conda.prefix / "lib" / "libtorch.so").read_bytes()
    assert conda.apply(option("12.9")).status == "nothing"
    (undone,) = undoing.undo(conda.store, None, verify, Silent())
    assert undone.status == "undone"
    assert conda.state() == before
    # The same by hand, at the live path itself.
    conda.conda("install", "-y", "-p", str(conda.prefix), "-c", "conda-forge", "pytorch=2.8.0=*cuda129*", "cuda-version=12.9")
    by_hand = conda.state(compiled=False)
    yml = "environment.yml"
    assert {name: by_hand[name] for name in by_hand if name != yml} == {name: changed[name] for name in changed if name != yml}


def test_the_project_asks_for_the_build_from_now_on(conda: Conda) -> None:
    assert conda.apply(option("13.0")).status == "done"
    said = (conda.folder / "environment.yml").read_text()
    assert "- pytorch=2.8.0=*cuda130*  # any" in said
    assert "- cuda-version=13.0" in said


def test_everything_but_torch_is_brought_up_to_date(conda: Conda) -> None:
    before = conda.state()
    done = conda.apply(option("12.8"), transactions.UPDATE_OTHERS)
    assert done.status == "done", done
    records = conda.records()
    assert records["pytorch"].startswith("2.8.0 cuda128_")
    assert (records["tool"], records["numpy"]) == ("1.1 pyh_0", f"2.4.0 {conda_channel.TAG}_0")
    (undone,) = undoing.undo(conda.store, None, verify, Silent())
    assert undone.status == "undone"
    assert conda.state() == before


def test_what_conda_cannot_solve_changes_nothing(conda: Conda) -> None:
    before = conda.state()
    done = conda.apply(option("12.6"))
    assert (done.status, done.exit_code) == ("failed", 5)
    assert "cuda126" in "\n".join((done.problem, *done.said))
    assert conda.state() == before


def test_a_new_environment_is_made_at_the_path_that_it_will_have(conda: Conda) -> None:
    wanted = option("12.9", "2.9.0")
    done = conda.apply(wanted, fresh=True, interpreter=None, packages=None, torch="")
    assert done.status == "done", done
    made = conda.folder / ".conda"
    ran = subprocess.run([made / "bin" / "torchrun"], capture_output=True, text=True, check=True)
    assert ran.stdout == "2.9.0\n"
    assert (
        sys.version.split()[0]
        == subprocess.run(
            [made / "bin" / "python", "-c", "import sys; print(sys.version.split()[0])"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    )


def test_wheels_in_an_environment_of_condas_go_like_pips(conda: Conda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy stands at a path as long, which uv installs into; conda's own records stay as they are."""
    shutil.rmtree(conda.prefix)
    conda.conda("create", "-y", "-p", str(conda.prefix), "-c", "conda-forge", f"python={PYTHON}", "tool=1.0", "numpy=2.4.0")
    root = tmp_path / "index"
    torches.write(root)
    before = conda.state()
    with index.served(root) as url:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{url}/pypi")
        approach = next(approach for approach in table.every() if approach.name == "pip")
        candidate = Candidate("wheel", "2.8.0", "cu128", "cuda", "linux-x86_64", PYTHON, "12.8", index=f"{url}/cu128")
        wanted = Option(1, approach, candidate, f"{url}/cu128", (Pin("torch", "2.8.0", f"{url}/cu128"),), (), 0.0)
        there = Environment("conda", "pip")
        done = conda.apply(wanted, environment=there, torch="", packages=Packages(()), tools=(("uv", "0"),))
        assert done.status == "done", done
    python = conda.prefix / "bin" / "python"
    asked = "import torch; print(torch.__version__, torch.__file__)"
    ran = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["2.8.0+cu128", str(conda.prefix / conda_channel.SITE / "torch" / "__init__.py")]
    (undone,) = undoing.undo(conda.store, None, verify, Silent())
    assert undone.status == "undone"
    assert conda.state() == before

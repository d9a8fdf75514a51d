"""Environments changed by the engine: an option made a transaction at a place, carried out with the real tool, and looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.tools import uv

from torchsmith.act import transaction as engine
from torchsmith.act import undoing
from torchsmith.act.clone import fingerprint
from torchsmith.act.store import Store
from torchsmith.act.verify import verify
from torchsmith.act.watch import Silent
from torchsmith.knowledge import approaches as table
from torchsmith.managers import transactions
from torchsmith.model.choice import Candidate, Option, Pin, Place
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages
from torchsmith.model.record import replace
from torchsmith.model.transaction import ENCODING, Outcome, Transaction
from torchsmith.probes.packages import parse

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
CUDA = {"cu121": "12.1", "cu128": "12.8", "cu129": "12.9", "cu130": "13.0", "cu118": "11.8"}


@dataclass(frozen=True)
class Home:
    """Where a test works: its folder, what the tools are told, and what torchsmith remembers."""

    folder: Path
    prefix: Path
    store: Store

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"

    def installed(self) -> dict[str, str]:
        """Names and versions, the installers' own left out."""
        return {p.name: p.version for p in self._packages() if p.name not in {"pip", "setuptools"}}

    def state(self) -> str:
        """Changes with anything in the environment."""
        return fingerprint(self.prefix)

    def place(self, manager: str, torch: str = "", **more: object) -> Place:
        """The environment that is there; ``torch`` is the one that is installed, by its build."""
        site = str(self._site())
        interpreter = Interpreter(
            str(self.python), PYTHON, str(self.prefix), sys.base_prefix, 64, "x86_64", "linux", "venv", (), (site,)
        )
        place = Place(
            "linux", "bash", Environment("venv", manager), interpreter, torch=torch, packages=Packages(self._packages())
        )
        return replace(place, **({"tools": (("uv", "0"),), "here": str(self.folder)} | more))

    def nowhere(self, project: PastedProject | None = None, **more: object) -> Place:
        """A folder without an environment, and the Python that runs the tests."""
        own = Interpreter(
            sys.executable, PYTHON, str(self.folder / "none"), sys.base_prefix, 64, "x86_64", "linux", "system", (), ()
        )
        place = Place("linux", "bash", Environment("system", "pip", changeable=False), own, project, "", True, torch="")
        return replace(place, **({"tools": (("uv", "0"),), "here": str(self.folder)} | more))

    def made(self, option: Option, place: Place) -> Transaction:
        """The transaction, from the files that it asks for."""
        files: dict[str, str] = {}
        while new := {p: Path(p) for p in transactions.wanted(option, place, files) if p not in files and Path(p).is_file()}:
            files |= {name: path.read_bytes().decode(*ENCODING) for name, path in new.items()}
        return transactions.made(option, place, files)

    def carry_out(self, transaction: Transaction) -> Outcome:
        return engine.carry_out(transaction, self.store, verify, Silent())

    def undo(self) -> tuple[Outcome, ...]:
        return undoing.undo(self.store, None, verify, Silent())

    def _site(self) -> Path:
        return next((self.prefix / "lib").glob("python3.*"), self.prefix / "lib" / f"python{PYTHON}") / "site-packages"

    def _packages(self) -> tuple[Package, ...]:
        site = self._site()
        found, _ = parse(str(site), sorted(path.name for path in site.glob("*")))
        return tuple(found)


def home(folder: Path, *requirements: str, by: str = "uv", index: str = "") -> Home:
    """A home with an environment that holds these; none of them: there is no environment yet."""
    made = Home(folder, folder / ".venv", Store(folder / "state"))
    if not requirements:
        return made
    first: Sequence[str | Path] = (
        (uv("uv"), "venv", "-q", "--python", sys.executable, made.prefix)
        if by == "uv"
        else (sys.executable, "-m", "venv", made.prefix)
    )
    subprocess.run(first, check=True, capture_output=True)
    names = [name for name in requirements if name != "-"]
    told = ("--default-index", index) if index else ()
    if names:
        subprocess.run(
            (uv("uv"), "pip", "install", "-q", "--python", made.python, *told, *names), check=True, capture_output=True
        )
    return made


def option(name: str, build: str, url: str | None, *beside: Pin, torch: str = "2.8.0", vision: str = "0.23.0") -> Option:
    """Torch and torchvision from one index, and what stands beside them."""
    approach = next(approach for approach in table.every() if approach.name == name)
    kind = "cpu" if build == "cpu" else "cuda"
    candidate = Candidate("wheel", torch, build, kind, "linux-x86_64", PYTHON, CUDA.get(build))
    pins = (Pin("torch", torch, url), *((Pin("torchvision", vision, url),) if vision else ()), *beside)
    return Option(1, approach, candidate, url, pins, (), 0.0)


def configured(index: str, cache: Path) -> Mapping[str, str]:
    """Variables by which pip and uv know one index, and nothing that the user configured."""
    return {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{index}/pypi",
        "UV_DEFAULT_INDEX": f"{index}/pypi",
        "UV_NO_CONFIG": "1",
        "UV_CACHE_DIR": str(cache),
    }

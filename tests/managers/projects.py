"""A project whose change is carried out for real: made, put through the engine, looked at, taken back."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.managers.tools import Bench

from torchsmith.act import clone, transaction, undoing
from torchsmith.act.store import Store
from torchsmith.act.verify import verify
from torchsmith.act.watch import Silent
from torchsmith.app import project as reading
from torchsmith.host.local import LocalHost
from torchsmith.knowledge import approaches as table
from torchsmith.managers import transactions
from torchsmith.model.choice import Candidate, Option, Pin, Place
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages
from torchsmith.model.known import Known
from torchsmith.model.record import replace
from torchsmith.model.transaction import ENCODING, Outcome, Transaction

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
VISION = {"2.8.0": "0.23.0", "2.9.0": "0.24.0"}


def option(manager: str, build: str, url: str | None, torch: str = "2.8.0", *beside: Pin, vision: bool = False) -> Option:
    """What `plan` would offer: torch of a build, with its torchvision if wanted."""
    approach = next(approach for approach in table.every() if approach.name == manager)
    kind = "cpu" if build == "cpu" else "cuda"
    candidate = Candidate("wheel", torch, build, kind, "linux-x86_64", PYTHON, index=url)
    companions = (Pin("torchvision", VISION[torch], url),) if vision else ()
    return Option(1, approach, candidate, url, (Pin("torch", torch, url), *companions, *beside), (), 0.0)


@dataclass(slots=True)
class Project:
    """A bench with a journal."""

    bench: Bench
    store: Store
    said: list[str] = field(default_factory=list)

    def place(self, goal: str = "", **more: object) -> Place:
        """As `plan` finds it."""
        bench = self.bench
        found = reading.read(LocalHost(), str(bench.folder))
        assert isinstance(found, Known)
        assert isinstance(found.value, PastedProject)
        here = bench.installed() if bench.prefix.exists() else {}
        packages = tuple(Package(name, version, str(bench.site)) for name, version in here.items())
        torch = here.get("torch", "")
        interpreter = Interpreter(
            str(bench.python),
            PYTHON,
            str(bench.prefix),
            "/usr",
            64,
            "x86_64",
            "linux",
            "venv",
            (),
            (str(bench.site),) if here else (),
        )
        environment = Environment("venv", bench.manager, project=str(bench.folder))
        there = Place("linux", "bash", environment, interpreter, found.value, torch=torch, packages=Packages(packages), goal=goal)
        return replace(there, **more)

    def made(self, wanted: Option, goal: str = "", **more: object) -> Transaction:
        """The transaction, of the files that it asks for."""
        place = self.place(goal, **more)
        files: dict[str, str] = {}
        asked: set[str] = set()
        while new := [path for path in transactions.wanted(wanted, place, files) if path not in asked]:
            asked.update(new)
            files |= {path: Path(path).read_bytes().decode(*ENCODING) for path in new if Path(path).is_file()}
        return transactions.made(wanted, place, files)

    def apply(self, wanted: Option, goal: str = "", **more: object) -> Outcome:
        """Made and carried out, which has to succeed."""
        done = self.carry_out(self.made(wanted, goal, **more))
        assert done.status == "done", "\n".join((str(done), *self.said))
        return done

    def carry_out(self, made: Transaction) -> Outcome:
        """Through the engine, judged by torchsmith's own verification."""
        assert made.environment is not None
        self.said.clear()
        if not made.environment.create:
            made = replace(made, fingerprint=clone.fingerprint(Path(made.environment.prefix)))
        return transaction.carry_out(made, self.store, verify, _Heard(self.said))

    def undo(self) -> None:
        """The last change taken back."""
        (done,) = undoing.undo(self.store, None, verify, Silent())
        assert done.status == "undone", done

    def state(self) -> dict[str, str]:
        """Every file of the project and its environment, by its content."""
        found = {}
        for parent, folders, names in os.walk(self.bench.folder):
            folders[:] = [name for name in folders if name not in {".torchsmith", "__pycache__"}]
            for name in names:
                path = Path(parent, name)
                key = str(path.relative_to(self.bench.folder))
                found[key] = str(path.readlink()) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def text(self, name: str = "pyproject.toml") -> str:
        """A file of the project, with its own ends of lines."""
        return (self.bench.folder / name).read_bytes().decode()

    def run(self, *command: str) -> str:
        """What a person types in the project's folder."""
        done = self.bench.run(*command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def torch(self) -> str:
        """The version that is installed."""
        return self.bench.installed().get("torch", "")


class _Heard(Silent):
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def said(self, line: str) -> None:
        self.lines.append(line)


@contextmanager
def surrounded(bench: Bench, state: Path) -> Iterator[Project]:
    """The project, with its variables set for what torchsmith starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "POETRY_", "VIRTUAL_ENV", "PYTHON"))]:
            patch.delenv(name)
        for name, value in bench.env.items():
            patch.setenv(name, value)
        yield Project(bench, Store(state))

"""Small environments and transactions on them, for the tests of the engine: real ones, with a program that writes files."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from torchsmith.act import clone
from torchsmith.act.store import Store
from torchsmith.act.watch import Silent
from torchsmith.model.transaction import Edit, Environment, Run, Transaction

Tree = dict[str, tuple[object, ...]]


class Quitting(Silent):
    """Ends this process, as a power cut would, when a phase begins."""

    def __init__(self, phase: str) -> None:
        self._phase = phase

    def phase(self, name: str) -> None:
        if name.startswith(self._phase):
            os._exit(9)


class Recording(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.lines: list[str] = []

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def said(self, line: str) -> None:
        self.lines.append(line)


def environment(folder: Path) -> Environment:
    """A virtual environment with one package in it."""
    prefix = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(prefix)], check=True)
    place = Environment(str(prefix), str(prefix / "bin" / "python"))
    (site(place) / "thing.py").write_text("VERSION = '1'\n")
    (site(place) / "other.py").write_text("OTHER = 1\n")
    return place


def site(place: Environment) -> Path:
    return next(Path(place.prefix, "lib").glob("python3.*")) / "site-packages"


def run(place: Environment, code: str, **more: object) -> Run:
    """A program of the environment that finds its site-packages in ``site``."""
    begin = "import sysconfig, pathlib, os, sys; site = pathlib.Path(sysconfig.get_path('purelib'));"
    return Run((place.python, "-c", begin + code), "change it", **more)  # type: ignore[arg-type]


def install(place: Environment, version: str) -> Run:
    """As an installer does: the old file goes, a new one comes."""
    return run(
        place, f"thing = site / 'thing.py'; thing.unlink(); thing.write_text('VERSION = \\'{version}\\'\\n'); print('did it')"
    )


def transaction(place: Environment | None, *runs: Run, edits: tuple[Edit, ...] = ()) -> Transaction:
    at = clone.fingerprint(Path(place.prefix)) if place is not None else ""
    return Transaction("a change", place, edits, runs, fingerprint=at)


def version(place: Environment) -> str:
    """As a new process sees it."""
    code = "import thing; print(thing.VERSION)"
    done = subprocess.run([place.python, "-B", "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def store(folder: Path) -> Store:
    return Store(folder / "state")


def tree(folder: Path) -> Tree:
    """Everything below a folder, but what is torchsmith's own: kinds, modes, times, contents, links, and shared names."""
    found: Tree = {}
    for parent, names, files in os.walk(folder):
        names[:] = [name for name in names if name not in {".torchsmith", "state", "__pycache__"}]
        for name in (*names, *files):
            path = Path(parent, name)
            about = path.lstat()
            kind = stat.S_IFMT(about.st_mode)
            content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            when = about.st_mtime_ns if path.is_file() and not path.is_symlink() else 0
            found[str(path.relative_to(folder))] = (kind, stat.S_IMODE(about.st_mode), about.st_uid, when, content)
    return found

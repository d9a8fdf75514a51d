"""Where faults are tried: a small environment, a project and a home, put back in a moment from a kept copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.cache import built
from tests.lab.tools import attempt, last_line, uv
from tools.faults import wheels
from tools.faults.injector import CACHE


def newest_pip() -> Path:
    """A Python whose pip is the newest that can be had, else our own."""

    def build(folder: Path) -> None:
        for command in (
            ("venv", "-q", "--python", sys.executable, folder / "env"),
            ("pip", "install", "-q", "--python", folder / "env", "pip"),
        ):
            done = attempt(uv("pip"), *command)
            if done.returncode:
                raise RuntimeError(last_line(done))

    try:
        return built("faults-pip", {"python": sys.version}, build) / "env" / "bin" / "python"
    except RuntimeError:
        return Path(sys.executable)


class Bench:
    """A folder in which everything lies that a run may change, and a copy of it as it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.kept = folder / "kept"
        self.wheels = folder / "wheels"
        self.prefix = self.root / "project" / ".venv"
        self.state = self.root / "state"
        self.root.mkdir(parents=True)
        wheels.write(self.wheels)

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.prefix / "bin" / "python"

    @property
    def site(self) -> Path:
        """Where its packages lie."""
        return self.prefix / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"

    def fill(self, prefix: Path | None = None) -> None:
        """Make the environment with the old packages, by uv."""
        prefix = prefix or self.prefix
        commands: tuple[tuple[str | Path, ...], ...] = (
            ("venv", "-q", "--python", sys.executable, prefix),
            ("pip", "install", "-q", "--python", prefix / "bin" / "python", *self.offline(), *wheels.wanted(new=False)),
        )
        for command in commands:
            done = attempt(uv("faults"), *command, cwd=self.folder)
            if done.returncode:
                raise RuntimeError(last_line(done))

    def offline(self) -> tuple[str, ...]:
        """Options of pip and uv that have them look nowhere else."""
        return ("--no-index", "--find-links", str(self.wheels))

    def keep(self) -> None:
        """As it is now is how every point begins."""
        shutil.rmtree(self.kept, ignore_errors=True)
        shutil.copytree(self.root, self.kept, symlinks=True)

    def put_back(self) -> None:
        """Begin anew."""
        remove(self.root)
        shutil.copytree(self.kept, self.root, symlinks=True)


def remove(tree: Path) -> None:
    """A tree goes, also where folders in it may not be written."""
    if tree.is_symlink() or tree.is_file():
        tree.unlink()
        return
    for parent, _, _ in os.walk(tree):
        os.chmod(parent, 0o700)  # noqa: PTH101 - quick
    shutil.rmtree(tree, ignore_errors=True)


@contextmanager
def made(parent: Path | None = None) -> Iterator[Bench]:
    """A bench that is gone afterwards; in memory where that can be had, for a disk that syncs takes most of the time."""
    memory = Path("/dev/shm")
    parent = parent or (memory / "torchsmith-faults" if os.access(memory, os.W_OK) else CACHE / "benches")
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=parent)).resolve()
    try:
        yield Bench(folder)
    finally:
        remove(folder)


def clean(folder: Path) -> dict[str, str]:
    """Variables for installers: nothing of the user's own configuration."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "VIRTUAL_ENV", "PYTHON", "XDG_", "FI_", "LD_"))
    }
    quiet = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    return kept | quiet | {"HOME": str(folder), "UV_CACHE_DIR": str(folder / "uv-cache"), "PIP_NO_INPUT": "1"}


def version(*command: str | Path) -> str:
    """What a program says it is, in a few words."""
    said = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False).stdout.split()
    return " ".join(said[:2])

"""`torchsmith apply` and `undo` of settings, as a user calls them: a toolkit, a home, an environment, a local index."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.tools import uv
from tests.managers import index

pytestmark = pytest.mark.slow

HEADERS = ("cuda_runtime.h", "cublas_v2.h", "cusparse.h", "cusolverDn.h")
BASHRC = b"A=1\n# caf\xe9"


@dataclass
class Machine:
    root: Path
    environ: dict[str, str]

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def prefix(self) -> Path:
        return self.root / "my project" / ".venv"

    def torchsmith(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "torchsmith", *words]
        return subprocess.run(
            command,
            cwd=self.prefix.parent,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def apply(self, approach: str) -> subprocess.CompletedProcess[str]:
        return self.torchsmith(
            *("apply", "--python", ".venv", "--yes", "--allow-root", "--goal", "extension-build", "--approach", approach),
            *("--torch", "==2.8.0+cu128", "--assume", "gpu=RTX 4090", "--assume", "driver=580.65.06"),
        )

    def shell(self, code: str) -> str:
        environ = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        return subprocess.run(["bash", "-l", "-c", code], env=environ, capture_output=True, text=True, check=True).stdout.strip()

    def tree(self) -> dict[str, tuple[int, bytes]]:
        """The home and the environment's scripts: what may change, and has to come back."""
        folders = (self.home, self.prefix / "bin")
        found = (path for folder in folders for path in folder.iterdir() if path.is_file() and not path.is_symlink())
        return {str(path): (path.stat().st_mode, path.read_bytes()) for path in found}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    (tmp_path / "index").mkdir()
    index.write(tmp_path / "index")
    toolkit = tmp_path / "my toolkit"
    for name in ("bin/nvcc", "include/cuda.h", *(f"include/{header}" for header in HEADERS)):
        (toolkit / name).parent.mkdir(parents=True, exist_ok=True)
        (toolkit / name).write_text("")
    (toolkit / "bin/nvcc").chmod(0o755)
    (toolkit / "version.json").write_text('{"cuda": {"name": "CUDA SDK", "version": "12.8.1"}}')
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".bashrc").write_bytes(BASHRC)
    environ = {"HOME": str(tmp_path / "home"), "SHELL": "/bin/bash", "PATH": os.environ["PATH"], "CUDA_HOME": str(toolkit)}
    environ |= {"XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    with index.served(tmp_path / "index") as url:
        environ["UV_DEFAULT_INDEX"] = environ["PIP_INDEX_URL"] = f"{url}/cu128"
        made = Machine(tmp_path, environ)
        tool = uv("settings")
        subprocess.run([tool, "venv", "-q", "--python", sys.executable, made.prefix], check=True, env=environ)
        install = (tool, "pip", "install", "-q", "--python", made.prefix, "torch==2.8.0+cu128", "torchvision")
        subprocess.run(install, check=True, env=environ)
        yield made


def test_for_all_that_the_user_starts(machine: Machine) -> None:
    toolkit, before = machine.environ["CUDA_HOME"], machine.tree()
    ran = machine.apply("user-path")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "CUDA_HOME in a new login bash" in ran.stdout
    assert machine.shell('echo "$CUDA_HOME|$PATH"').startswith(f"{toolkit}|{toolkit}/bin:")
    undone = machine.torchsmith("undo")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert machine.tree() == before
    assert machine.shell('echo "$CUDA_HOME"') == ""


def test_while_one_environment_is_active(machine: Machine) -> None:
    """The scripts lie in the environment that changes places as a whole."""
    toolkit, before = machine.environ["CUDA_HOME"], machine.tree()
    ran = machine.apply("env-vars")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    code = f'. "{machine.prefix}/bin/activate"; echo "$CUDA_HOME|$TORCH_CUDA_ARCH_LIST|$VIRTUAL_ENV"'
    assert machine.shell(code) == f"{toolkit}|8.9|{machine.prefix}"
    assert machine.shell('echo "$CUDA_HOME"') == ""
    assert (machine.home / ".bashrc").read_bytes() == BASHRC
    assert machine.torchsmith("undo").returncode == 0
    assert machine.tree() == before


def test_a_block_that_somebody_edited_is_not_written_over(machine: Machine) -> None:
    """S01: refused with the file and the line, and nothing is touched."""
    assert machine.apply("user-path").returncode == 0
    rc = machine.home / ".bashrc"
    rc.write_bytes(rc.read_bytes().replace(b"export CUDA_HOME=", b"export CUDA_HOME=/mine; X="))
    other = machine.root / "other toolkit"
    (machine.root / "my toolkit").rename(other)
    machine.environ["CUDA_HOME"] = str(other)
    before = machine.tree()
    ran = machine.apply("user-path")
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert "edited by hand" in " ".join((ran.stdout + ran.stderr).split())
    assert machine.tree() == before

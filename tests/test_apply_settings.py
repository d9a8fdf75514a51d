"""`torchsmith apply` and `undo` of settings, as a user calls them: a toolkit, a home, an environment, a local index."""

from __future__ import annotations

import json
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

    def install(self, torch: str) -> None:
        command = (uv("settings"), "pip", "install", "-q", "--python", self.prefix, f"torch=={torch}", "torchvision")
        subprocess.run(command, check=True, env=self.environ)

    def apply(self, approach: str) -> subprocess.CompletedProcess[str]:
        return self.torchsmith(
            *("apply", "--python", ".venv", "--yes", "--allow-root", "--goal", "extension-build", "--approach", approach),
            *("--torch", "2.14.1", "--assume", "gpu=RTX 5070 Ti", "--assume", "driver=580.65.06"),
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
    for version in ("2.14.0", "2.14.1"):
        index.whole(tmp_path / "index" / "pypi", version, f"0.29.{version[-1]}", "13.0")
    index.pages(tmp_path / "index")
    toolkit = tmp_path / "my toolkit"
    for name in ("bin/nvcc", "include/cuda.h", *(f"include/{header}" for header in HEADERS)):
        (toolkit / name).parent.mkdir(parents=True, exist_ok=True)
        (toolkit / name).write_text("")
    (toolkit / "bin/nvcc").chmod(0o755)
    (toolkit / "version.json").write_text('{"cuda": {"name": "CUDA SDK", "version": "13.0.1"}}')
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".bashrc").write_bytes(BASHRC)
    environ = {"HOME": str(tmp_path / "home"), "SHELL": "/bin/bash", "PATH": os.environ["PATH"], "CUDA_HOME": str(toolkit)}
    environ |= {"XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    with index.served(tmp_path / "index") as url:
        environ["UV_DEFAULT_INDEX"] = environ["PIP_INDEX_URL"] = f"{url}/pypi"
        made = Machine(tmp_path, environ)
        subprocess.run([uv("settings"), "venv", "-q", "--python", sys.executable, made.prefix], check=True, env=environ)
        made.install("2.14.1")
        yield made


def test_for_all_that_the_user_starts(machine: Machine) -> None:
    toolkit, before = machine.environ["CUDA_HOME"], machine.tree()
    ran = machine.apply("user-path")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "CUDA_HOME in a new login bash" in ran.stdout
    assert machine.shell('echo "$CUDA_HOME|$PATH"').startswith(f"{toolkit}|{toolkit}/bin:")
    assert "uv pip install" not in ran.stdout  # torch is there and whole: only the settings change
    after = machine.tree()
    again = machine.apply("user-path")
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "Nothing to do")
    assert machine.tree() == after
    undone = machine.torchsmith("undo")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert machine.tree() == before
    assert machine.shell('echo "$CUDA_HOME"') == ""


def test_while_one_environment_is_active(machine: Machine) -> None:
    """The scripts lie in the environment that changes places as a whole."""
    machine.install("2.14.0")
    toolkit, before = machine.environ["CUDA_HOME"], machine.tree()
    ran = machine.apply("env-vars")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "uv pip install" in ran.stdout
    code = f'. "{machine.prefix}/bin/activate"; echo "$CUDA_HOME|$TORCH_CUDA_ARCH_LIST|$VIRTUAL_ENV"'
    assert machine.shell(code) == f"{toolkit}|12.0|{machine.prefix}"
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


def test_a_plan_that_was_written_down(machine: Machine) -> None:
    """It is carried out from another terminal, and refused when a startup file has changed since."""
    words = ("--goal", "extension-build", "--torch", "2.14.1", "--assume", "gpu=RTX 5070 Ti", "--assume", "driver=580.65.06")
    told = json.loads(machine.torchsmith("plan", "--python", ".venv", *words, "--json").stdout)
    rank = next(each["rank"] for each in told["options"] if each["approach"] == "user-path")
    written = machine.torchsmith("plan", "--python", ".venv", *words, "--option", str(rank), "--write", "plan.json")
    assert written.returncode == 0, written.stdout + written.stderr
    before = machine.tree()
    (machine.home / ".bashrc").write_bytes(BASHRC + b"\nB=2\n")
    changed = machine.tree()
    refused = machine.torchsmith("apply", "plan.json", "--yes", "--allow-root")
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert machine.tree() == changed
    (machine.home / ".bashrc").write_bytes(BASHRC)
    machine.environ["INVOCATION_ID"] = "1"
    ran = machine.torchsmith("apply", "plan.json", "--yes", "--allow-root")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert machine.shell('echo "$CUDA_HOME"') == machine.environ["CUDA_HOME"]
    assert machine.torchsmith("undo").returncode == 0
    assert machine.tree() == before

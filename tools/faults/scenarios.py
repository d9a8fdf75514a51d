"""What the engine is asked to do while it is disturbed: a transaction made by hand, and what counts as its things."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.faults import wheels
from tools.faults.bench import Bench

from torchsmith.act import clone, files
from torchsmith.model.transaction import Edit, Environment, Expected, RegistryEdit, Run, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable

INSTALLER: Final = Path(__file__).with_name("quick_installer.py")
BEGIN: Final = "apply"
KEY: Final = "Environment"


class FileRegistry:
    """A registry in files, one for each value: it outlives the process, and each write of it is a call that can fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str, name: str) -> Path:
        """Where a value lies."""
        return self.folder / f"{key}-{name}"

    def read(self, key: str, name: str) -> tuple[str, str] | None:
        """See act.registry.Registry."""
        path = self.path(key, name)
        if not path.exists():
            return None
        kind, _, value = path.read_text().partition(" ")
        return kind, value

    def write(self, key: str, name: str, value: tuple[str, str] | None) -> None:
        """See act.registry.Registry."""
        if value is None:
            self.path(key, name).unlink(missing_ok=True)
        else:
            files.write_whole(self.path(key, name), " ".join(value).encode())

    def broadcast(self) -> str:
        """See act.registry.Registry."""
        return ""

    def refusal(self, key: str) -> str:
        """See act.registry.Registry."""
        del key
        return ""


PYPROJECT: Final = '[project]\nname = "demo"  # ours\ndependencies = ["torch==2.7.0"]\n'
PYPROJECT_NEW: Final = PYPROJECT.replace("2.7.0", "2.8.0") + '\n[[tool.uv.index]]\nname = "pytorch-cu129"\nexplicit = true\n'
LOCK: Final = 'version = 1\n[[package]]\nname = "torch"\nversion = "2.7.0+cu128"\n'
LOCK_NEW: Final = LOCK.replace("2.7.0+cu128", "2.8.0+cu129")
RC: Final = "# my settings\nalias ll='ls -l'\n"
RC_NEW: Final = RC + "# >>> torchsmith >>>\nexport CUDA_HOME=/usr/local/cuda-12.9\n# <<< torchsmith <<<\n"


@dataclass(frozen=True, slots=True)
class Scenario:
    """``lay`` makes what is there before; ``transaction`` says what shall change, from what is there now."""

    name: str
    lay: Callable[[Bench], None]
    transaction: Callable[[Bench], Transaction]
    things: Callable[[Bench], dict[str, Path]]
    begins: str = BEGIN
    """What is disturbed: apply, undo (of an apply that was done) or resume (of one that was cut after its decision)."""


def registry(bench: Bench) -> FileRegistry:
    """The fake registry of a bench."""
    return FileRegistry(bench.root / "registry")


# ---- environments


def quick(bench: Bench, how: str = "honest") -> tuple[str, ...]:
    """The words of the quick installer."""
    return (sys.executable, "-I", "-S", "-B", str(INSTALLER), "install", str(bench.prefix), str(content(bench)), how)


def content(bench: Bench) -> Path:
    """The new packages as the quick installer reads them."""
    path = bench.folder / "new.json"
    if not path.exists():
        path.write_text(json.dumps({name: wheels.content(name, new=True) for name in wheels.VERSIONS}))
    return path


def lay_small(bench: Bench) -> None:
    """An environment as the quick installer makes it, with the old packages: two dozen files."""
    installed(bench.prefix, bench, new=False)


def installed(prefix: Path, bench: Bench, *, new: bool) -> None:
    """An environment made in place, undisturbed."""
    python = os.path.realpath(sys.executable)
    site = prefix / bench.site.relative_to(bench.prefix)
    site.mkdir(parents=True)
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python").symlink_to(python)
    (prefix / "pyvenv.cfg").write_text(f"home = {Path(python).parent}\ncommand = {python} -m venv {prefix}\n")
    (prefix / "bin" / "activate").write_text(f'VIRTUAL_ENV="{prefix}"\n')
    (prefix / "bin" / "torchrun").write_text(f"#!{prefix}/bin/python\nimport torch\n")
    (prefix / "bin" / "torchrun").chmod(0o755)
    for name in wheels.VERSIONS:
        for path, text in wheels.content(name, new).items():
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_text(text)


EXPECTED: Final = Expected(wheels.VERSIONS["torch"][1], tuple((name, versions[1]) for name, versions in wheels.VERSIONS.items()))


def _environment(bench: Bench, create: tuple[str, ...] = ()) -> Environment:
    return Environment(str(bench.prefix), str(bench.python), "venv", create)


def fingerprint(bench: Bench) -> str:
    """Of the live environment, as a plan has it."""
    return clone.fingerprint(bench.prefix)


def venv(bench: Bench) -> Transaction:
    """Another torch in an environment that is there."""
    runs = (Run(quick(bench), "install torch"),)
    return Transaction("torch 2.8.0+cu129", _environment(bench), runs=runs, expected=EXPECTED, fingerprint=fingerprint(bench))


def fresh(bench: Bench) -> Transaction:
    """An environment that is made."""
    python = os.path.realpath(sys.executable)
    create = (sys.executable, "-I", "-S", "-B", str(INSTALLER), "create", str(bench.prefix), python)
    runs = (Run(quick(bench), "install torch"),)
    return Transaction("a new environment", _environment(bench, create), runs=runs, expected=EXPECTED)


# ---- projects and machine settings


def lay_project(bench: Bench) -> None:
    """A project with its environment in it, a lock, and a user's rc file."""
    lay_small(bench)
    (bench.root / "project").mkdir(exist_ok=True)
    (bench.root / "project" / "pyproject.toml").write_text(PYPROJECT)
    (bench.root / "project" / "uv.lock").write_text(LOCK)
    (bench.root / "project" / "train.py").write_text("import torch\n")
    lay_machine(bench)


def lay_machine(bench: Bench) -> None:
    """A user's rc file, and the fake registry with a PATH in it."""
    (bench.root / "home").mkdir()
    (bench.root / "home" / ".bashrc").write_text(RC)
    (bench.root / "home" / ".bashrc").chmod(0o600)
    registry(bench).folder.mkdir()
    registry(bench).write(KEY, "Path", ("REG_EXPAND_SZ", "%USERPROFILE%\\bin"))


def edit(path: Path, text: str, why: str) -> Edit:
    """An edit of a file as it is now."""
    return Edit(str(path), files.digest(path), text, why)


def _rc(bench: Bench) -> Edit:
    return edit(bench.root / "home" / ".bashrc", RC_NEW, "CUDA_HOME")


def _values(bench: Bench) -> tuple[RegistryEdit, ...]:
    before = registry(bench).read(KEY, "Path")
    after = ("REG_EXPAND_SZ", f"{before[1] if before else ''};C:\\CUDA\\v12.9\\bin")
    return (
        RegistryEdit(KEY, "Path", before, after, "the toolkit's programs"),
        RegistryEdit(KEY, "CUDA_PATH", registry(bench).read(KEY, "CUDA_PATH"), ("REG_SZ", "C:\\CUDA\\v12.9"), "the toolkit"),
    )


def project(bench: Bench) -> Transaction:
    """pyproject.toml, the lock, the environment and the rc file at once."""
    folder = bench.root / "project"
    lock = (sys.executable, "-I", "-S", "-B", str(INSTALLER), "lock", LOCK_NEW)
    runs = (Run(lock, "lock", str(folder), ("uv.lock",)), Run(quick(bench), "install torch", str(folder)))
    edits = (edit(folder / "pyproject.toml", PYPROJECT_NEW, "torch"), _rc(bench))
    return Transaction(
        "the project moves to cu129",
        _environment(bench),
        edits,
        runs,
        _values(bench),
        expected=EXPECTED,
        fingerprint=fingerprint(bench),
    )


def machine(bench: Bench) -> Transaction:
    """Settings alone: the rc file, a new file, and two values of the registry."""
    made = edit(bench.root / "home" / ".config" / "environment.d" / "cuda.conf", "CUDA_HOME=/usr/local/cuda-12.9\n", "CUDA_HOME")
    return Transaction("CUDA_HOME", edits=(_rc(bench), made), registry=_values(bench))


def _things_venv(bench: Bench) -> dict[str, Path]:
    return {"environment": bench.prefix}


def _things_machine(bench: Bench) -> dict[str, Path]:
    home = bench.root / "home"
    values = {f"registry {name}": registry(bench).path(KEY, name) for name in ("Path", "CUDA_PATH")}
    return {"rc": home / ".bashrc", "new file": home / ".config" / "environment.d" / "cuda.conf"} | values


def _things_project(bench: Bench) -> dict[str, Path]:
    folder = bench.root / "project"
    own = {"pyproject": folder / "pyproject.toml", "lock": folder / "uv.lock", "program": folder / "train.py"}
    rest = {name: path for name, path in _things_machine(bench).items() if name != "new file"}
    return _things_venv(bench) | own | rest


def _lay_nothing(bench: Bench) -> None:
    bench.prefix.parent.mkdir(exist_ok=True)
    shutil.rmtree(bench.prefix, ignore_errors=True)


_BASIC: Final = (
    Scenario("venv", lay_small, venv, _things_venv),
    Scenario("new environment", _lay_nothing, fresh, _things_venv),
    Scenario("project", lay_project, project, _things_project),
    Scenario("machine settings", lay_machine, machine, _things_machine),
)
SCENARIOS: Final = {
    scenario.name: scenario
    for base in _BASIC
    for scenario in (
        base,
        Scenario(f"undo of {base.name}", base.lay, base.transaction, base.things, "undo"),
        Scenario(f"resume of {base.name}", base.lay, base.transaction, base.things, "resume"),
    )
}

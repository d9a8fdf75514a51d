"""Projects of PDM, Pipenv and pip-tools, each with comments and an order of its own, locked and installed by the real tool."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.cache import unavailable
from tests.lab.fixtures import have
from tests.lab.tools import attempt, last_line, uv
from tests.managers import tools
from tests.managers.projects import Project, surrounded
from tests.managers.tools import Bench, clean_env, copied

PDM = """\
# of the project
[project]
name = "demo"
version = "0.1"
requires-python = ">=3.11,<4"
dependencies = [
    "accelerate{asked}",  # it needs torch
    "numpy>=1",
]

[tool.pdm]
distribution = false

[[tool.pdm.source]]
name = "pypi"
url = "{index}/pypi"
"""
PIPFILE = """\
# of the project
[[source]]
url = "{index}/pypi"
verify_ssl = false
name = "pypi"

[packages]
accelerate = "{asked}"  # it needs torch
numpy = "*"

[requires]
python_version = "{python}"
"""
REQUIREMENTS = """\
# of the project
accelerate{asked}  # it needs torch
numpy>=1
"""


def pdm(folder: Path, index: str, asked: str) -> Bench:
    program = have(tools.tool, "pdm") / "env" / "bin" / "pdm"
    bench = Bench("pdm", folder, index, folder / ".venv", program, clean_env(folder.parent, program, index))
    (folder / "pyproject.toml").write_text(PDM.format(index=index, asked=asked))
    _all(bench, (program, "venv", "create", sys.executable), (program, "install"))
    (folder / ".pdm-python").unlink(missing_ok=True)  # names this folder, which is about to be copied
    return bench


def pipenv(folder: Path, index: str, asked: str) -> Bench:
    program = have(tools.tool, "pipenv") / "env" / "bin" / "pipenv"
    env = clean_env(folder.parent, program, index) | {"PIPENV_VENV_IN_PROJECT": "1"}
    bench = Bench("pipenv", folder, index, folder / ".venv", program, env)
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (folder / "Pipfile").write_text(PIPFILE.format(index=index, python=python, asked=asked))
    _all(bench, (program, "--python", sys.executable, "install"))
    return bench


def pip_tools(folder: Path, index: str, asked: str) -> Bench:
    prefix = folder / ".venv"
    program = prefix / "bin" / "pip-compile"
    bench = Bench("pip-tools", folder, index, prefix, program, clean_env(folder.parent, program, index))
    for command in (
        ("venv", "-q", "--seed", "--python", sys.executable, prefix),
        ("pip", "install", "-q", "--python", prefix, "pip-tools>=7.4,<8"),
    ):
        done = attempt(uv("pip-tools"), *command)
        if done.returncode != 0:
            unavailable("pip-tools", last_line(done))
    (folder / "requirements.in").write_text(REQUIREMENTS.format(asked=asked))
    python = prefix / "bin" / "python"
    compile_ = (python, "-m", "piptools", "compile", "--generate-hashes", "--strip-extras", "-o", "requirements.txt")
    _all(bench, (*compile_, "requirements.in"), (python, "-m", "pip", "install", "-r", "requirements.txt"))
    return bench


MADE = {"pdm": pdm, "pipenv": pipenv, "pip-tools": pip_tools}


def made(name: str, home: Path, index: str, asked: str = ">=1") -> Bench:
    """A project that its manager has locked and installed; ``asked`` is what it asks of accelerate, which needs torch."""
    home.mkdir(parents=True)
    return have(MADE[name], home, index, asked)


@contextmanager
def project(bench: Bench, folder: Path) -> Iterator[Project]:
    """A copy of it elsewhere, with its variables set for what torchsmith starts."""
    with surrounded(copied(bench, folder / "demo"), folder / "state") as there:
        yield there


def _all(bench: Bench, *commands: tuple[str | Path, ...]) -> None:
    for command in commands:
        done = bench.run(*command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

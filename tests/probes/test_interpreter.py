"""The examined interpreter: search path, user site, the environment that is meant; asked for real where one can be made."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from torchsmith.host.local import LocalHost
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Target
from torchsmith.model.known import Known, Unknown
from torchsmith.probes import environment, interpreter, target

LINUX = Machine(os="linux", arch="x86_64")
ANSWER: dict[str, Any] = {
    "executable": "/e/bin/python",
    "version": "3.12.4",
    "release_level": "final",
    "banner": "",
    "implementation": "cpython",
    "cache_tag": "cpython-312",
    "bits": 64,
    "machine": "x86_64",
    "platform": "linux",
    "prefix": "/e",
    "base_prefix": "/usr",
    "stdlib_path": ["/usr/lib/python3.12"],
    "site_packages": ["/e/lib/python3.12/site-packages"],
    "user_site": "/home/u/.local/lib/python3.12/site-packages",
    "user_site_enabled": False,
    "venv": {"prefix": "/e", "home": "/usr/bin"},
    "conda": False,
    "libc": "glibc 2.39",
    "free_threaded": False,
    "pth": {"/e/lib/python3.12/site-packages": ["/src"]},
    "stdlib": "/usr/lib/python3.12",
    "externally_managed": False,
}


def test_a_venv() -> None:
    parsed = interpreter.parse(ANSWER, "/w", "/p:", no_user_site=False)
    assert parsed.search_path == ("/w", "/p", "/usr/lib/python3.12", "/e/lib/python3.12/site-packages", "/src")
    assert (parsed.kind, parsed.user_site, parsed.tag) == ("venv", None, "cp312")


def test_a_venv_with_the_systems_packages_has_its_own_first() -> None:
    answer = ANSWER | {
        "user_site_enabled": True,
        "site_packages": ["/e/lib/python3.12/site-packages", "/usr/lib/python3/dist-packages"],
        "pth": {},
    }
    user = str(ANSWER["user_site"])
    parsed = interpreter.parse(answer, "", "", no_user_site=False)
    assert parsed.search_path[-3:] == ("/e/lib/python3.12/site-packages", user, "/usr/lib/python3/dist-packages")
    assert interpreter.parse(answer, "", "", no_user_site=True).user_site is None


def test_the_user_site_comes_before_that_of_conda() -> None:
    answer = ANSWER | {"venv": {}, "conda": True, "user_site_enabled": True, "pth": {}}
    parsed = interpreter.parse(answer, "", "", no_user_site=False)
    assert parsed.kind == "conda"
    assert parsed.search_path[-2:] == (ANSWER["user_site"], "/e/lib/python3.12/site-packages")


@pytest.mark.skipif(os.name != "posix", reason="a POSIX layout")
def test_a_real_venv_names_its_own_folders(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "e"], check=True)
    python = tmp_path / "e/bin/python"
    answer = interpreter.interpreter(LocalHost(environ={}, cwd=str(tmp_path)), Target(str(python), "--python"))
    assert isinstance(answer, Known)
    listed = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"], check=True, capture_output=True, text=True, env={}
    )
    assert answer.value.site_packages[0] == listed.stdout.strip()
    assert answer.value.kind == "venv"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (None, "cannot be started"),
        ("echo I am no Python", "ended with exit status 0"),
        ("kill -SEGV $$", "ended with signal 11"),
        ("sleep 30", "slow"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="shell scripts")
def test_no_interpreter(tmp_path: Path, script: str | None, reason: str) -> None:
    path = tmp_path / "python"
    if script:
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    answer = interpreter.interpreter(LocalHost(wait=0.5), Target(str(path), "--python"))
    assert isinstance(answer, Unknown)
    assert answer.reason.startswith(reason)


@pytest.mark.skipif(os.name != "posix", reason="shell scripts")
def test_noise_around_the_answer(tmp_path: Path) -> None:
    path = tmp_path / "python"
    path.write_text(f'#!/bin/sh\necho "{{}} noise"\necho more >&2\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    assert isinstance(interpreter.interpreter(LocalHost(wait=20), Target(str(path), "--python")), Known)


# ---- which one is meant


def _env(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (folder / "bin/python").write_text("")
    (folder / "bin/python").chmod(0o755)
    return folder


def _target(cwd: Path, **environ: str) -> Target:
    answer = target.target(LocalHost(environ={"PATH": "", "HOME": str(cwd), **environ}, cwd=str(cwd)), LINUX)
    assert isinstance(answer, Known)
    return answer.value


def test_the_active_one_before_the_projects(tmp_path: Path) -> None:
    active, _ = _env(tmp_path / "a"), _env(tmp_path / ".venv")
    assert _target(tmp_path, VIRTUAL_ENV=str(active)) == Target(f"{active}/bin/python", "VIRTUAL_ENV")
    assert _target(tmp_path) == Target(f"{tmp_path}/.venv/bin/python", "project in this folder")


def test_of_venv_and_conda_the_one_on_path(tmp_path: Path) -> None:
    venv, conda = _env(tmp_path / "a"), _env(tmp_path / "c")
    both = {"VIRTUAL_ENV": str(venv), "CONDA_PREFIX": str(conda)}
    assert _target(tmp_path, **both).found_by == "VIRTUAL_ENV"
    assert _target(tmp_path, **both, PATH=f"{conda}/bin").found_by == "CONDA_PREFIX"


def test_an_environment_that_lost_its_python_is_still_meant(tmp_path: Path) -> None:
    active = _env(tmp_path / "a")
    (active / "bin/python").unlink()
    assert _target(tmp_path, VIRTUAL_ENV=str(active)) == Target(f"{active}/bin/python", "VIRTUAL_ENV")
    assert _target(tmp_path, VIRTUAL_ENV=str(tmp_path / "gone")).found_by != "VIRTUAL_ENV"


# ---- kind and manager


@pytest.mark.parametrize(
    ("kind", "prefix", "names", "pyproject", "pyvenv", "expected"),
    [
        ("venv", "/w/.venv", {"uv.lock"}, "", "", ("uv", "uv-project")),
        ("venv", "/w/.venv", {"pyproject.toml"}, "[tool.poetry]", "", ("poetry", "poetry")),
        ("venv", "/w/.venv", {"pdm.lock"}, "", "", ("pdm", "pdm")),
        ("conda", "/opt/conda/envs/x", set(), "", "", ("conda", "conda")),
        ("conda", "/w/.pixi/envs/default", set(), "", "", ("pixi", "pixi")),
        ("venv", "/home/u/.local/pipx/venvs/app", set(), "", "", ("pipx", "pipx")),
        ("venv", "/e", set(), "", "home = /usr/bin\nuv = 0.9.1\n", ("venv", "uv")),
        ("venv", "/e", set(), "", "home = /home/uv/bin\n", ("venv", "pip")),
        ("system", "/usr", set(), "", "", ("system", "pip")),
    ],
)
def test_kind_and_manager(
    kind: str, prefix: str, names: set[str], pyproject: str, pyvenv: str, expected: tuple[str, str]
) -> None:
    assert environment.tell(kind, prefix, names, pyproject, pyvenv) == expected

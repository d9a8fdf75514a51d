"""A plan file names an interpreter: what lies beside the file, or is nobody's environment, is never run by reading it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.app.test_apply import document

from torchsmith.app import named_python, plan_file
from torchsmith.cli import run
from torchsmith.host.local import LocalHost
from torchsmith.model.errors import StaleError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are scripts here")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cloned repository with programs that leave a mark when they are run, and a user whose home is elsewhere."""
    folder, home = tmp_path / "cloned", tmp_path / "home"
    (folder / "sub" / "env" / "bin").mkdir(parents=True)
    home.mkdir()
    (folder / ".git").mkdir()
    for evil in (folder / "evil.sh", folder / "sub" / "env" / "bin" / "python"):
        evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
        evil.chmod(0o755)
    (folder / "sub" / "env" / "pyvenv.cfg").touch()
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.chdir(folder)
    return folder


def forged(file: Path, python: str, prefix: str = "", assume: tuple[str, ...] = ()) -> Path:
    told: dict[str, Any] = document()
    told["asked"] |= {"python": python, "assume": list(assume), "need": [], "keep": [], "torch": ""}
    told["rests_on"]["environment"]["prefix"] = prefix
    told["hash"] = plan_file.digest(told)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told))
    return file


def venv(folder: Path) -> Path:
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", str(folder)), check=True)
    return folder


@pytest.mark.parametrize(
    ("python", "prefix"),
    [
        ("./evil.sh", ""),
        ("{0}/evil.sh", ""),
        ("sub/env", "{0}/sub/env"),
        ("{0}/sub/env/bin/python", "{0}/sub/env"),
        ("{0}/sub/../sub/env", "{0}/sub/env"),
    ],
)
@pytest.mark.parametrize("where", ["sub/plan.json", "../elsewhere/plan.json"])
def test_what_lies_beside_the_plan_or_in_the_project_is_not_run(
    project: Path, python: str, prefix: str, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = forged(project / where, python.format(project), prefix.format(project))
    assert run(("apply", str(file), "--dry-run")) == 2
    out, err = capsys.readouterr()
    assert "names the interpreter" in err, out + err
    assert not (project.parent / "was-run").exists()


def test_a_link_into_the_project_and_modules_in_it_do_not_help(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project.parent / "innocent").symlink_to(project / "sub" / "env")
    honest = venv(project / "sub" / "real")
    for python in (project.parent / "innocent", honest):
        assert run(("apply", str(forged(project / "plan.json", str(python), str(python))), "--dry-run")) == 2
        assert "beside the plan or in this project" in capsys.readouterr().err
    assert not (project.parent / "was-run").exists()


@pytest.mark.parametrize("name", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_an_assumed_variable_leads_nowhere_either(project: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = forged(project / "plan.json", "", assume=(f"variable={name}={project}/sub/env",))
    assert run(("apply", str(file), "--dry-run")) == 2
    assert "names the interpreter" in capsys.readouterr().err
    assert not (project.parent / "was-run").exists()


@pytest.mark.parametrize("name", ["TRITON_PTXAS_PATH", "TRITON_PTXAS_BLACKWELL_PATH"])
def test_an_assumed_variable_names_no_other_program(
    project: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = forged(project / "plan.json", "", assume=(f"variable={name}={project}/evil.sh",))
    assert run(("apply", str(file), "--dry-run")) == 2
    assert f"by the variable {name}" in capsys.readouterr().err
    monkeypatch.setenv(name, f"{project}/evil.sh")  # who has set it so himself is told nothing new
    named_python.refuse_a_strangers(plan_file.read(str(file)), LocalHost())
    assert not (project.parent / "was-run").exists()


def test_an_environment_elsewhere_and_the_projects_own_are_taken(project: Path) -> None:
    elsewhere, own = venv(project.parent / "elsewhere" / "env"), venv(project / ".venv")
    for python, prefix in ((str(elsewhere), elsewhere), (".venv", own), (str(own / "bin" / "python3"), own), ("", own)):
        kept = plan_file.read(str(forged(project / "plan.json", python, str(prefix))))
        named_python.refuse_a_strangers(kept, LocalHost())
    with pytest.raises(StaleError, match="was altered: it names the interpreter"):
        named_python.refuse_a_strangers(plan_file.read(str(forged(project / "plan.json", str(elsewhere), str(own)))), LocalHost())

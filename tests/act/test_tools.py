"""Programs that act starts: found, bounded in time, and told the user's own configuration."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from torchsmith.act import tools


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user who has configured nothing."""
    for name in ("PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "UV_INDEX", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_a_program_that_does_not_end_is_ended() -> None:
    ended = tools.run([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"], 1.5, tools.environment())
    assert ended.status == 124
    assert "no end in 1.5 s" in ended.lost
    assert ended.out == "1\n"


def test_a_program_that_is_not_there_is_no_answer() -> None:
    assert tools.run(["/nowhere/at/all"], 5, tools.environment()).lost


def test_what_points_at_another_environment_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere")
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    monkeypatch.setenv("MINE", "kept")
    told = tools.environment(UV_OFFLINE="1")
    assert not {"VIRTUAL_ENV", "PYTHONPATH"} & told.keys()
    assert (told["MINE"], told["UV_OFFLINE"], told["UV_PYTHON_DOWNLOADS"]) == ("kept", "1", "never")


@pytest.mark.usefixtures("plain")
def test_uv_asks_the_indexes_of_pip_for_what_pip_would_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:word@mirror.invalid/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://more.invalid/simple")
    told = tools.indexes_for_uv("pip")
    assert told["UV_DEFAULT_INDEX"] == "https://user:word@mirror.invalid/simple"
    assert told["UV_INDEX"] == "https://more.invalid/simple"
    assert tools.indexes_for_uv("uv-project") == {}, "uv has a configuration of its own"


@pytest.mark.usefixtures("plain")
def test_find_links_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    assert tools.indexes_for_uv("pip") == {"UV_NO_INDEX": "1", "UV_FIND_LINKS": "/wheels"}


HOSTILE = '[project]\nname = "x"\nversion = "1"\n[[tool.uv.index]]\nurl = "http://127.0.0.1:9/evil"\ndefault = true\n'


@pytest.mark.usefixtures("plain")
def test_the_folder_that_it_is_called_in_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that somebody cloned names an index, has a module called pip, and lies where programs are looked for."""
    (tmp_path / "pyproject.toml").write_text(HOSTILE)
    (tmp_path / "json.py").write_text("print('stolen')\n")
    (tmp_path / "uv-mine").write_text("#!/bin/sh\necho mine 1.2.3\n")
    (tmp_path / "uv-mine").chmod(0o755)
    assert "evil" not in str(tools.indexes_for_uv("pip"))
    assert "stolen" not in tools.run([sys.executable, "-m", "json.tool", "--help"], 20, tools.environment()).out
    uv = tools.find("uv")
    assert uv
    (tmp_path / "needs.in").write_text("nothing-of-this-name-at-all")
    asked = [*uv.argv, "pip", "compile", "--no-header", "--offline", str(tmp_path / "needs.in")]
    ended = tools.run(asked, 20, tools.environment())
    assert ended.status
    shown = tools.run([*asked, "--verbose"], 20, tools.environment())
    assert "evil" not in shown.err
    monkeypatch.setenv("PATH", f".:{tmp_path}:/bin:/usr/bin")
    assert tools.find("uv-mine") is None
    assert Path.cwd() == tmp_path


def test_a_program_that_says_no_version_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, body in (("uv-broken", "exit 3"), ("uv-mute", "true"), ("uv-good", "echo good 1.2.3")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert tools.find("uv-broken") is None
    assert tools.find("uv-mute") is None
    assert str(tools.find("uv-good")) == "uv-good 1.2.3"
    assert tools.find("uv-absent") is None

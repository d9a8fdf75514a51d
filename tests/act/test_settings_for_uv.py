"""What pip is configured to, told to uv at the moment of a run; what uv has no word for stays pip's to do."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from torchsmith.act import programs, tools
from torchsmith.model.transaction import Environment, Run, Transaction


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip's own file, and nothing else that anybody configured."""
    for name in tuple(os.environ):
        if name.startswith(("PIP_", "UV_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "HOME", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    return tmp_path / "pip.conf"


def test_indexes_proxy_and_certificates(file: Path) -> None:
    file.write_text(
        "[global]\nindex-url = https://me:secret@mirror.example/simple\nextra-index-url =\n  https://two.example/simple\n"
        "proxy = proxy.example:3128\ncert = /etc/ca.pem\ntrusted-host = mirror.example\n  two.example\ntimeout = 60\n"
    )
    told = tools.settings_for_uv()
    assert told["UV_DEFAULT_INDEX"] == "https://me:secret@mirror.example/simple"
    assert told["UV_INDEX"] == "https://two.example/simple"
    assert told["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert told["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert told["SSL_CERT_FILE"] == "/etc/ca.pem"
    assert told["UV_INSECURE_HOST"] == "mirror.example two.example"
    assert told["UV_HTTP_TIMEOUT"] == "60"
    assert tools.pip_alone() == ""


def test_a_run_says_whose_settings_it_takes_and_what_it_says_itself_counts_more(file: Path) -> None:
    file.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    environ = tools.environment(TORCHSMITH_SETTINGS_OF="pip", UV_INDEX="https://torch.example/whl/cu129")
    assert environ["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert environ["UV_INDEX"] == "https://torch.example/whl/cu129"
    assert tools.SETTINGS_OF not in environ
    assert "UV_DEFAULT_INDEX" not in tools.environment()
    with pytest.raises(ValueError, match="SETTINGS_OF"):
        tools.environment(TORCHSMITH_SETTINGS_OF="npm")


@pytest.mark.parametrize(
    ("said", "alone"),
    [
        ("[install]\nno-binary = numpy\n", "`no-binary`"),
        ("[global]\npre = yes\ntarget = /elsewhere\n", "`pre`, `target`"),
        ("[global]\nquiet = 1\nno-cache-dir = false\n", ""),
        ("", ""),
    ],
)
def test_what_uv_has_no_word_for(file: Path, said: str, alone: str) -> None:
    file.write_text(said)
    assert tools.pip_alone() == alone


def test_a_variable_of_pip_counts_as_its_file_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_REQUIRE_HASHES", "1")
    assert tools.pip_alone() == "`require-hashes`"


@pytest.mark.parametrize("option", ["target", "prefix", "root", "python"])
@pytest.mark.parametrize("section", ["global", "install"])
def test_a_file_that_sends_pip_elsewhere_is_named(file: Path, tmp_path: Path, option: str, section: str) -> None:
    """R20: no value of a variable is stronger than such a file, so that what it would do is refused."""
    by_pip, by_uv = Run(("/v/bin/python", "-m", "pip", "install", "x"), ""), Run(("uv", "pip", "install", "x"), "")
    assert tools.led_elsewhere(Transaction("x", runs=(by_pip, by_uv))) == ""
    file.write_text(f"[{section}]\n{option} = /elsewhere\n")
    assert tools.led_elsewhere(Transaction("x", runs=(by_uv, Run(("uv", "sync"), "")))) == ""
    for argv in (by_pip.argv, ("/v/bin/python", "-m", "piptools", "sync"), ("pipenv", "sync")):
        said = tools.led_elsewhere(Transaction("x", runs=(Run(argv, ""),)))
        assert said.startswith(f"`{option}` in `{file}` sends pip into another place")
    # The environment's own file counts, too.
    file.rename(tmp_path / "pip.conf.away")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pip.conf").write_text("[install]\nroot = /elsewhere\n")
    place = Environment(str(tmp_path / "env"), str(tmp_path / "env" / "bin" / "python"))
    assert "env/pip.conf" in tools.led_elsewhere(Transaction("x", place, runs=(by_pip,)))


@pytest.mark.parametrize("option", ["target", "prefix"])
def test_a_file_that_sends_uv_elsewhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    made = Transaction("x", runs=(Run(("/usr/bin/uv", "pip", "install", "x"), ""),))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text(f'[pip]\n{option} = "/elsewhere"\n')
    assert tools.led_elsewhere(made).startswith(f"`pip.{option}` in `{tmp_path}/uv/uv.toml` sends uv into another place")
    (tmp_path / "mine.toml").write_text("[pip]\nsystem = true\n")
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "mine.toml"))
    assert tools.led_elsewhere(made) == ""


def test_pip_installs_into_the_environment_whatever_a_file_says_of_the_user(file: Path, tmp_path: Path) -> None:
    """R20, with pip itself: ``user = yes`` fails in a virtual environment, and elsewhere fills the home folder."""
    subprocess.run((sys.executable, "-m", "venv", str(tmp_path / "env")), check=True)
    file.write_text("[install]\nuser = yes\n")
    wheel = tmp_path / "demo-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("demo.py", "")
        made.writestr("demo-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1\n")
        made.writestr("demo-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr("demo-1.dist-info/RECORD", "demo.py,,\n")
    python = str(tmp_path / "env" / "bin" / "python")
    ended = tools.run((python, "-m", "pip", "install", "--no-index", "--no-deps", str(wheel)), 120, tools.environment())
    assert ended.status == 0, ended.said
    assert [*(tmp_path / "env").rglob("demo.py")]


class Quiet:
    """Nobody watches."""

    def phase(self, name: str) -> None: ...
    def advance(self, done: int, total: int | None, unit: str) -> None: ...
    def said(self, line: str) -> None: ...


def test_an_address_with_a_password_is_no_argument_of_a_program(tmp_path: Path) -> None:
    """R19: every user of a machine can read arguments."""
    secret = "https://me:hunter2@mirror.example/simple"
    argv = (
        "/v/bin/python",
        "-m",
        "pip",
        "install",
        "x",
        "--index-url",
        secret,
        "--extra-index-url",
        "https://two.example/simple",
    )
    assert tools.private(argv) == ([*argv[:5], *argv[7:]], {"PIP_INDEX_URL": secret})
    words = ("uv", "pip", "install", "--default-index", secret, "--find-links", secret, "--find-links", f"{secret}/2", "x")
    assert tools.private(words) == (
        ["uv", "pip", "install", "x"],
        {"UV_DEFAULT_INDEX": secret, "UV_FIND_LINKS": f"{secret},{secret}/2"},
    )
    code = "import os, sys; sys.exit(0 if 'hunter2' not in str(sys.argv) and 'hunter2' in os.environ['PIP_INDEX_URL'] else 1)"
    ended, _ = programs.run((sys.executable, "-c", code, "--index-url", secret), tmp_path, {}, 60, Quiet())
    assert ended.status == 0

"""What a new shell would see: asked of real shells whose start is noisy, slow, broken, or somebody else's terminal's."""

from __future__ import annotations

import os
import pty
import shutil
import sys
import time
from pathlib import Path

import pytest

from torchsmith.act import fresh_shell
from torchsmith.model.transaction import Edit, Transaction

ENVIRON = {"PATH": os.environ["PATH"]}


def asked(home: Path, shell: str = "bash", *, login: bool = False, limit: float = 20) -> dict[str, str] | None:
    return fresh_shell.of_shell(shell, str(home), ENVIRON, login=login, limit=limit)


@pytest.mark.parametrize("login", [True, False])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "dash"])
def test_a_shell_is_started_from_next_to_nothing(
    shell: str, login: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here (Debian: apt-get install {shell})")
    monkeypatch.setenv("CUDA_HOME", "/of this process")
    seen = asked(tmp_path, shell, login=login)
    assert seen is not None
    assert seen["HOME"] == str(tmp_path)
    assert "CUDA_HOME" not in seen
    assert not [name for name in seen if name.startswith("TORCHSMITH")]


def test_what_a_startup_file_prints_is_no_answer(tmp_path: Path) -> None:
    noise = "echo hello; printf '\\002{\"CUDA_HOME\": \"no\"}\\002'; echo; echo oops >&2; export A=$'\\xe9\\n\\002'\n"
    (tmp_path / ".bashrc").write_text(noise)
    seen = asked(tmp_path)
    assert seen is not None
    assert "CUDA_HOME" not in seen
    assert seen["A"] == "\udce9\n\x02"


@pytest.mark.parametrize(
    "text", ["sleep 600\n", "exit 3\n", "exec sleep 600\n", "trap '' TERM INT HUP; while :; do sleep 1; done\n"]
)
def test_a_startup_file_that_gives_no_answer_is_not_waited_for(text: str, tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text(text)
    began = time.monotonic()
    assert asked(tmp_path, limit=1.5) is None
    assert time.monotonic() - began < 60  # of the 600 that it would sleep
    assert not [path for path in Path("/proc").iterdir() if path.name.isdigit() and _home_of(path) == str(tmp_path)]
    edit = Edit(str(tmp_path / ".bashrc"), None, "", "")
    assert fresh_shell.checks(Transaction("", edits=(edit,)), ENVIRON) == ()


def _home_of(process: Path) -> str:
    try:
        environ = (process / "environ").read_bytes()
    except OSError:
        return ""
    return next((os.fsdecode(each[5:]) for each in environ.split(b"\0") if each.startswith(b"HOME=")), "")


def test_a_shell_that_is_not_here(tmp_path: Path) -> None:
    assert asked(tmp_path, "no-such-shell") is None


def test_nobody_is_stopped_at_a_terminal(tmp_path: Path) -> None:
    """An interactive shell in the background of a terminal would stop and wait for it."""
    code = (
        "import os, sys; from torchsmith.act import fresh_shell; "
        f"seen = fresh_shell.of_shell('bash', {str(tmp_path)!r}, dict(os.environ), login=False, limit=20); "
        "os._exit(0 if seen else 3)"
    )
    began = time.monotonic()
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", code])
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        pass  # the end of a terminal
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
    assert time.monotonic() - began < 15


def test_the_programs_above_us_were_started_before() -> None:
    found = fresh_shell.parents()
    assert found
    assert found[0].endswith(f"(pid {os.getppid()})")


@pytest.mark.parametrize("out", ["", "\x02", "\x02no\x02", "\x02[1]\x02", "{}", "\x02{\x02}"])
def test_what_is_no_answer(out: str) -> None:
    assert fresh_shell.parsed(out) is None

"""Programs that hang, flood, crash or leave children behind: real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from torchsmith.host import spawn
from torchsmith.host.local import LocalHost
from torchsmith.model.known import Known, Unknown

PYTHON = sys.executable
SLEEPER = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"


def test_answers() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    status, out, err = spawn.run([PYTHON, "-c", code], 20, os.environ)
    assert (status, out.strip(), err.strip()) == (3, "out", "err")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import time; print('begun', flush=True); time.sleep(60)", "slow: no answer in 1 s; try --wait 30"),
        (
            f"{SLEEPER}; import time; time.sleep(60)",
            "slow: no answer in 1 s; try --wait 30",
        ),
        (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
            "slow: no answer in 1 s; try --wait 30",
        ),
    ],
)
def test_a_hang_costs_its_time_limit(code: str, reason: str) -> None:
    begun = time.monotonic()
    with pytest.raises(spawn.NoAnswer) as caught:
        spawn.run([PYTHON, "-c", code], 1, os.environ)
    assert str(caught.value) == reason
    assert time.monotonic() - begun < 3


def test_a_flood_is_cut() -> None:
    with pytest.raises(spawn.NoAnswer, match="without end"):
        spawn.run([PYTHON, "-c", "while True: print('x' * 100000)"], 30, os.environ)


def test_a_grandchild_that_keeps_the_output_open_does_not_keep_us() -> None:
    code = f"{SLEEPER}; print('done')"
    begun = time.monotonic()
    assert spawn.run([PYTHON, "-c", code], 20, os.environ)[1].strip() == "done"
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("program", ["no-such-program", "", "with\0nul", "/"])
def test_what_cannot_be_started(program: str) -> None:
    with pytest.raises(spawn.NoAnswer, match="cannot be started"):
        spawn.run([program], 1, os.environ)


def test_a_silent_program_is_asked_once() -> None:
    host = LocalHost(wait=0.3)
    begun = time.monotonic()
    answers = [host.run(PYTHON, "-c", "import time; time.sleep(60)") for _ in range(5)]
    assert all(isinstance(answer, Unknown) for answer in answers)
    assert time.monotonic() - begun < 2


SCRIPTS = {
    "is missing": (None, "cannot be started"),
    "is no program": ("just text", "cannot be started"),
    "is another program": ("#!/bin/sh\necho hello\n", "without an answer: hello"),
    "crashes": ("#!/bin/sh\nkill -SEGV $$\n", "ended with signal 11"),
    "hangs": ("#!/bin/sh\nsleep 60\n", "slow"),
    "answers no JSON": ('#!/bin/sh\nprintf \'%s{oops%s\' "$5" "$5"\n', "not the JSON object"),
    "answers a number": ('#!/bin/sh\nprintf \'%s12%s\' "$5" "$5"\n', "not the JSON object"),
}


@pytest.mark.parametrize("what", SCRIPTS)
def test_an_interpreter_that(what: str, tmp_path: Path) -> None:
    text, reason = SCRIPTS[what]
    path = tmp_path / "python"
    if text is not None:
        path.write_text(text)
        path.chmod(0o755)
    answer = LocalHost(wait=1).ask("describe", python=str(path))
    assert isinstance(answer, Unknown)
    assert reason in answer.reason


def test_noise_around_the_answer_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "python"
    path.write_text(f'#!/bin/sh\necho noise; "{PYTHON}" "$@"; echo more noise\n')
    path.chmod(0o755)
    answer = LocalHost(wait=20).ask("describe", python=str(path))
    assert isinstance(answer, Known)
    assert answer.value["implementation"] == sys.implementation.name


def alive(pid: int) -> bool:
    """Whether it runs; one that ended and was not waited for yet does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_hung_child_does_not_outlive_us(number: signal.Signals, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\necho $$ > "{tmp_path}/pid.new"; mv "{tmp_path}/pid.new" "{tmp_path}/pid"; sleep 60 & wait\n')
    program.chmod(0o755)
    default = ["env", f"--default-signal={number.name}"]  # under nohup a child would ignore SIGHUP, and rightly
    ours = subprocess.Popen(
        [*default, PYTHON, "-m", "torchsmith", "check", "--wait", "60", "--python", str(program)],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while not (tmp_path / "pid").exists():
        time.sleep(0.02)
    child = int((tmp_path / "pid").read_text())
    assert alive(child)
    ours.send_signal(number)
    ours.communicate(timeout=20)
    assert ours.returncode == (130 if number == signal.SIGINT else -number)
    deadline = time.monotonic() + 10
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(child)


def test_a_handler_of_the_embedding_program_stays() -> None:
    def own(_number: int, _frame: object) -> None:
        pass

    before = signal.signal(signal.SIGTERM, own)
    try:
        assert spawn.run([PYTHON, "-c", "print(1)"], 20, os.environ)[1].strip() == "1"
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_child_is_open_to_signals() -> None:
    code = (
        "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)"
    )
    assert spawn.run([PYTHON, "-c", code], 20, os.environ)[1].strip() == "set() True"

"""``torchsmith apply`` at a terminal: led through, asked, and told to stop, on a real pseudo-terminal."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.test_apply_cli import GPU, WANTED, Bench, bench, packages

pty = pytest.importorskip("pty")

__all__ = ["bench", "packages"]

LIMIT = 120.0


class Terminal:
    """A person at a terminal of so many columns, who waits for words and answers them."""

    def __init__(self, columns: int, *words: str) -> None:
        self.shown, self._read = "", 0
        self.pid, self._wire = pty.fork()
        if self.pid == 0:
            os.environ |= {"COLUMNS": str(columns), "TERM": "xterm"}
            os.execv(sys.executable, [sys.executable, "-m", "torchsmith", *words])

    def until(self, words: str) -> str:
        """What was shown up to these words."""
        begun, end = self._read, time.monotonic() + LIMIT
        while words not in self.shown[begun:]:
            assert time.monotonic() < end, f"no {words!r} in:\n{self.shown}"
            if not self._more():
                raise AssertionError(f"ended before {words!r}:\n{self.shown}")
        self._read = self.shown.index(words, begun) + len(words)
        return self.shown[begun : self._read]

    def answer(self, text: str) -> None:
        os.write(self._wire, text.encode())

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end(self) -> int:
        """The exit code."""
        while self._more():
            pass
        os.close(self._wire)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _more(self) -> bool:
        if not select.select([self._wire], [], [], LIMIT)[0]:
            return False
        try:
            data = os.read(self._wire, 1 << 16)
        except OSError:
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


@pytest.fixture(autouse=True)
def no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def test_a_person_is_led_through(bench: Bench) -> None:
    """Seed 000: diagnosis, options with their matrix, choice, plan, consent, change, verification, and how to undo it."""
    seen = Terminal(80, "apply", *bench.env, *WANTED)
    opening = seen.until("q to leave: ")
    assert "Best: torch 2.14.1+cu130 for Python" in opening
    assert "How the approaches compare" in opening
    seen.answer("77\n")
    seen.until("There is no such option. ")
    seen.until("q to leave: ")
    seen.answer("\n")
    page = seen.until("Change it? [y/N] ")
    assert "torch==2.14.1 torchvision==0.29.1" in page
    seen.answer("y\n")
    end = seen.until("To take it back: torchsmith undo 1")
    assert "ok    import torch: 2.14.1" in end
    assert re.search(r"\r1\. copy the environment", end)
    assert seen.end() == 0
    assert bench.torch() == "2.14.1"
    again = Terminal(80, "apply", *bench.env, *WANTED)
    assert again.end() == 0
    assert "Nothing to change: torch 2.14.1+cu130 is installed and fits." in again.shown


@pytest.mark.parametrize("answers", [("q\n",), ("\x04",), ("1\n", "n\n"), ("1\n", "\n"), ("1\n", "\x04"), ("x\n",) * 5])
def test_a_person_may_leave_at_any_question(bench: Bench, answers: tuple[str, ...]) -> None:
    before = bench.state()
    seen = Terminal(80, "apply", *bench.env, *WANTED)
    for number, answer in enumerate(answers):
        seen.until("q to leave: " if not number or answers[0] == "x\n" else "[y/N] ")
        seen.answer(answer)
    assert seen.end() == 0
    assert "othing was changed" in seen.shown
    assert bench.state() == before
    assert not (bench.folder / "state").exists()


def test_another_option_may_be_chosen(bench: Bench) -> None:
    seen = Terminal(80, "apply", *bench.env, *GPU, "--torch", "2.14.1")
    opening = seen.until("q to leave: ")
    numbers = dict(re.findall(r"^ *(\d+)\. +([\w-]+) +2\.14\.1", opening.replace("\r", ""), re.MULTILINE))
    number = next(number for number, name in numbers.items() if name == "pip")
    seen.answer(f"{number}\n")
    assert "by pip" in seen.until("Change it? [y/N] ")
    seen.answer("n\n")
    assert seen.end() == 0


@pytest.mark.parametrize(
    ("number", "code", "step"),
    [
        (signal.SIGINT, 130, "1. copy the environment"),
        (signal.SIGTERM, 143, "2. install torch"),
        (signal.SIGINT, 130, "3. check the copy"),
    ],
)
def test_told_to_end_everything_is_as_it_was(bench: Bench, number: signal.Signals, code: int, step: str) -> None:
    before = bench.state()
    seen = Terminal(80, "apply", "--yes", *bench.env, *WANTED)
    seen.until(step)
    seen.signal(number)
    assert seen.end() in {code, 0}, seen.shown
    if "everything is as it was before run 1" in seen.shown:
        assert bench.state() == before
    else:  # it was done before it heard
        assert bench.torch() == "2.14.1"
    assert "Traceback" not in seen.shown


@pytest.mark.parametrize("discard", [True, False])
def test_killed_outright_the_next_call_says_so_and_resume_settles_it(bench: Bench, discard: bool) -> None:
    before = bench.state()
    seen = Terminal(80, "apply", "--yes", *bench.env, *WANTED)
    seen.until("2. install torch")
    seen.signal(signal.SIGKILL)
    assert seen.end() == -signal.SIGKILL
    assert bench.state() == before
    assert "note: run 1" in bench.ask("rule", "no-fault")[2]
    words = ("resume", *(("--discard",) if discard else ()))
    end = time.monotonic() + LIMIT
    while (code := bench.ask(*words)[0]) == 73 and time.monotonic() < end:
        time.sleep(0.2)  # the installer that was left alone comes to its end
    assert code == 0
    assert (bench.torch(), bench.state() == before) == (("2.14.0", True) if discard else ("2.14.1", False))
    assert bench.ask("rule", "no-fault")[2] == ""


@pytest.mark.parametrize("columns", [40, 80])
def test_the_moving_line_keeps_to_the_terminal(bench: Bench, columns: int) -> None:
    import fcntl
    import struct
    import termios

    seen = Terminal(columns, "apply", "--yes", *bench.env, *WANTED)
    fcntl.ioctl(seen._wire, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))  # noqa: SLF001
    assert seen.end() == 0
    moving = [part.strip("\n") for part in re.split("\r+", seen.shown) if re.match(r"\d+\. ", part)]
    assert moving
    assert all(len(line) < columns for line in moving), moving


def test_a_pipe_for_an_answer_is_no_terminal(bench: Bench, tmp_path: Path) -> None:
    import subprocess

    words = [sys.executable, "-m", "torchsmith", "apply", *bench.env, *WANTED]
    ended = subprocess.run(words, input="1\ny\n", capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert "nobody could be asked" in ended.stdout
    assert "q to leave" not in ended.stderr
    assert bench.torch() == "2.14.0"

"""Workers, in processes of their own: pytest's has threads, and a process with threads is not forked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from torchsmith.host import crew
from torchsmith.model.known import Known, Unknown

forks = pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="forks")

SCRIPT = """
import os, signal, sys, time
from torchsmith.host import crew
from torchsmith.model.known import Known, Unknown

PARENT = os.getpid()

def read(number, deed=""):
    if deed == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "leave":
        os._exit(3)
    if deed == "raise":
        raise ValueError("strange")
    if deed == "memory":
        raise MemoryError
    if deed == "sleep":
        time.sleep(60)
    if deed == "large":
        return Known("x" * (1 << 20), "here")
    return Known([number, os.getpid() != PARENT], "here") if number % 7 else Unknown("a seventh", (str(number),))

def tasks(count, **deeds):
    return [crew.Task((number, deeds.get(f"n{number}", "")), (count - number) << 10) for number in range(count)]

def answers(tasks, workers=2):
    with crew.Crew(read, workers) as readers:
        return {task.arguments[0]: crew.fact(frame) for task, frame in readers.work(tasks)}

def children():
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return 0
    return 1
"""


def ran(code: str, *, limit: float = 60) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + textwrap.dedent(code)], capture_output=True, text=True, check=False, timeout=limit
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@forks
def test_every_task_has_its_answer_from_a_worker() -> None:
    code = """
    found = answers(tasks(500))
    assert len(found) == 500
    assert all(found[n] == (Known([n, True], "here") if n % 7 else Unknown("a seventh", (str(n),))) for n in range(500)), found
    print(children())
    """
    assert ran(code) == "0"


@forks
@pytest.mark.parametrize(
    ("deed", "reason"), [("die", "its reader was ended by signal 9"), ("leave", "its reader was ended by itself")]
)
def test_a_worker_that_dies_costs_its_own_file_only(deed: str, reason: str) -> None:
    code = f"""
    found = answers(tasks(100, n3="{deed}", n50="{deed}", n99="{deed}"))
    assert len(found) == 100
    print(*sorted(n for n in found if found[n] == Unknown("{reason}")), children())
    """
    assert ran(code) == "3 50 99 0"


@forks
def test_all_die() -> None:
    code = """
    found = answers(tasks(40, **{f"n{n}": "die" for n in range(40)}))
    print(len(found), {answer.reason for answer in found.values()}, children())
    """
    assert ran(code) == "40 {'its reader was ended by signal 9'} 0"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reader_that_fails_is_told(workers: int) -> None:
    code = f"""
    found = answers(tasks(50, n2="raise", n4="memory"), {workers})
    print(found[2].reason, "|", found[4].reason, "|", len(found))
    """
    assert ran(code) == "a fault of torchsmith: ValueError: strange | not enough memory to read it | 50"


@forks
def test_large_answers_pass_through() -> None:
    code = """
    found = answers(tasks(60, **{f"n{n}": "large" for n in range(0, 60, 5)}))
    print(len(found), {len(found[n].value) for n in range(0, 60, 5)})
    """
    assert ran(code) == "60 {1048576}"


def test_a_small_job_is_done_here() -> None:
    code = """
    print(answers(tasks(6))[1])
    """
    assert "False" in ran(code)


@forks
def test_a_process_with_threads_is_not_forked() -> None:
    code = """
    import threading
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    print(answers(tasks(100))[1].value[1])
    done.set()
    """
    assert ran(code) == "False"


@forks
def test_leaving_early_leaves_no_worker() -> None:
    code = """
    with crew.Crew(read, 2) as readers:
        for _ in readers.work(tasks(100, n50="sleep")):
            break
    print(children())
    """
    assert ran(code, limit=20) == "0"


@forks
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_us(number: signal.Signals) -> None:
    """The workers answer without end; whatever ends the parent, theirs comes with the next answer at the latest."""
    code = """
    with crew.Crew(read, 2) as readers:
        for done, _ in enumerate(readers.work(crew.Task((n, ""), 1) for n in range(100))):
            if done == 1:
                print(*(worker.pid for worker in readers._workers), flush=True)
                time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", SCRIPT + textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    workers = [int(word) for word in parent.stdout.readline().split()]
    parent.send_signal(number)
    parent.wait(20)
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(workers) == 2
    assert not any(map(alive, workers))


def alive(pid: int) -> bool:
    """Whether it runs: one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("files", "most"),
    [
        ({}, 10**6),
        ({"cpu.max": "max 100000"}, 10**6),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "10000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 10**6),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu.max": "nonsense"}, 10**6),
    ],
)
def test_processors_are_those_of_the_control_group(files: dict[str, str], most: int, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    assert crew.usable_processors(str(tmp_path)) == min(mine, most)


def test_frames_carry_both_kinds_of_facts() -> None:
    task = crew.Task((1,), 0)
    for fact in (Known({"a": [1, None, "ü\udcff"]}, "here"), Unknown("why", ("x", "y"))):
        with crew.Crew(lambda _, fact=fact: fact, 1) as readers:
            assert [crew.fact(frame) for _, frame in readers.work([task])] == [fact]

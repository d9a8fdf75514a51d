"""The harness itself: what is broken is called broken. A judge that never finds fault proves nothing."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.lab.fixtures import have
from tests.lab.tools import uv
from tools.faults import injector
from tools.faults.injector import FAULTS, Injector
from tools.faults.oracle import Oracle, Verdict
from tools.faults.powercut import Disk

pytestmark = pytest.mark.skipif(sys.platform != "linux" or shutil.which("gcc") is None, reason="the injector needs Linux and gcc")

CARELESS = """
with open("a", "w") as file:
    file.write("new" * 100)
with open("b", "w") as file:
    file.write("new" * 100)
"""
UNSYNCED = """
import os
for name in "ab":
    with open(name + ".new", "w") as file:
        file.write("new" * 100)
    os.replace(name + ".new", name)
"""
CAREFUL = """
import os
def sync(path):
    at = os.open(path, os.O_RDONLY)
    os.fsync(at)
    os.close(at)
for name in "ab":
    with open(name + ".new", "w") as file:
        file.write("new" * 100)
    sync(name + ".new")
    os.replace(name + ".new", name)
    sync(".")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    for name in "ab":
        (tmp_path / "root" / name).write_text("old" * 100)
    return tmp_path / "root"


@pytest.fixture
def go(root: Path) -> Callable[..., tuple[int, Injector]]:
    """Runs a program under a fault: its exit status, and the injector that counted."""
    injected = injector.made(root)

    def run(code: str, fault: str = "SIGKILL", at: int = 0, *, log: bool = False) -> tuple[int, Injector]:
        injected.arm(FAULTS[fault], at, log=log)
        variables = os.environ | injected.variables
        done = subprocess.run(
            [sys.executable, "-I", "-c", code],
            env=variables,
            cwd=root,
            check=False,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        injected.disarm()
        return done.returncode, injected

    return run


def test_calls_are_counted_and_each_can_be_the_last(root: Path, go: Callable[..., tuple[int, Injector]]) -> None:
    status, injected = go(CAREFUL)
    assert (status, injected.count) == (0, 10)  # open, write, sync, rename, sync: twice
    for at in range(1, 11):
        assert go(CAREFUL, at=at)[0] == -9
    assert go(CAREFUL, at=11)[0] == 0


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("ENOSPC", "No space left"),
        ("EROFS from there on", "Read-only"),
        ("EMFILE", "Too many open"),
        ("fsync error", "Input/output"),
    ],
)
def test_errors_arrive_where_they_can_happen(root: Path, go: Callable[..., tuple[int, Injector]], fault: str, said: str) -> None:
    injected = injector.made(root)
    injected.arm(FAULTS[fault], 1)
    done = subprocess.run(
        [sys.executable, "-I", "-c", CAREFUL],
        env=os.environ | injected.variables,
        cwd=root,
        check=False,
        stderr=subprocess.PIPE,
        text=True,
    )
    injected.disarm()
    assert said in done.stderr
    assert injected.hits >= 1
    del go


def test_a_short_write_is_taken_up_again_by_python(root: Path, go: Callable[..., tuple[int, Injector]]) -> None:
    for at in (1, 2):
        assert go(CAREFUL, "short write", at)[0] == 0
        assert (root / "a").read_text() == "new" * 100
    assert go(CAREFUL, "torn write", 1)[0] == -9
    assert (root / "a.new").stat().st_size == 150


def cut_everywhere(root: Path, go: Callable[..., tuple[int, Injector]], code: str) -> set[Verdict]:
    """What single files can be after a power cut, wherever it comes."""
    oracle = Oracle({name: root / name for name in "ab"})
    oracle.take_old()
    disk = Disk(root)
    status, injected = go(code, log=True)
    assert status == 0
    oracle.take_new()
    disk.follow(injected.calls())
    chance, seen = random.Random(1), set()
    for cut in range(len(disk.steps) + 1):
        for kept, way in disk.cuts(cut, chance, 5):
            disk.lay_out(cut, kept, way)
            seen |= {judged.verdict for judged in oracle.all().values()}
    return seen


def test_power_cuts_find_what_was_not_synced(root: Path, go: Callable[..., tuple[int, Injector]]) -> None:
    assert Verdict.BROKEN in cut_everywhere(root, go, CARELESS)


def test_power_cuts_find_a_rename_before_its_content(root: Path, go: Callable[..., tuple[int, Injector]]) -> None:
    assert Verdict.BROKEN in cut_everywhere(root, go, UNSYNCED)


def test_power_cuts_leave_what_was_synced(root: Path, go: Callable[..., tuple[int, Injector]]) -> None:
    assert cut_everywhere(root, go, CAREFUL) == {Verdict.OLD, Verdict.NEW}


def test_the_last_state_of_the_replay_is_the_real_one(root: Path, go: Callable[..., tuple[int, Injector]]) -> None:
    disk = Disk(root)
    _, injected = go(
        UNSYNCED + "os.mkdir('d'); os.link('a', 'd/c'); os.symlink('a', 'l'); os.rename('d', 'e'); os.chmod('b', 0o600)", log=True
    )
    disk.follow(injected.calls())
    real = Oracle({"root": root})
    real.take_old()
    disk.lay_out(len(disk.steps), set(range(len(disk.steps))), "kept")
    real.take_new()
    assert {name: found[:4] for name, found in real.old["root"].items()} == {
        name: found[:4] for name, found in real.new["root"].items()
    }
    assert (root / "e" / "c").samefile(root / "a")


@pytest.mark.slow
def test_bare_uv_is_found_broken() -> None:
    """For comparison, and because an oracle that calls this sound would call everything sound."""
    from tools.faults import bare

    have(uv, "faults")
    tally = bare.run("uv", FAULTS["SIGKILL"], 12)
    assert tally.points >= 8
    assert tally.states["unimportable"] + tally.states["mixed"] + tally.states["metadata"] > tally.points / 2

"""R04, I01, I02, F10: many runs deep, the same twice, looking only, and a clock that jumps."""

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from tests.faults.ground import Ground
from tools.faults import injector
from tools.faults.injector import Injector
from tools.faults.oracle import differences, snapshot

from torchsmith.act import generations, preflight
from torchsmith.model.record import replace
from torchsmith.model.transaction import Edit, Transaction

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the small environment is one of Linux")


def edited(ground: Ground, text: str) -> Transaction:
    from tools.faults.scenarios import edit

    return Transaction(text, edits=(edit(ground.bench.root / "project" / "notes.txt", text, "a test"),))


def test_ten_runs_deep_and_back_to_any(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    file = ground.bench.root / "project" / "notes.txt"
    for number in range(1, 11):
        assert ground.apply(edited(ground, f"{number}\n")).run == number
    assert [past.state for past in ground.store.history()] == ["done"] * 10
    assert [outcome.status for outcome in ground.undo(7)] == ["undone"] * 4
    assert file.read_text() == "6\n"
    assert [outcome.status for outcome in ground.undo(1)] == ["undone"] * 6
    assert not file.exists()
    ground.old()


def test_pruning_never_takes_the_live_tree_or_the_last_good_one(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    for _ in range(4):
        assert ground.apply().status == "done"
        live = snapshot(ground.bench.prefix)
        for keep in (2, 1, 0, -1):
            generations.prune(ground.store, keep)
            assert snapshot(ground.bench.prefix) == live
            assert len(generations.kept(ground.store)) >= 1
    before = next(iter(generations.kept(ground.store).values()))[1]
    kept = snapshot(before)
    assert ground.undo()[0].status == "undone"
    assert snapshot(ground.bench.prefix) == kept


def test_the_same_files_again_change_nothing_and_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is as it shall be is not written again; that the second plan of an environment is empty is the managers' to show."""
    ground = Ground(tmp_path, "machine settings")
    monkeypatch.setenv("HOME", str(ground.bench.root / "home"))
    assert ground.apply().status == "done"
    home = ground.bench.root / "home"
    before = snapshot(home)
    ground.oracle.take_old()
    again = ground.transaction
    text = (home / ".bashrc").read_text()
    same = tuple(replace(edit, text=text) if edit.path.endswith(".bashrc") else edit for edit in again.edits)
    assert ground.apply(replace(again, edits=same, registry=())).exit_code == 0
    assert snapshot(home) == before


def test_looking_changes_nothing(tmp_path: Path) -> None:
    ground = Ground(tmp_path, "project")
    before = snapshot(ground.bench.root)
    asked = ground.transaction
    assert preflight.problems(asked, ground.registry) == ()
    assert ground.store.history() == ground.store.pending() == ()
    assert differences(before, snapshot(ground.bench.root), times=True) == []


# ---- the clock

_SCRIPT = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from tests.faults.ground import Ground
from tests.faults.test_generations import edited
import json, time
seen = [time.time()]
ground = Ground(Path({folder!r}))
for text in ("1\\n", "2\\n", "3\\n"):
    seen.append(time.time())
    assert ground.apply(edited(ground, text)).status == "done"
assert ground.undo()[0].status == "undone"
file = ground.bench.root / "project" / "notes.txt"
print(json.dumps([[past.number for past in ground.store.history()], file.read_text(), seen]))
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="the injector needs gcc")
@pytest.mark.parametrize("jump", [-86400 * 400, 86400 * 400])
def test_runs_are_ordered_by_their_number_whatever_the_clock_says(tmp_path: Path, jump: int) -> None:
    injected: Injector = injector.made(tmp_path / "ground" / "bench" / "root" / "state")
    injected.arm(clock=(45, jump))  # in the midst of the second run
    script = _SCRIPT.format(path=[*sys.path, str(Path(__file__).parents[2])], folder=str(tmp_path / "ground"))
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | injected.variables, capture_output=True, text=True, check=False
    )
    injected.disarm()
    assert done.returncode == 0, done.stderr
    numbers, text, seen = json.loads(done.stdout)
    assert any(abs(later - earlier) > 86400 for earlier, later in pairwise(seen)), "the clock did not jump"
    assert numbers == [1, 2, 3, 4]
    assert text == "2\n"


def test_files_from_the_future_are_no_reason_to_stop(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    for path in ground.bench.prefix.rglob("*"):
        os.utime(path, (4e9, 4e9), follow_symlinks=False)
    ground.oracle.take_old()
    assert ground.apply().status == "done"
    assert ground.undo()[0].status == "undone"
    ground.old()


def test_an_edit_that_is_there_already(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    file = ground.bench.root / "project" / "notes.txt"
    file.write_text("x\n")
    asked = edited(ground, "x\n")
    before = snapshot(file)
    assert ground.apply(asked).exit_code == 0
    assert snapshot(file) == before
    assert isinstance(asked.edits[0], Edit)

"""Files that are in use on Windows: the engine waits, then leaves everything as it was (W01). Our own code under Wine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.wine import Windows, windows_path

pytestmark = [pytest.mark.online, pytest.mark.slow]

SOURCE = Path(__file__).parents[1] / "src"
BEGIN = r"""
import ctypes, json, sys, threading, time
from pathlib import Path
from torchsmith.act import effects, files, transaction, undoing
from torchsmith.act.store import Store
from torchsmith.act.watch import Silent
from torchsmith.model.transaction import ENCODING, Edit, Environment, Transaction
root = Path(sys.argv[1])
store = Store(root / "state")
answer = {}

def change(path, text):
    return Transaction("a file", edits=(Edit(str(path), files.digest(path), text, ""),))

def carried(made):
    began = time.monotonic()
    outcome = transaction.carry_out(made, store, lambda *_: (), Silent())
    return outcome.status, outcome.problem, outcome.exit_code, time.monotonic() - began

def left():
    return sorted(path.name for path in root.iterdir() if path.name != "state" and path.suffix != ".py")
"""
END = "\nprint('\\x02' + json.dumps(answer))\n"


def run(windows: Windows, code: str, tmp_path: Path) -> dict[str, Any]:
    script = tmp_path / "script.py"
    script.write_text(BEGIN + code + END)
    ran = windows.run([script, tmp_path], env={"PYTHONPATH": windows_path(SOURCE)})
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout.partition("\x02")[2])
    return answer


def test_a_file_that_stays_open_is_left_as_it_is(windows: Windows, tmp_path: Path) -> None:
    code = r"""
effects.PATIENCE = 1.0
target = root / "activate.bat"
target.write_bytes(b"old\r\n")
with target.open("rb"):
    try:
        target.replace(root / "other")
    except OSError as error:
        answer["own"] = error.winerror
    answer["outcome"] = carried(change(target, "new\r\n"))
answer["text"] = target.read_text()
answer["left"] = left()
answer["pending"] = len(store.pending())
answer["then"] = carried(change(target, "new\r\n"))[0], target.read_bytes().decode()
answer["undone"] = undoing.undo(store, None, lambda *_: (), Silent())[-1].status, target.read_bytes().decode()
"""
    answer = run(windows, code, tmp_path)
    assert answer["own"] in {5, 32}
    status, problem, exit_code, seconds = answer["outcome"]
    assert (status, exit_code) in {("failed", 5), ("failed", 75)}
    assert "activate.bat" in problem
    assert seconds >= 0.5
    assert answer["text"] == "old\n"
    assert answer["left"] == ["activate.bat"]
    assert answer["pending"] == 0
    assert answer["then"] == ["done", "new\r\n"]
    assert answer["undone"] == ["undone", "old\r\n"]


def test_a_file_that_is_let_go_in_time_is_changed(windows: Windows, tmp_path: Path) -> None:
    """As a virus scanner does, that looks at new files for a moment."""
    code = r"""
target = root / "activate.bat"
target.write_bytes(b"old")
held = target.open("rb")
threading.Timer(1.0, held.close).start()
answer["outcome"] = carried(change(target, "new"))
answer["text"] = target.read_text()
"""
    answer = run(windows, code, tmp_path)
    assert answer["outcome"][0] == "done"
    assert answer["outcome"][3] >= 0.5
    assert answer["text"] == "new"


ENVIRONMENT = r"""
from torchsmith.model.transaction import Run
prefix = root / "my env"
version = prefix / "Lib" / "site-packages" / "torch" / "version.py"
version.parent.mkdir(parents=True)
version.write_text("old")
(prefix / "pyvenv.cfg").write_text("home = C:\\\nversion = 3.11\n")

def installing(text):
    code = f"import sys, pathlib; p = pathlib.Path(sys.argv[1]); p.unlink(); p.write_text('{text}')"
    place = Environment(str(prefix), str(prefix / "Scripts" / "python.exe"))
    return Transaction("env", place, runs=(Run((sys.executable, "-c", code, str(version)), "write"),))
"""


def test_an_environment_changes_places_by_two_renames(windows: Windows, tmp_path: Path) -> None:
    code = r"""
answer["outcome"] = carried(installing("new"))
answer["text"] = version.read_text(), left()
answer["undone"] = undoing.undo(store, None, lambda *_: (), Silent())[-1].status, version.read_text()
"""
    answer = run(windows, ENVIRONMENT + code, tmp_path)
    assert answer["outcome"][:3] == ["done", "", 0]
    assert answer["text"] == ["new", [".torchsmith", "my env"]]
    assert answer["undone"] == ["undone", "old"]


def test_an_environment_whose_file_is_open(windows: Windows, tmp_path: Path) -> None:
    """The installer meets it in the copy, which shares the file; that Windows does not rename the folder, Wine cannot show."""
    code = r"""
with version.open("rb"):
    answer["held"] = carried(installing("new"))
    answer["text"] = version.read_text()
answer["then"] = carried(installing("new"))[0], version.read_text(), len(store.pending())
"""
    answer = run(windows, ENVIRONMENT + code, tmp_path)
    assert answer["held"][0] == "failed"
    assert answer["text"] == "old"
    assert answer["then"] == ["done", "new", 0]

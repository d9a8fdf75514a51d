"""C01, C02, C04, C05: two runs at once, installers by hand meanwhile, locks whose owner is gone, an editor that saves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.faults.ground import AtEach, Ground, forked

from torchsmith.act import locks
from torchsmith.model.errors import HeldError, StaleError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the small environment is one of Linux")


@pytest.mark.parametrize("name", ["venv", "project"])
def test_a_second_run_at_each_step_of_the_first_is_told_who_is_there(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = Ground(tmp_path, name)
    monkeypatch.setenv("HOME", str(ground.bench.root / "home"))
    asked, owner, codes = ground.transaction, os.getpid(), []

    def second() -> int:
        try:
            ground.apply(asked)
        except HeldError as error:
            return error.exit_code if f"process {owner} " in str(error) else 1
        return 0

    watch = AtEach(lambda: codes.append(forked(second)))
    assert ground.apply(asked, watch).status == "done"
    assert len(codes) == len(watch.phases) >= 5
    assert set(codes) == {73}
    assert ground.new()


PREPARING = ("copy the environment", "install torch", "check the copy", "write everything")


@pytest.mark.parametrize("phase", PREPARING)
def test_an_installer_by_hand_meanwhile_is_seen_and_its_work_stays(tmp_path: Path, phase: str) -> None:
    """Whatever somebody else has just installed is not lost under an exchange."""
    ground = Ground(tmp_path)
    theirs = ground.bench.site / "theirs.py"
    watch = AtEach(lambda: theirs.write_text("x = 1\n"), phase)
    outcome = ground.apply(watch=watch)
    assert phase in " ".join(watch.phases)
    if outcome.status == "done":  # seen before it was copied: it is in what is live now
        assert theirs.exists()
        assert phase == "copy the environment"
        return
    assert outcome.status == "failed"
    assert "changed while" in outcome.problem
    assert theirs.exists()
    theirs.unlink()
    ground.old()


@pytest.mark.parametrize("phase", ["", *PREPARING])
def test_an_editor_that_saves_meanwhile_is_seen_and_keeps_its_text(
    tmp_path: Path, phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = Ground(tmp_path, "project")
    monkeypatch.setenv("HOME", str(ground.bench.root / "home"))
    file = ground.bench.root / "project" / "pyproject.toml"
    asked, saved = ground.transaction, "# mine\n"
    if phase:
        outcome = ground.apply(asked, AtEach(lambda: file.write_text(saved), phase))
        assert outcome.status == "failed"
        assert "pyproject.toml" in outcome.problem
    else:
        file.write_text(saved)
        with pytest.raises(StaleError, match="ask for a new plan"):
            ground.apply(asked)
    assert file.read_text() == saved
    judged = ground.oracle
    judged.new = judged.old
    assert {name for name, each in judged.all().items() if each.verdict != "OLD"} == {"pyproject"}


def test_the_lock_of_a_killed_owner_is_free(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    code = f"import sys; sys.path[:0] = {sys.path!r}\nfrom pathlib import Path\nfrom torchsmith.act import locks\n"
    code += f"with locks.held((Path({str(lock)!r}),)):\n    print('held', flush=True)\n    input()\n"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"held\n"
        with pytest.raises(HeldError, match=f"process {owner.pid}"), locks.held((lock,)):
            pass
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    with locks.held((lock,)):
        assert json.loads(lock.read_bytes())["pid"] == os.getpid()


def test_what_a_killed_run_started_holds_its_lock_until_it_ends(tmp_path: Path) -> None:
    """An installer that outlives torchsmith still writes into the copy: nobody tidies under it."""
    lock = tmp_path / "lock"

    def killed() -> int:
        with locks.held((lock,)):
            if os.fork() == 0:
                time.sleep(0.5)
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert forked(killed) == -signal.SIGKILL
    with pytest.raises(HeldError, match="still works"), locks.held((lock,)):
        pass
    time.sleep(0.7)
    with locks.held((lock,)):
        pass


@pytest.mark.parametrize(
    ("more", "free"),
    [
        ({}, False),
        ({"started": "1"}, True),  # the number was given to another process since
        ({"boot": "another"}, True),
        ({"pid": 2**22 + 1}, True),  # no such process
        ({"host": "elsewhere"}, False),  # on NFS: nobody here can tell
    ],
)
def test_where_there_are_no_locks_a_file_names_its_owner(tmp_path: Path, more: dict[str, object], free: bool) -> None:
    held = tmp_path / "lock.held"
    held.write_text(json.dumps(locks._self() | more))  # noqa: SLF001 - as such a file is written
    if free:
        with locks._by_name(held):  # noqa: SLF001
            assert json.loads(held.read_bytes())["pid"] == os.getpid()
        assert not held.exists()
    else:
        with pytest.raises(HeldError), locks._by_name(held):  # noqa: SLF001
            pass
        assert held.exists()

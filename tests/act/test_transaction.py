"""Transactions on real environments and files: done whole, or not at all; taken back to the byte; finished after a cut."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from tests.act import changes

from torchsmith.act import backups, generations, locks, transaction, undoing
from torchsmith.act import effects as performing
from torchsmith.act.store import DamagedError
from torchsmith.act.verify import verify
from torchsmith.act.watch import Silent
from torchsmith.model.errors import EndedError, HeldError, StaleError, UsageError
from torchsmith.model.record import replace
from torchsmith.model.transaction import Edit, Environment, Outcome, Transaction

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


def edit(path: Path, text: str | None) -> Edit:
    before = sha256(path.read_bytes()).hexdigest() if path.exists() else None
    return Edit(str(path), before, text, "because")


def carried(asked: Transaction, folder: Path) -> Outcome:
    return transaction.carry_out(asked, changes.store(folder), verify, Silent())


@pytest.fixture
def place(tmp_path: Path) -> Environment:
    return changes.environment(tmp_path)


def test_an_environment_and_files_change_together_and_go_back_to_the_byte(place: Environment, tmp_path: Path) -> None:
    kept, gone, new = tmp_path / "pyproject.toml", tmp_path / "old.txt", tmp_path / "deep" / "new.txt"
    kept.write_bytes(b"\xef\xbb\xbfa = 1\r\n# caf\xe9\r\n")
    kept.chmod(0o640)
    gone.write_text("x")
    before = changes.tree(tmp_path)
    edits = (edit(kept, "\ufeffa = 2\r\n# caf\udce9\r\n"), edit(gone, None), edit(new, "n\n"))
    outcome = carried(changes.transaction(place, changes.install(place, "2"), edits=edits), tmp_path)
    assert outcome.status == "done", outcome
    assert changes.version(place) == "2"
    assert kept.read_bytes() == b"\xef\xbb\xbfa = 2\r\n# caf\xe9\r\n"
    assert kept.stat().st_mode & 0o777 == 0o640
    assert not gone.exists()
    assert new.read_text() == "n\n"
    after = changes.tree(tmp_path)
    store = changes.store(tmp_path)
    assert [past.state for past in store.history()] == ["done"]
    assert undoing.undo(store, None, verify, Silent())[0].status == "undone"
    assert changes.tree(tmp_path) == before
    assert undoing.undo(store, 2, verify, Silent())[0].status == "undone"
    assert [past.state for past in store.history()] == ["done", "undone", "done"]
    assert {name: told[4] for name, told in changes.tree(tmp_path).items()} == {name: told[4] for name, told in after.items()}
    assert store.cut() == ()


FAILS = {
    "it says so": "sys.exit(3)",
    "it did it all the same": "(site / 'thing.py').unlink(); sys.exit(1)",
    "it is killed": "os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("code", FAILS.values(), ids=FAILS)
def test_a_program_that_fails_changes_nothing(place: Environment, tmp_path: Path, code: str) -> None:
    before = changes.tree(tmp_path)
    outcome = carried(changes.transaction(place, changes.run(place, code)), tmp_path)
    assert (outcome.status, outcome.exit_code) == ("failed", 5)
    assert "a step failed (change it)" in outcome.problem
    assert changes.tree(tmp_path) == before
    assert not list((tmp_path / ".torchsmith" / ".venv").glob("run-*"))
    assert [past.state for past in changes.store(tmp_path).history()] == ["failed"]


def test_a_program_without_end_is_ended(place: Environment, tmp_path: Path) -> None:
    outcome = carried(changes.transaction(place, changes.run(place, "import time; time.sleep(60)", limit=0.5)), tmp_path)
    assert "no end in 0.5 s" in outcome.problem
    assert changes.version(place) == "1"


def test_a_program_that_is_not_there(place: Environment, tmp_path: Path) -> None:
    run = replace(changes.install(place, "2"), argv=("no-such-program", "install"))
    assert "`no-such-program` is not to be found" in carried(changes.transaction(place, run), tmp_path).problem


def test_what_is_not_expected_does_not_become_live(place: Environment, tmp_path: Path) -> None:
    asked = changes.transaction(place, changes.install(place, "2"))
    asked = replace(asked, expected=replace(asked.expected, packages=(("thing", "2"),)))
    outcome = carried(asked, tmp_path)
    assert (outcome.status, outcome.exit_code) == ("failed", 5)
    assert changes.version(place) == "1"


def test_what_does_not_work_where_it_is_live_is_taken_back(place: Environment, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("a\n")
    before = changes.tree(tmp_path)

    def only_as_a_copy(python: str, asked: Transaction, live: bool) -> tuple[tuple[str, bool, str], ...]:
        del asked
        return (("import", not live, python),)

    asked = changes.transaction(place, changes.install(place, "2"), edits=(edit(file, "b\n"),))
    outcome = transaction.carry_out(asked, changes.store(tmp_path), only_as_a_copy, Silent())
    assert (outcome.status, outcome.exit_code) == ("failed", 5)
    assert changes.tree(tmp_path) == before
    assert [past.state for past in changes.store(tmp_path).history()] == ["failed"]


def test_a_stale_transaction_is_refused(place: Environment, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("a\n")
    asked = changes.transaction(place, changes.install(place, "2"), edits=(edit(file, "b\n"),))
    file.write_text("c\n")
    with pytest.raises(StaleError, match=r"x\.toml` has changed"):
        carried(asked, tmp_path)
    file.write_text("a\n")
    (changes.site(place) / "more.py").touch()
    with pytest.raises(StaleError, match=r"environment .* has changed"):
        carried(asked, tmp_path)
    assert changes.store(tmp_path).history() == ()


def test_an_installer_that_writes_into_what_is_live_is_found_out(place: Environment, tmp_path: Path) -> None:
    code = f"open({str(changes.site(place) / 'other.py')!r}, 'a').write('# more')"
    # Its own words name the live path, which the engine would put the copy's in place of.
    code = code.replace(place.prefix, f"{place.prefix[:-4]}' + 've' + '{place.prefix[-2:]}")
    outcome = carried(changes.transaction(place, changes.run(place, code)), tmp_path)
    assert outcome.status == "failed"
    assert "other.py" in outcome.problem
    assert changes.version(place) == "1"


def test_nothing_to_do(tmp_path: Path) -> None:
    assert carried(Transaction("nothing"), tmp_path).status == "nothing"
    assert not (tmp_path / "state").exists()


# ---- cut

PHASES = ("copy the environment", "change it", "check the copy", "write everything", "put the changes", "check what is live")


def cut_at(phase: str, asked: Transaction, folder: Path) -> None:
    """Carry it out in a process that ends, without a word, when a phase begins."""
    child = os.fork()
    if not child:
        try:
            transaction.carry_out(asked, changes.store(folder), verify, changes.Quitting(phase))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("discard", [False, True])
def test_a_run_that_was_cut_is_finished_or_discarded(place: Environment, tmp_path: Path, phase: str, discard: bool) -> None:
    file = tmp_path / "x.toml"
    file.write_text("a\n")
    before = changes.tree(tmp_path)
    asked = changes.transaction(place, changes.install(place, "2"), edits=(edit(file, "b\n"),))
    cut_at(phase, asked, tmp_path)
    store = changes.store(tmp_path)
    decided = phase == "check what is live"
    if not decided:
        assert changes.tree(tmp_path).items() >= before.items()
    assert [past.state for past in store.pending()] == ["committed" if decided else "staging"]
    (outcome,) = transaction.resume(store, verify, Silent(), discard=discard)
    new = not discard
    assert outcome.status == ("done" if new else "discarded")
    assert (changes.version(place), file.read_text()) == (("2", "b\n") if new else ("1", "a\n"))
    if not new:
        assert changes.tree(tmp_path) == before
    assert store.pending() == ()
    assert not list(tmp_path.glob(".*torchsmith-*"))


@pytest.mark.parametrize("discard", [False, True])
def test_an_undoing_that_was_cut(tmp_path: Path, discard: bool) -> None:
    prefix = tmp_path / "new"
    made = Environment(
        str(prefix), str(prefix / "bin/python"), create=(sys.executable, "-m", "venv", "--without-pip", str(prefix))
    )
    run = changes.run(made, "(site / 'thing.py').write_text('VERSION = 1\\n')")
    assert carried(Transaction("a new one", made, runs=(run,)), tmp_path).status == "done"
    store = changes.store(tmp_path)
    child = os.fork()
    if not child:
        journal = store.begin(Transaction("x"), undoes=1).journal
        effects = backups.back(store.entry(1), store.effects(store.entry(1)), 2)
        store.keep_effects(store.entry(2), "commit", effects)
        performing.perform(effects)
        del journal
        os._exit(9)
    os.waitpid(child, 0)
    assert not prefix.exists()
    (outcome,) = transaction.resume(store, verify, Silent(), discard=discard)
    assert outcome.status == ("discarded" if discard else "done")
    assert prefix.exists() == discard


def test_the_next_run_settles_what_was_cut(place: Environment, tmp_path: Path) -> None:
    asked = changes.transaction(place, changes.install(place, "2"))
    cut_at("check the copy", asked, tmp_path)
    assert carried(asked, tmp_path).status == "done"
    cut_at("check what is live", changes.transaction(place, changes.install(place, "3")), tmp_path)
    assert changes.version(place) == "3"
    assert carried(changes.transaction(place, changes.install(place, "4")), tmp_path).status == "done"
    assert [past.state for past in changes.store(tmp_path).history()] == ["discarded", "done", "done", "done"]


def test_told_to_end_it_puts_everything_back(place: Environment, tmp_path: Path) -> None:
    before = changes.tree(tmp_path)
    asked = changes.transaction(place, changes.run(place, f"os.kill({os.getpid()}, 15); import time; time.sleep(30)"))
    with pytest.raises(EndedError, match="everything is as it was") as error:
        carried(asked, tmp_path)
    assert error.value.exit_code == 143
    assert changes.tree(tmp_path) == before


# ---- undone


def applied(place: Environment, folder: Path, *versions: str) -> None:
    for version in versions:
        assert carried(changes.transaction(place, changes.install(place, version)), folder).status == "done"


def test_back_to_an_earlier_one_through_the_later_ones(place: Environment, tmp_path: Path) -> None:
    before = changes.tree(tmp_path)
    applied(place, tmp_path, "2", "3")
    outcomes = undoing.undo(changes.store(tmp_path), 1, verify, Silent())
    assert [outcome.status for outcome in outcomes] == ["undone", "undone"]
    assert changes.tree(tmp_path) == before
    with pytest.raises(UsageError, match="no run to be taken back"):
        undoing.undo(changes.store(tmp_path), None, verify, Silent())
    with pytest.raises(UsageError, match="taken back already"):
        undoing.undo(changes.store(tmp_path), 1, verify, Silent())
    with pytest.raises(UsageError, match="no run 9"):
        undoing.undo(changes.store(tmp_path), 9, verify, Silent())


def test_what_was_changed_since_is_not_lost(place: Environment, tmp_path: Path) -> None:
    applied(place, tmp_path, "2")
    (changes.site(place) / "mine.py").write_text("mine\n")
    store = changes.store(tmp_path)
    with pytest.raises(StaleError, match="changed since"):
        undoing.undo(store, None, verify, Silent())
    assert changes.version(place) == "2"
    assert undoing.undo(store, None, verify, Silent(), discard_changes=True)[0].status == "undone"
    assert changes.version(place) == "1"
    kept = tmp_path / ".torchsmith" / ".venv" / "run-1"
    assert list(kept.glob("lib/python3.*/site-packages/mine.py"))


def test_a_kept_tree_that_somebody_changed_is_not_put_back(place: Environment, tmp_path: Path) -> None:
    applied(place, tmp_path, "2")
    thing = next((tmp_path / ".torchsmith").glob(".venv/run-1/lib/python3.*/site-packages/thing.py"))
    thing.write_text("VERSION = 'mine'\n")
    with pytest.raises(DamagedError, match="changed or removed"):
        undoing.undo(changes.store(tmp_path), None, verify, Silent())
    assert changes.version(place) == "2"


def test_a_copy_of_a_file_that_was_damaged_is_not_put_back(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("a\n")
    assert carried(changes.transaction(None, edits=(edit(file, "b\n"),)), tmp_path).status == "done"
    next((tmp_path / "state").glob("runs/000001/backup/*")).write_text("c\n")
    with pytest.raises(DamagedError):
        undoing.undo(changes.store(tmp_path), None, verify, Silent())
    assert file.read_text() == "b\n"


def test_old_trees_go_and_the_last_one_stays(place: Environment, tmp_path: Path) -> None:
    applied(place, tmp_path, "2", "3", "4", "5")
    store = changes.store(tmp_path)
    assert sorted(generations.kept(store)) == [1, 2, 3, 4]
    assert generations.prune(store, 2) == (1, 2)
    assert list((tmp_path / ".torchsmith" / ".venv").glob("*.gone"))
    generations.sweep(store)
    assert not list((tmp_path / ".torchsmith" / ".venv").glob("*.gone"))
    assert generations.prune(store, 0) == (3,)
    assert undoing.undo(store, None, verify, Silent())[0].status == "undone"
    assert changes.version(place) == "4"
    with pytest.raises(DamagedError):
        undoing.undo(store, 3, verify, Silent())
    assert changes.version(place) == "4"


# ---- one at a time


def test_two_runs_never_change_the_same(place: Environment, tmp_path: Path) -> None:
    lock = locks.own_folder(locks.of_environment(Path(place.prefix))) / "lock"
    code = f"import sys; sys.path[:0] = {sys.path!r}\nfrom pathlib import Path\nfrom torchsmith.act import locks\n"
    code += f"with locks.held((Path({str(lock)!r}),)):\n    print('held', flush=True)\n    input()\n"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(HeldError, match=f"process {other.pid}"):
            applied(place, tmp_path, "2")
        other.communicate(b"\n")
    applied(place, tmp_path, "2")


def test_a_program_that_finds_nothing_to_do(place: Environment, tmp_path: Path) -> None:
    before = changes.tree(tmp_path)
    outcome = carried(changes.transaction(place, changes.run(place, "print('all is there')")), tmp_path)
    assert (outcome.status, outcome.exit_code) == ("nothing", 0)
    assert changes.tree(tmp_path) == before
    assert not list((tmp_path / ".torchsmith" / ".venv").glob("run-*"))


def test_a_new_environment(tmp_path: Path) -> None:
    prefix = tmp_path / "a new one"
    made = Environment(str(prefix), str(prefix / "bin" / "python"), create=(sys.executable, "-m", "venv", str(prefix)))
    run = changes.run(made, "(site / 'thing.py').write_text('VERSION = 1\\n')")
    assert carried(Transaction("a new one", made, runs=(run,)), tmp_path).status == "done"
    assert changes.version(made) == "1"
    first = (prefix / "bin" / "pip").read_text().splitlines()[:2]
    assert str(prefix) in "".join(first)
    assert undoing.undo(changes.store(tmp_path), None, verify, Silent())[0].status == "undone"
    assert not prefix.exists()
    assert undoing.undo(changes.store(tmp_path), 2, verify, Silent())[0].status == "undone"
    assert changes.version(made) == "1"


def test_an_environment_made_anew_where_one_is(place: Environment, tmp_path: Path) -> None:
    before = changes.tree(tmp_path)
    anew = replace(place, create=(sys.executable, "-m", "venv", "--without-pip", place.prefix))
    run = changes.run(anew, "(site / 'thing.py').write_text('VERSION = 9\\n')")
    assert carried(replace(changes.transaction(place, run), environment=anew), tmp_path).status == "done"
    assert changes.version(place) == "9"
    assert not (changes.site(place) / "other.py").exists()
    assert undoing.undo(changes.store(tmp_path), None, verify, Silent())[0].status == "undone"
    assert changes.tree(tmp_path) == before

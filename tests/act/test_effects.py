"""Effects from every state that a cut may leave, and what becomes of what is somebody else's."""

import os
from hashlib import sha256
from pathlib import Path

import pytest
from tests.act import changes

from torchsmith.act import clone, effects, locks, prepare, transaction, undoing
from torchsmith.act.effects import inode
from torchsmith.act.verify import verify
from torchsmith.act.watch import Silent
from torchsmith.model.errors import StaleError, TorchsmithError, UsageError
from torchsmith.model.record import replace
from torchsmith.model.transaction import Edit, Effect, Environment, Transaction

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


def trees(folder: Path) -> Effect:
    """An old tree that is live, and a new one."""
    for name in ("live", "staged"):
        (folder / name).mkdir()
        (folder / name / "what").write_text(name)
    live, staged = folder / "live", folder / "staged"
    numbers = (inode(live), inode(staged))
    return Effect("exchange", str(live), str(staged), clone.fingerprint(live), clone.fingerprint(staged), numbers)


CUTS = {
    "before": (),
    "the old one is aside": (("live", "staged.aside"),),
    "the new one is live": (("live", "staged.aside"), ("staged", "live")),
    "done": (("live", "staged.aside"), ("staged", "live"), ("staged.aside", "staged")),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("back", [False, True])
def test_an_exchange_in_several_renames_is_finished_or_taken_back_from_wherever_it_was_cut(
    tmp_path: Path, cut: tuple[tuple[str, str], ...], back: bool
) -> None:
    effect = trees(tmp_path)
    for old, new in cut:
        (tmp_path / old).rename(tmp_path / new)
    first, second = effect.inodes
    wanted = replace(effect, before=effect.after, after=effect.before, inodes=(second, first)) if back else effect
    effects.perform((wanted,))
    assert (tmp_path / "live" / "what").read_text() == ("live" if back else "staged")
    assert (tmp_path / "staged" / "what").read_text() == ("staged" if back else "live")
    assert not (tmp_path / "staged.aside").exists()
    effects.perform((wanted,))
    assert (tmp_path / "live" / "what").read_text() == ("live" if back else "staged")


def test_trees_that_were_copied_since_are_known_by_their_content(tmp_path: Path) -> None:
    effect = replace(trees(tmp_path), inodes=(1, 2))
    effects.perform((effect,))
    assert (tmp_path / "live" / "what").read_text() == "staged"
    with pytest.raises(effects.ForeignError):
        effects.perform((replace(effect, before="x", after="y"),))


def test_half_a_file_never_becomes_live(tmp_path: Path) -> None:
    live, staged = tmp_path / "a", tmp_path / ".a"
    live.write_text("old")
    staged.write_text("ne")
    old, new = (sha256(text).hexdigest() for text in (b"old", b"new"))
    with pytest.raises(effects.ForeignError):
        effects.perform((Effect("replace", str(live), str(staged), old, new, (inode(live), inode(staged))),))
    assert live.read_text() == "old"


def test_a_file_that_is_to_go_and_was_edited_stays(tmp_path: Path) -> None:
    live = tmp_path / "a"
    live.write_text("edited")
    effect = Effect("remove", str(live), str(tmp_path / ".a"), sha256(b"old").hexdigest(), None, (inode(live), 0))
    with pytest.raises(effects.ForeignError):
        effects.perform((effect,))
    assert live.read_text() == "edited"


# ---- through the engine


@pytest.fixture
def place(tmp_path: Path) -> Environment:
    return changes.environment(tmp_path)


def apply(place: Environment, folder: Path, version: str, *edits: Edit) -> str:
    asked = changes.transaction(place, changes.install(place, version), edits=edits)
    return transaction.carry_out(asked, changes.store(folder), verify, Silent()).status


def decided(place: Environment, folder: Path, version: str) -> None:
    """A run that was cut between its decision and the first effect."""
    child = os.fork()
    if not child:
        store = changes.store(folder)
        asked = changes.transaction(place, changes.install(place, version))
        entry = store.begin(asked)
        store.keep_effects(entry, "commit", prepare.prepared(asked, entry, verify, Silent()).effects)
        os._exit(9)
    os.waitpid(child, 0)


def test_what_was_done_by_hand_after_a_cut_is_not_overwritten(place: Environment, tmp_path: Path) -> None:
    decided(place, tmp_path, "2")
    (changes.site(place) / "mine.py").write_text("a week of work\n")
    (outcome,) = transaction.resume(changes.store(tmp_path), verify, Silent())
    assert outcome.status == "failed"
    assert "changed by somebody else" in outcome.problem
    assert changes.version(place) == "1"
    assert (changes.site(place) / "mine.py").exists()
    assert not list((tmp_path / ".torchsmith" / ".venv").glob("run-*"))
    assert apply(place, tmp_path, "3") == "done"


def test_only_what_was_made_is_removed(place: Environment, tmp_path: Path) -> None:
    decided(place, tmp_path, "2")
    made = tmp_path / ".torchsmith" / ".venv" / "run-1"
    made.rename(tmp_path / "elsewhere")
    made.mkdir()
    (made / "mine").touch()
    transaction.resume(changes.store(tmp_path), verify, Silent(), discard=True)
    assert (made / "mine").exists()
    assert changes.version(place) == "1"


def test_an_environment_that_somebody_removed_comes_back(place: Environment, tmp_path: Path) -> None:
    assert apply(place, tmp_path, "2") == "done"
    before = tmp_path / "gone"
    Path(place.prefix).rename(before)
    store = changes.store(tmp_path)
    with pytest.raises(StaleError, match="--discard-changes"):
        undoing.undo(store, None, verify, Silent())
    assert undoing.undo(store, None, verify, Silent(), discard_changes=True)[0].status == "undone"
    assert changes.version(place) == "1"


def test_a_line_put_into_a_shared_file_does_not_bar_the_way_back(place: Environment, tmp_path: Path) -> None:
    assert apply(place, tmp_path, "2") == "done"
    shared = next((tmp_path / ".torchsmith").glob(".venv/run-1/lib/python3.*/site-packages/other.py"))
    with shared.open("a") as file:
        file.write("print('here')\n")
    store = changes.store(tmp_path)
    assert undoing.undo(store, None, verify, Silent(), discard_changes=True)[0].status == "undone"
    assert changes.version(place) == "1"


def test_files_alone_leave_no_copy_of_the_environment(place: Environment, tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text("a\n")
    edit = Edit(str(file), sha256(b"a\n").hexdigest(), "b\n", "because")
    asked = changes.transaction(place, changes.run(place, "pass"), edits=(edit,))
    outcome = transaction.carry_out(asked, changes.store(tmp_path), verify, Silent())
    assert [effect.kind for effect in outcome.effects] == ["replace"]
    assert not list((tmp_path / ".torchsmith" / ".venv").glob("run-*"))


@pytest.mark.parametrize("name", [".torchsmith", ".torchsmith/.venv"])
@pytest.mark.parametrize("kind", ["link", "dot", "file"])
def test_a_folder_of_our_name_that_is_not_ours(place: Environment, tmp_path: Path, name: str, kind: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if kind == "file":
        path.write_text("x")
    else:
        path.symlink_to(victim if kind == "link" else ".")
    before = changes.tree(tmp_path)
    with pytest.raises(UsageError, match="not a folder of torchsmith's own"):
        apply(place, tmp_path, "2")
    assert changes.tree(tmp_path) == before
    assert not list(victim.iterdir())


def test_a_lock_that_leads_elsewhere_empties_nothing(place: Environment, tmp_path: Path) -> None:
    victim = tmp_path / ".bashrc"
    victim.write_text("mine\n")
    folder = locks.own_folder(locks.of_environment(Path(place.prefix)))
    for make in (Path.symlink_to, Path.hardlink_to):
        make(folder / "lock", victim)
        with pytest.raises(TorchsmithError, match="lock"):
            apply(place, tmp_path, "2")
        assert victim.read_text() == "mine\n"
        (folder / "lock").unlink()


def test_a_written_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shared.lock").write_text("x")
    (tmp_path / "uv.lock").symlink_to("shared.lock")
    run = replace(changes.run(Environment("/x", "/bin/true"), ""), argv=("true",), folder=str(tmp_path), writes=("uv.lock",))
    with pytest.raises(UsageError, match="symbolic link"):
        transaction.carry_out(Transaction("x", runs=(run,)), changes.store(tmp_path), verify, Silent())


def test_an_agent_that_an_installer_leaves_behind_holds_no_lock(place: Environment, tmp_path: Path) -> None:
    stay = "import subprocess; subprocess.Popen(['setsid', 'sleep', '20'], close_fds=False);"
    run = changes.run(place, stay + " (site / 'thing.py').unlink(); (site / 'thing.py').write_text('VERSION = 2\\n')")
    asked = changes.transaction(place, run)
    assert transaction.carry_out(asked, changes.store(tmp_path), verify, Silent()).status == "done"
    assert apply(place, tmp_path, "3") == "done"

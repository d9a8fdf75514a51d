"""Settings carried out by the engine: registry and files together, taken back, refused, cut; always as before or as promised."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.managers.options import WINDOWS_ROOT, option, place

from torchsmith.act import fresh_shell, transaction, undoing
from torchsmith.act.registry import MemoryRegistry
from torchsmith.act.store import Store
from torchsmith.act.watch import Silent
from torchsmith.managers import transactions
from torchsmith.managers.windows_settings import ASKED
from torchsmith.model.errors import TorchsmithError
from torchsmith.model.transaction import ENCODING, Outcome, Transaction

LONG = ";".join([*(rf"C:\very\long\directory\number{i:04d}\bin" for i in range(198)), "", r"%USERPROFILE%\bin"])
OLD = {"Path": ("REG_EXPAND_SZ", LONG), "CUDA_HOME": ("REG_SZ", r"C:\old")}


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def said(self, line: str) -> None:
        self.lines.append(line)


def unverified(*_: Any) -> tuple[tuple[str, bool, str], ...]:
    """There is no environment in these transactions."""
    return ()


def windows(values: MemoryRegistry) -> Transaction:
    read = tuple((key, name, *found) for key, name in ASKED if (found := values.read(key, name)))
    return transactions.made(option("user-path"), place("windows", r"C:\e", registry=read), {})


def registry() -> MemoryRegistry:
    return MemoryRegistry({("Environment", name): value for name, value in OLD.items()})


def state(values: MemoryRegistry) -> dict[str, tuple[str, str]]:
    return {name: value for (_, name), value in values.values.items()}


def run(made: Transaction, values: MemoryRegistry | None, root: Path, watch: Silent | None = None) -> Outcome:
    return transaction.carry_out(made, Store(root / "state"), unverified, watch or Silent(), values)


def undo(values: MemoryRegistry | None, root: Path) -> Outcome:
    return undoing.undo(Store(root / "state"), None, unverified, Silent(), registry=values)[-1]


def test_the_registry_changes_and_comes_back(tmp_path: Path) -> None:
    values = registry()
    outcome = run(windows(values), values, tmp_path)
    assert (outcome.status, outcome.problem) == ("done", "")
    assert state(values)["Path"] == ("REG_EXPAND_SZ", rf"{WINDOWS_ROOT}\bin;{LONG}")
    assert state(values)["CUDA_PATH"] == ("REG_SZ", WINDOWS_ROOT)
    assert ("broadcast", "", "") in values.log
    assert windows(values).empty
    assert undo(values, tmp_path).status == "undone"
    assert state(values) == OLD


def test_a_key_that_a_policy_locks_changes_nothing(tmp_path: Path) -> None:
    """S04: refused before anything is prepared."""
    values = registry()
    made = windows(values)
    values.forbidden = frozenset({"Environment"})
    with pytest.raises(TorchsmithError, match="denied"):
        run(made, values, tmp_path)
    assert state(values) == OLD
    assert not [entry for entry in values.log if entry[0] != "read"]


def test_a_value_that_somebody_changed_since_the_plan(tmp_path: Path) -> None:
    values = registry()
    made = windows(values)
    values.put("Environment", "Path", ("REG_SZ", LONG))
    with pytest.raises(TorchsmithError, match="Path"):
        run(made, values, tmp_path)
    assert state(values) == OLD | {"Path": ("REG_SZ", LONG)}


def test_a_value_that_somebody_changes_while_it_is_carried_out(tmp_path: Path) -> None:
    """What is ours goes back, what is theirs stays, and the next run is not held up by it."""
    values = registry()
    made = windows(values)
    theirs = ("REG_EXPAND_SZ", r"C:\theirs")

    def meddle(key: str, _name: str) -> None:
        if any(entry[0] == "write" for entry in values.log):  # the first of our values is written
            values.put(key, "Path", theirs)

    values.meddler = meddle
    outcome = run(made, values, tmp_path)
    values.meddler = None
    assert outcome.status == "failed"
    assert state(values) == OLD | {"Path": theirs}
    assert run(windows(values), values, tmp_path).status == "done"
    assert state(values)["Path"] == ("REG_EXPAND_SZ", rf"{WINDOWS_ROOT}\bin;C:\theirs")


def test_a_write_that_is_lost_is_no_success(tmp_path: Path) -> None:
    values = registry()
    made = windows(values)
    values.forgets = True
    outcome = run(made, values, tmp_path)
    assert outcome.status == "failed"
    assert state(values) == OLD


def test_a_broadcast_that_times_out_is_told(tmp_path: Path) -> None:
    values, watch = registry(), Told()
    values.deaf = True
    outcome = run(windows(values), values, tmp_path, watch)
    assert outcome.status == "done"
    assert any("started anew" in line for line in (*watch.lines, *outcome.said))


@pytest.mark.parametrize("number", range(1, 4))
def test_a_run_that_is_cut_between_two_values_is_finished(number: int, tmp_path: Path) -> None:
    """Killed after the decision: the next run of any kind finishes it."""
    values = registry()
    made = windows(values)

    class CutError(BaseException):
        pass

    def cut(_key: str, _name: str) -> None:
        if len([entry for entry in values.log if entry[0] == "write"]) == number:
            values.meddler = None
            os._exit(9)

    values.meddler = cut
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        values.put = _telling(values, writer)  # type: ignore[method-assign]
        run(made, values, tmp_path)
        os._exit(0)
    os.close(writer)
    told = b""
    while more := os.read(reader, 65536):
        told += more
    os.close(reader)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    values.meddler = None
    for line in told.decode().splitlines():  # what the child wrote is what a registry would hold now
        key, name, kind, text = line.split("\t")
        values.put(key, name, (kind, text))
    assert state(values) != OLD
    store = Store(tmp_path / "state")
    assert [past.state for past in store.pending()] == ["committed"]
    transaction.resume(store, unverified, Silent(), registry=values)
    assert state(values)["Path"] == ("REG_EXPAND_SZ", rf"{WINDOWS_ROOT}\bin;{LONG}")
    assert state(values)["CUDA_HOME"] == state(values)["CUDA_PATH"] == ("REG_SZ", WINDOWS_ROOT)
    assert undo(values, tmp_path).status == "undone"
    assert state(values) == OLD


def _telling(values: MemoryRegistry, writer: int) -> Any:
    put = values.put

    def telling(key: str, name: str, value: tuple[str, str] | None) -> None:
        put(key, name, value)
        os.write(writer, "\t".join((key, name, *(value or ("", "")))).encode() + b"\n")

    return telling


# ---- files of shells


def of_shell(home: Path, **values: str) -> Transaction:
    there = place(home=str(home), values=tuple({"SHELL": "/bin/bash", **values}.items()))
    paths = transactions.wanted(option("user-path"), there, {})
    files = {path: Path(path).read_bytes().decode(*ENCODING) for path in paths if Path(path).is_file()}
    return transactions.made(option("user-path"), there, files)


def test_a_startup_file_that_is_a_link_into_a_repository(tmp_path: Path) -> None:
    """S01: the file behind the link changes and the link stays; modes are kept; undo is exact."""
    home, repository = tmp_path / "home", tmp_path / "dotfiles"
    home.mkdir()
    repository.mkdir()
    (repository / "bashrc").write_bytes(b"A=1\n# caf\xe9")
    (repository / "bashrc").chmod(0o600)
    (home / ".bashrc").symlink_to("../dotfiles/bashrc")
    made = of_shell(home)
    outcome = run(made, None, tmp_path)
    assert (outcome.status, outcome.problem) == ("done", "")
    assert (home / ".bashrc").readlink() == Path("../dotfiles/bashrc")
    assert b"CUDA_HOME" in (repository / "bashrc").read_bytes()
    assert (repository / "bashrc").stat().st_mode & 0o777 == 0o600
    seen = fresh_shell.of_shell("bash", str(home), {"PATH": os.environ["PATH"]}, login=False)
    assert seen is not None
    assert seen["CUDA_HOME"] == "/opt/cuda-12.8"
    assert of_shell(home).empty
    assert undo(None, tmp_path).status == "undone"
    assert (repository / "bashrc").read_bytes() == b"A=1\n# caf\xe9"
    assert (repository / "bashrc").stat().st_mode & 0o777 == 0o600
    assert (home / ".bashrc").readlink() == Path("../dotfiles/bashrc")
    assert sorted(path.name for path in home.iterdir()) == [".bashrc"]


def test_a_line_of_the_user_that_wins_is_found_by_a_new_shell(tmp_path: Path) -> None:
    """A change that a new shell does not see is no success: it is taken back, with what was seen."""
    (tmp_path / ".bashrc").write_text("readonly CUDA_HOME=/theirs\n")
    outcome = run(of_shell(tmp_path), None, tmp_path)
    assert outcome.status == "failed"
    assert "CUDA_HOME in a new bash" in outcome.problem + str(outcome.checks)
    assert (tmp_path / ".bashrc").read_text() == "readonly CUDA_HOME=/theirs\n"
    assert not (tmp_path / ".profile").exists()


def test_two_startup_files_that_are_one(tmp_path: Path) -> None:
    """S01: `.bash_profile` is often a link to `.bashrc`."""
    (tmp_path / ".bashrc").write_text("A=1\n")
    (tmp_path / ".bash_profile").symlink_to(".bashrc")
    outcome = run(of_shell(tmp_path), None, tmp_path)
    assert (outcome.status, outcome.problem) == ("done", "")
    assert (tmp_path / ".bashrc").read_text().count(">>> torchsmith >>>") == 1
    assert of_shell(tmp_path).empty
    assert undo(None, tmp_path).status == "undone"
    assert (tmp_path / ".bashrc").read_text() == "A=1\n"
    assert (tmp_path / ".bash_profile").is_symlink()

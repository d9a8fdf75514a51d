"""Any order of applying, being killed, taking back, resuming, pruning, a user's own edits and a second run at the same time.

The model knows what is live and what each run found and left; the engine must agree after every step.
"""

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.faults.ground import AtEach, forked

from torchsmith.act import clone, files, generations, undoing
from torchsmith.act import transaction as engine
from torchsmith.act.store import DamagedError, Store
from torchsmith.act.watch import Silent
from torchsmith.model.errors import HeldError, StaleError, UsageError
from torchsmith.model.transaction import Edit, Environment, Run, Transaction

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the small environment is one of Linux")]

PHASES = ("copy", "set", "check the copy", "write everything", "put the changes", "check what is live")
INSTALL = 'rm -f "$1/lib/thing" && printf %s "$2" > "$1/lib/thing"'


@dataclass(frozen=True)
class Live:
    """All that can change: the package, the project's file, and what the user has put beside the package."""

    thing: str = "0"
    file: str = "version 0\n"
    beside: tuple[str, ...] = ()


@dataclass
class Ran:
    """A run that is done: what it found, what it left."""

    number: int
    before: Live
    after: Live
    undone: bool = False


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="torchsmith-any-order-"))
        self.prefix, self.file = self.folder / "env", self.folder / "pyproject.toml"
        (self.prefix / "lib").mkdir(parents=True)
        (self.prefix / "pyvenv.cfg").write_text("home = /nowhere\n")
        (self.prefix / "lib" / "thing").write_text("0")
        self.file.write_text("version 0\n")
        self.store = Store(self.folder / "state")
        self.live, self.ran, self.count, self.edits = Live(), list[Ran](), 0, 0
        self.cut: Ran | None = None

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    # ---- what is done

    def asked(self, number: int) -> Transaction:
        run = Run(("/bin/sh", "-c", INSTALL, "sh", str(self.prefix), str(number)), "set it")
        edit = Edit(str(self.file), files.digest(self.file), f"version {number}\n", "a test")
        place = Environment(str(self.prefix), str(self.prefix / "bin" / "python"))
        return Transaction(f"to {number}", place, (edit,), (run,), fingerprint=clone.fingerprint(self.prefix))

    def verify(self, python: str, transaction: Transaction, live: bool) -> tuple[tuple[str, bool, str], ...]:
        del live
        found = (Path(python).parents[1] / "lib" / "thing").read_text()
        return (("thing", found == transaction.title.removeprefix("to "), found),)

    def carry_out(self, number: int, watch: Silent) -> str:
        return engine.carry_out(self.asked(number), self.store, self.verify, watch).status

    def settle(self) -> None:
        """What the next run does with one that was cut after its decision."""
        if self.cut is not None:
            self.ran.append(self.cut)
            self.cut = None

    def taken_back(self) -> None:
        """What becomes of a decided run that is discarded: each thing goes back unless the user changed it since."""
        if self.cut is None:
            return
        was, then, now = self.cut.before, self.cut.after, self.live
        ours = (now.thing, now.beside) == (then.thing, then.beside)
        thing, beside = (was.thing, was.beside) if ours else (now.thing, now.beside)
        self.live, self.cut = Live(thing, was.file if now.file == then.file else now.file, beside), None

    def note(self) -> None:
        after = Live(str(self.count), f"version {self.count}\n", self.live.beside)
        self.settle()
        self.ran.append(Ran(self.store.history()[-1].number, self.live, after))
        self.live = after

    @rule()
    def apply(self) -> None:
        self.count += 1
        assert self.carry_out(self.count, Silent()) == "done"
        self.note()

    @rule(phase=st.sampled_from(PHASES))
    def apply_while_another_begins(self, phase: str) -> None:
        self.count += 1
        told = []

        def second() -> int:
            try:
                self.carry_out(999, Silent())
            except HeldError:
                return 73
            return 0

        watch = AtEach(lambda: told.append(forked(second)), phase)
        assert self.carry_out(self.count, watch) == "done"
        assert told == [73]
        self.note()

    @rule(phase=st.sampled_from(PHASES))
    def apply_and_be_killed(self, phase: str) -> None:
        self.count += 1
        assert forked(lambda: int(self.carry_out(self.count, AtEach(lambda: os._exit(9), phase)) != "")) == 9
        self.settle()  # an earlier one, by this one before it was killed
        if phase == PHASES[-1]:
            after = Live(str(self.count), f"version {self.count}\n", self.live.beside)
            self.cut = Ran(self.store.history()[-1].number, self.live, after)
            self.live = after

    @rule(discard=st.booleans())
    def resume(self, discard: bool) -> None:
        if discard:
            self.taken_back()
        before, staging = self.cut, [past.title for past in self.store.pending() if past.state == "staging"]
        outcomes = None
        try:
            outcomes = engine.resume(self.store, self.verify, Silent(), discard=discard)
        except StaleError:  # what it was made for has changed since: then it is discarded
            assert staging
            assert not discard
        self.settle()
        done = [
            outcome for outcome in outcomes or () if outcome.status == "done" and (before is None or outcome.run != before.number)
        ]
        if done:
            assert not discard
            number = staging[-1].removeprefix("to ")
            after = Live(number, f"version {number}\n", self.live.beside)
            self.ran.append(Ran(done[-1].run, self.live, after))
            self.live = after
        assert self.store.pending() == ()

    @rule()
    @precondition(lambda self: self.cut is None)
    def undo(self) -> None:
        last = next((ran for ran in reversed(self.ran) if not ran.undone), None)
        try:
            outcomes = undoing.undo(self.store, None, self.verify, Silent())
        except UsageError:
            assert last is None
        except StaleError:
            assert last is not None
            assert self.live != last.after
        except DamagedError:
            assert last is not None
            assert last.number not in generations.kept(self.store)
        else:
            assert last is not None
            assert [outcome.status for outcome in outcomes] == ["undone"]
            assert self.live == last.after
            self.live, last.undone = last.before, True

    @rule()
    def the_user_saves(self) -> None:
        self.edits += 1
        text = f"mine {self.edits}\n"
        self.file.write_text(text)
        self.live = Live(self.live.thing, text, self.live.beside)

    @rule()
    def the_user_installs(self) -> None:
        self.edits += 1
        name = f"mine{self.edits}"
        (self.prefix / "lib" / name).write_text("mine")
        self.live = Live(self.live.thing, self.live.file, (*self.live.beside, name))

    @rule(keep=st.integers(0, 3))
    @precondition(lambda self: self.cut is None)
    def prune(self, keep: int) -> None:
        generations.prune(self.store, keep)

    # ---- what always holds

    @invariant()
    def what_is_live_is_what_the_model_says(self) -> None:
        found = {path.name for path in (self.prefix / "lib").iterdir()}
        assert found == {"thing", *self.live.beside}
        assert ((self.prefix / "lib" / "thing").read_text(), self.file.read_text()) == (self.live.thing, self.live.file)

    @invariant()
    def nothing_is_left_beside_the_file(self) -> None:
        names = {path.name for path in self.folder.iterdir()} - {"env", "pyproject.toml", "state", ".torchsmith"}
        assert not names or self.store.pending()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))

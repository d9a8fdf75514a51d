"""What the tests of single faults stand on: a small environment or project, the engine, and an oracle that knows OLD and NEW."""

import os
from collections.abc import Callable
from pathlib import Path

from tools.faults import scenarios
from tools.faults.bench import Bench
from tools.faults.oracle import Judged, Oracle, Verdict, together
from tools.faults.scenarios import SCENARIOS
from tools.faults.verifying import quick

from torchsmith.act import transaction as engine
from torchsmith.act import undoing
from torchsmith.act.store import Store
from torchsmith.act.watch import Silent
from torchsmith.model.transaction import Outcome, Transaction


class Ground:
    """One scenario of tools/faults, laid out and undisturbed."""

    def __init__(self, folder: Path, name: str = "venv") -> None:
        self.scenario = SCENARIOS[name]
        self.bench = Bench(folder / "bench")
        self.scenario.lay(self.bench)
        self.store = Store(self.bench.state)
        self.registry = scenarios.registry(self.bench)
        self.oracle = Oracle(self.scenario.things(self.bench))
        self.oracle.take_old()

    @property
    def transaction(self) -> Transaction:
        """As a plan of this moment has it."""
        return self.scenario.transaction(self.bench)

    def apply(self, asked: Transaction | None = None, watch: Silent | None = None) -> Outcome:
        """Carry it out here."""
        return engine.carry_out(asked or self.transaction, self.store, quick, watch or Silent(), self.registry)

    def undo(self, number: int | None = None) -> tuple[Outcome, ...]:
        """Take a run back."""
        return undoing.undo(self.store, number, quick, Silent(), registry=self.registry)

    def resume(self) -> tuple[Outcome, ...]:
        """Settle what was cut."""
        return engine.resume(self.store, quick, Silent(), discard=True, registry=self.registry)

    def old(self) -> None:
        """Everything is exactly as it was."""
        assert {name: (judged.verdict, judged.why) for name, judged in self._judged().items()} == dict.fromkeys(
            self.oracle.things, (Verdict.OLD, "")
        )

    def _judged(self) -> dict[str, Judged]:
        if not self.oracle.new:
            self.oracle.new = self.oracle.old
        return self.oracle.all()

    def new(self) -> bool:
        """Whether the environment's torch is the new one, by a new process."""
        return all(passed for _, passed, _ in quick(str(self.bench.python), self.transaction, True))


class AtEach(Silent):
    """Does something when a phase begins whose name begins so; phases are remembered."""

    def __init__(self, action: Callable[[], object], phase: str = "") -> None:
        self.action, self.phase_name, self.phases = action, phase, list[str]()

    def phase(self, name: str) -> None:
        self.phases.append(name)
        if name.startswith(self.phase_name):
            self.action()


def forked(action: Callable[[], int]) -> int:
    """The exit code of an action in a process of its own."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = action()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def all_of(ground: Ground) -> Verdict:
    """OLD, NEW or BROKEN, once NEW is known."""
    return together(ground.oracle.all(), ground.oracle.changing()).verdict

"""The engine under faults: one process that the injector is loaded into, and a fork of it for every run.

A point: put everything back, run with one fault at one call, judge each thing by itself; start once more as the next user would
(resume), judge all things together; then run again (or undo), which has to give exactly NEW (or OLD).
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tools.faults import scenarios
from tools.faults.injector import FAULTS
from tools.faults.oracle import Judged, Oracle, Verdict, together
from tools.faults.verifying import quick

from torchsmith.act import store as stores
from torchsmith.act import transaction as engine
from torchsmith.act import undoing
from torchsmith.act.watch import Silent
from torchsmith.model.errors import HeldError, TorchsmithError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.faults.bench import Bench
    from tools.faults.injector import Fault, Injector
    from tools.faults.scenarios import Scenario

    from torchsmith.model.transaction import Outcome

LIMIT: Final = 60.0
_SUBREAPER: Final = 36
_PATIENCE: Final = 15.0
_SIGNALLED: Final = {"SIGINT": (130,), "SIGINT twice": (130,), "SIGTERM": (143,)}
"""Exit codes of a run that a signal has ended."""


@dataclass(slots=True)
class Ended:
    """How a forked run ended: what it said of itself (None: it was killed before it could), and its signal."""

    told: dict[str, Any] | None
    signal: int = 0
    slow: bool = False

    @property
    def status(self) -> str:
        """In a word."""
        return str(self.told["status"]) if self.told else "slow" if self.slow else f"killed by {self.signal}"


@dataclass(slots=True)
class Point:
    """One injected fault and everything that was wrong about what it left."""

    scenario: str
    fault: str
    at: int
    ended: str = ""
    verdict: str = ""
    wrong: list[str] = field(default_factory=list)


class Trial:
    """One scenario on one bench."""

    def __init__(self, scenario: Scenario, bench: Bench, injected: Injector, verify: Callable[..., Any] = quick) -> None:
        self.scenario, self.bench, self.injected, self.verify = scenario, bench, injected, verify
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)  # who outlives a killed run becomes ours
        self.cut_at = 0
        self.store = stores.Store(bench.state)
        self.registry = scenarios.registry(bench)
        os.environ["HOME"] = str(bench.root / "home")  # where a new shell looks for its settings
        scenario.lay(bench)
        self.oracle = Oracle(scenario.things(bench))
        self._learn()

    # ---- the undisturbed runs, from which OLD and NEW are known

    def _learn(self) -> None:
        self.bench.keep()
        self.oracle.take_old()
        self.transaction = self.scenario.transaction(self.bench)
        told = self.apply()  # in this process: what it imports need not be imported in every fork
        if told.status != "done":
            raise RuntimeError(f"{self.scenario.name} fails undisturbed: {told.problem} {told.said}")
        self.oracle.take_new()
        self.tidy_names = self.names()
        self.changing = self.oracle.changing()
        if self.scenario.begins == "resume":
            self._find_cut()

    def _find_cut(self) -> None:
        """Which call leaves half of the effects done: there the run is killed that is resumed."""
        self.bench.put_back()
        self.injected.arm(log=True)
        self.forked(self.apply)
        calls = self.injected.calls()
        self.injected.disarm()
        decided = max(call.number for call in calls if call.second.endswith("commit.json"))
        for at in range(decided + 1, calls[-1].number + 1):
            self.bench.put_back()
            self._kill(at)
            verdicts = {name: judged.verdict for name, judged in self.oracle.all().items()}
            if (
                self.store.pending()
                and all(each.state == "committed" for each in self.store.pending())
                and self._halfway(verdicts)
            ):
                self.cut_at = at
                return
        raise RuntimeError("no half done state was found")

    def _kill(self, at: int) -> None:
        self.injected.arm(FAULTS["SIGKILL of all"], at)
        self.forked(self.apply)
        self.injected.disarm()
        self.reap()

    def _halfway(self, verdicts: dict[str, Verdict]) -> bool:
        new = sum(verdicts[name] is Verdict.NEW for name in self.changing)
        return new == len(self.changing) // 2

    # ---- what is run in a fork

    def apply(self) -> Outcome:
        """The change; made again from what is there, as `apply` without a plan file does."""
        return engine.carry_out(self.transaction, self.store, self.verify, Silent(), self.registry)

    def apply_again(self) -> Outcome:
        """As the user would who starts once more: a plan of now."""
        return engine.carry_out(self.scenario.transaction(self.bench), self.store, self.verify, Silent(), self.registry)

    def undo(self) -> Outcome:
        """The last run is taken back."""
        return undoing.undo(self.store, None, self.verify, Silent(), registry=self.registry)[-1]

    def resume(self) -> Outcome | None:
        """Whatever was cut is brought to an end: forward, or what was not decided once more."""
        return self._resumed(discard=False)

    def discard(self) -> Outcome | None:
        """Whatever was cut is taken back."""
        return self._resumed(discard=True)

    def _resumed(self, *, discard: bool) -> Outcome | None:
        return next(iter(engine.resume(self.store, self.verify, Silent(), discard=discard, registry=self.registry)), None)

    def forked(self, action: Callable[[], Outcome | None], *, lead: bool = True) -> Ended:
        """Run something in a process of its own; all that it started is waited for, unless it was told otherwise."""
        out, into = os.pipe()
        child = os.fork()
        if child == 0:
            _answer(action, into)
        os.close(into)
        if lead:
            self.injected.driven_by(child)
        ended = self._wait(child, out)
        os.close(out)
        return ended

    def _wait(self, child: int, out: int) -> Ended:
        data, ends = b"", time.monotonic() + LIMIT
        os.set_blocking(out, False)
        status, slow = None, False
        while status is None:
            with suppress(BlockingIOError):
                data += os.read(out, 1 << 16)
            found, code = os.waitpid(child, os.WNOHANG)
            if found:
                status = code
            elif time.monotonic() > ends:
                slow = True
                os.killpg(child, signal.SIGKILL)
                ends += LIMIT
            else:
                time.sleep(0.002)
        with suppress(BlockingIOError):
            while part := os.read(out, 1 << 16):
                data += part
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return Ended(json.loads(data) if data and not number else None, number, slow)

    # ---- a point

    def begin(self) -> Callable[[], Outcome | None]:
        """Everything as it was, and what is disturbed. A copy would have other inode numbers than the journal of a run."""
        self.bench.put_back()
        if self.scenario.begins == "undo":
            self.forked(self.apply)
        elif self.scenario.begins == "resume":
            self._kill(self.cut_at)
        return {"apply": self.apply, "undo": self.undo, "resume": self.resume}[self.scenario.begins]

    def count(self, fault: Fault) -> int:
        """How many points there are: calls of the fault's classes in an undisturbed run."""
        action = self.begin()
        self.injected.arm(fault)
        self.forked(action)
        self.injected.disarm()
        return self.injected.count

    def point(self, fault: Fault, at: int) -> Point | None:
        """One; None where the run did not come to that call."""
        action = self.begin()
        self.injected.arm(fault, at)
        ended = self.forked(action)
        self.injected.disarm()
        if not self.injected.hits:
            return None
        point = Point(self.scenario.name, fault.name, at, ended.status)
        self.judge_now(point, ended)
        self.reap()
        self.judge_later(point)
        return point

    def judge_now(self, point: Point, ended: Ended) -> None:
        """At once: each thing is OLD or NEW by itself, and what the run said of itself is true."""
        judged = self.judge_each(point)
        if ended.slow:
            point.wrong.append(f"no end in {LIMIT:g} s")
        if not ended.told:
            return
        all_of = together(judged, self.changing)
        status = ended.told["status"]
        if status == "crash":
            point.wrong.append(f"crash: {ended.told['problem']}")
        codes = _SIGNALLED.get(point.fault)
        if status == "error" and codes and ended.told["exit"] not in codes:
            point.wrong.append(f"exit {ended.told['exit']} after {point.fault}: {ended.told['problem']}")
        if status == "failed" and not ended.told["problem"]:
            point.wrong.append("it failed and does not say why")
        forward = self.scenario.begins != "undo"
        wanted = Verdict.NEW if (status in {"done", "undone"}) == forward else Verdict.OLD
        if self.scenario.begins == "resume":
            wanted = Verdict.NEW if status == "done" else all_of.verdict
        pending = bool(self.store.pending())
        finished = (
            status == "error" and codes and self.scenario.begins != "apply"
        )  # a way back that was decided is gone to its end
        if (
            not finished
            and status not in {"crash", "None", "cut"}
            and all_of.verdict is not wanted
            and not (pending and all_of.verdict is Verdict.BROKEN)
        ):
            point.wrong.append(
                f"it said {status} (exit {ended.told['exit']}), and what is there is {all_of.verdict} {all_of.why}"
            )

    def judge_each(self, point: Point) -> dict[str, Judged]:
        """Each thing is OLD or NEW by itself."""
        judged = self.oracle.all()
        point.wrong += [f"at once: {each.why}" for each in judged.values() if each.verdict is Verdict.BROKEN]
        return judged

    def reap(self) -> None:
        """The next start, first while a program of the killed run may still work, then after its end."""
        ends = time.monotonic() + _PATIENCE
        while time.monotonic() < ends:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(0.01)
            except ChildProcessError:
                return
        for left in _children():
            with suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)

    def judge_later(self, point: Point) -> None:
        """After the next start all things are OLD or all are NEW; running again, or taking back, gives exactly the other."""
        resumed = self.forked(self.discard if point.at % 2 else self.resume, lead=False)
        if not resumed.told or resumed.status in {"crash", "error"}:
            point.wrong.append(f"resume: {resumed.told or resumed.status}")
        judged = together(self.oracle.all(), self.changing)
        point.verdict = judged.verdict
        if judged.verdict is Verdict.BROKEN:
            point.wrong.append(f"after resume: {judged.why}")
        if self.store.pending():
            point.wrong.append(f"after resume: still pending {self.store.pending()}")
        self._heal(point, judged.verdict)

    def _heal(self, point: Point, verdict: str) -> None:
        back = verdict == Verdict.NEW
        again = self.forked(self.undo if back else self.apply_again, lead=False)
        wanted = Verdict.OLD if back else Verdict.NEW
        judged = together(self.oracle.all(), self.changing)
        if judged.verdict is not wanted:
            point.wrong.append(
                f"run again ({'undo' if back else 'apply'}): {again.told or again.status}; {judged.verdict} {judged.why}"
            )
        if not back and (litter := self.names() - self.tidy_names):
            point.wrong.append(f"left behind: {sorted(litter)[:4]}")

    def names(self) -> set[str]:
        """What lies outside the things and the store, generations by number left out: litter shows here."""
        inside = (*map(str, self.oracle.things.values()), str(self.bench.state))
        found = set()
        for folder, folders, names in os.walk(self.bench.root):
            folders[:] = [name for name in folders if not _ours(folder, name)]
            paths = (f"{folder}{os.sep}{name}" for name in (*folders, *names))
            found |= {os.path.relpath(path, self.bench.root) for path in paths if not path.startswith(inside)}
        return found


def _ours(folder: str, name: str) -> bool:
    """Generations, numbered; their number depends on how often was run."""
    return ".torchsmith" in folder and name.startswith("run-") and not name.endswith((".new", ".aside", ".gone"))


def _children() -> list[int]:
    """Processes whose parent we are."""
    own, found = os.getpid(), []
    for about in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            if int(about.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]) == own:
                found.append(int(about.parent.name))
    return found


def _answer(action: Callable[[], Outcome | None], into: int) -> None:
    """In the fork: run, tell how it ended, and be gone without tidying."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    told: dict[str, Any]
    try:
        outcome = action()
        told = (
            {"status": outcome.status, "exit": outcome.exit_code, "problem": outcome.problem}
            if outcome
            else {"status": "None", "exit": 0}
        )
    except HeldError as error:
        told = {"status": "held", "exit": error.exit_code, "problem": str(error)}
    except TorchsmithError as error:
        told = {"status": "error", "exit": error.exit_code, "problem": f"{type(error).__name__}: {error}"}
    except KeyboardInterrupt:
        told = {"status": "interrupted", "exit": 130, "problem": ""}
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        told = {"status": "crash", "exit": 70, "problem": "".join(traceback.format_exception(error)[-3:])}
    with suppress(OSError):
        os.write(into, json.dumps(told).encode())
    os._exit(0)

"""Collect, judge and fold, with nodes and rules of this file's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from torchsmith.engine.collect import collect
from torchsmith.engine.declare import Need, Node, RuleNode, fact_name, needs_of
from torchsmith.engine.fold import fold
from torchsmith.engine.judge import judge
from torchsmith.model.finding import Finding, NotApplicable, Outcome, Proof, Severity
from torchsmith.model.known import Known, Unknown

HERE = __name__


class Host:
    asked = 0


def speed(host: Host) -> Known[int]:
    host.asked += 1
    return Known(7, "speedometer")


def broken(host: Host) -> Known[int]:
    raise ValueError("no such wheel")


def nothing(host: Host) -> Known[None]:
    return Known(None, "looked everywhere")


def double(speed: int) -> int:
    return 2 * speed


NODES = (
    Node("speed", HERE, "speed", (), host=True),
    Node("broken", HERE, "broken", (), host=True),
    Node("nothing", HERE, "nothing", (), host=True),
    Node("double", HERE, "double", (Need("speed"),)),
    Node("of_broken", HERE, "double", (Need("broken"),)),
    Node("of_nothing", HERE, "double", (Need("nothing"),)),
)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])


def test_collect() -> None:
    facts = collect(Host(), NODES, {})
    assert facts["double"] == Known(14, "speedometer")
    assert facts["broken"] == Unknown("crashed: ValueError: no such wheel", (HERE,))
    assert facts["of_broken"] == Unknown("broken is unknown: crashed: ValueError: no such wheel", (HERE,))
    assert facts["of_nothing"] == Known(None, "there is no nothing (looked everywhere)")


def test_an_assumption_takes_the_place_of_the_probe_and_shows() -> None:
    host = Host()
    facts = collect(host, NODES, {"speed": Known(1, "assumed: speed=1")})
    assert host.asked == 0
    assert facts["double"] == Known(2, "assumed: speed=1")


def rule_module(name: str, monkeypatch: pytest.MonkeyPatch, check: object) -> RuleNode:
    module = type(sys)(name)
    module.check = check  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, module)
    return RuleNode(name, name, (Need("speed"),), ("symptom",))


def finds(speed: int) -> Iterator[Finding]:
    yield Finding(Severity.BLOCKER, "machine", f"too fast: {speed}", evidence=(Proof("speed", speed),))


def silent(speed: int) -> Iterator[Finding]:
    yield from ()


def crashes(speed: int) -> Iterator[Finding]:
    yield Finding(Severity.NOTE, "machine", "half a finding")
    raise KeyError("flat")


def declines(speed: int) -> Iterator[Finding]:
    raise NotApplicable("stands still")
    yield


@pytest.mark.parametrize(
    ("check", "outcome", "reason"),
    [
        (finds, Outcome.FAILED, ""),
        (silent, Outcome.PASSED, ""),
        (crashes, Outcome.CRASHED, "crashed: KeyError: 'flat'"),
        (declines, Outcome.NOT_APPLICABLE, "stands still"),
    ],
)
def test_outcomes(monkeypatch: pytest.MonkeyPatch, check: object, outcome: Outcome, reason: str) -> None:
    node = rule_module("some-rule", monkeypatch, check)
    (judgement,) = judge([node], {"speed": Known(7, "speedometer")}, frozenset({"linux"}))
    assert (judgement.outcome, judgement.reason) == (outcome, reason)
    for finding in judgement.findings:
        assert (finding.cause, finding.explains, finding.evidence[0].source) == ("some-rule", ("symptom",), "speedometer")


def test_skipped_and_not_applicable(monkeypatch: pytest.MonkeyPatch) -> None:
    node = rule_module("some-rule", monkeypatch, finds)
    unknown = judge([node], {"speed": Unknown("fogged", ("glass",))}, frozenset())[0]
    absent = judge([node], {"speed": Known(None, "no wheels")}, frozenset())[0]
    elsewhere = judge([RuleNode("w", "w", (), (), ("windows",))], {}, frozenset({"linux"}))[0]
    assert (unknown.outcome, unknown.reason) == (Outcome.SKIPPED, "speed is unknown: fogged")
    assert (absent.outcome, elsewhere.outcome) == (Outcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE)


def finding(
    cause: str, subject: str = "machine", severity: Severity = Severity.BLOCKER, explains: tuple[str, ...] = (), sure: float = 0.9
) -> Finding:
    return Finding(severity, subject, cause, cause=cause, explains=explains, confidence=sure)


@pytest.mark.parametrize(
    ("findings", "roots"),
    [
        ([finding("b"), finding("a", explains=("b",))], ["a"]),
        ([finding("a", explains=("b",)), finding("b", explains=("c",)), finding("c")], ["a"]),
        ([finding("b", explains=("a",)), finding("a", explains=("b",), sure=0.95)], ["a"]),
        ([finding("a", "gpu:1", explains=("b",)), finding("b", "gpu:0")], ["b", "a"]),
        ([finding("a", "gpu:1", explains=("b",)), finding("b", "gpu:1")], ["a"]),
        ([finding("a", "python", explains=("b",)), finding("b", "gpu:1")], ["a"]),
        ([finding("late"), finding("early")], ["early", "late"]),
        ([finding("early", severity=Severity.NOTE), finding("late")], ["late", "early"]),
        ([finding("early", sure=0.4), finding("late")], ["late", "early"]),
    ],
)
def test_fold(findings: list[Finding], roots: list[str]) -> None:
    found, symptoms = fold(findings, {"early": 0, "late": 9})
    assert [f.cause for f in found] == roots
    assert len(found) + len(symptoms) == len(findings)


class Gpu:
    pass


def test_needs() -> None:
    def function(gpu: Gpu, host: Host, other_fact: OtherFact | None, third: Third | Unknown | None) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    assert needs_of(function) == (Need("gpu"), Need("other_fact", absent=True), Need("third", absent=True, unknown=True))
    assert fact_name("TorchGpuCode") == "torch_gpu_code"

    def wrong(card: Gpu) -> None: ...

    with pytest.raises(TypeError):
        needs_of(wrong)

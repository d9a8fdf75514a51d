"""Every captured machine, read the way ``torchsmith check --from`` reads it."""

import re
from pathlib import Path

import pytest

from tests import machines
from tests.machines import Machine
from torchsmith.app import asked, check
from torchsmith.host.replay import ReplayHost
from torchsmith.model.diagnosis import Diagnosis
from torchsmith.model.finding import Outcome, Severity

ALL = machines.machines()
VERDICTS = {"fits", "degraded", "blocked", "unknown", "not-environment"}
# What a bundle of a machine of ours must not carry: its folders, its package index, credentials.
PRIVATE = re.compile(r"/work/|/tmp/|/root/|/opt/pypi|/opt/wheels|https?://[\w.-]+(?::\d+|/simple)|https?://[^/\s\"]*@")


def diagnose(evidence: Path) -> Diagnosis:
    host, assumed = asked.evidence(ReplayHost({}), str(evidence), None, ())
    return check.check(host, assumed)


@pytest.mark.parametrize("machine", ALL, ids=[machine.name for machine in ALL])
def test_machine(machine: Machine) -> None:
    diagnosis = diagnose(machine.evidence)
    crashed = [f"{j.rule}: {j.reason}" for j in diagnosis.judgements if j.outcome is Outcome.CRASHED]
    assert not crashed
    causes = [finding.cause for finding in diagnosis.root_causes]
    assert not set(causes) & set(machine.never), f"false alarm: {causes}"
    # Notes are good to know; they are no fault of a machine that fits.
    faults = [finding.cause for finding in diagnosis.root_causes if finding.severity is not Severity.NOTE]
    first = (faults if not machine.root_cause else causes or [""])[:1] or [""]
    accepted = {machine.root_cause, *machine.also}
    assert first[0] in accepted, f"expected one of {sorted(accepted)}, found {causes}"
    assert diagnosis.verdict.value == machine.verdict, f"{diagnosis.verdict.value}, undecided: {diagnosis.undecided}"


@pytest.mark.parametrize("machine", ALL, ids=[machine.name for machine in ALL])
def test_machine_is_told_well(machine: Machine) -> None:
    assert machine.origin in machines.ORIGINS
    assert machine.origin != "quoted" or machine.source.startswith("https://")
    assert machine.verdict in VERDICTS
    assert machine.title
    assert "\n" not in machine.title
    assert re.fullmatch(r"(?:linux|windows|wsl|docker|jetson|hpc|macos)-[a-z0-9.+-]+-[a-z0-9.+-]+-[a-z0-9.+-]+", machine.name)
    if machine.origin == "captured":
        found = PRIVATE.findall(machine.evidence.read_text("utf-8"))
        assert not found, f"not redacted: {found[:5]}"


def test_enough_real_machines() -> None:
    of = machines.counts()
    assert of["captured"] + of["quoted"] >= 40
    healthy = [m for m in ALL if not m.root_cause and m.origin != "synthetic"]
    assert len(healthy) >= 8

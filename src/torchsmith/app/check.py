"""``torchsmith check``: collect, judge, fold."""

from __future__ import annotations

from torchsmith.app.catalogue import DETAILS, NODES, RULES
from torchsmith.engine.collect import collect
from torchsmith.engine.fold import fold
from torchsmith.engine.judge import judge
from torchsmith.managers.advice import adapted
from torchsmith.model.diagnosis import Diagnosis, Verdict
from torchsmith.model.finding import Finding, Judgement, Outcome, Severity
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from torchsmith.engine.declare import Node
    from torchsmith.host.base import Host

NOT_ENVIRONMENT = frozenset(
    {"out-of-memory", "user-code-bug", "benign-arch-warning", "mig-single-instance-limit", "hardcoded-cuda-device"}
)

HEALTHY = "no-fault"
"""The cause that is none: a report that shows a healthy environment."""


def check(
    host: Host,
    assumed: Mapping[str, Fact[Any]] | None = None,
    select: Iterable[str] = (),
    ignore: Mapping[str, str] | None = None,
    detail: bool = False,
) -> Diagnosis:
    """Diagnose one environment of ``host``.

    Args:
        host: where the probes ask.
        assumed: facts that take the place of their probe's answer.
        select: the only rules to run; all if empty.
        ignore: rules to leave out, each with the reason.
        detail: collect also the facts that are only shown.

    """
    facts = collect(host, nodes(detail), assumed or {})
    return diagnose(facts, frozenset(select), ignore or {})


def nodes(detail: bool) -> tuple[Node, ...]:
    """What to collect: with ``detail`` also what no rule asks for."""
    return (*NODES, *DETAILS) if detail else NODES


def diagnose(facts: Mapping[str, Fact[Any]], select: frozenset[str], ignore: Mapping[str, str]) -> Diagnosis:
    """The diagnosis that these facts give."""
    from torchsmith.app.ranking import RANK

    machine = facts.get("machine")
    known = machine.value if isinstance(machine, Known) else None
    rules = [node for node in RULES if node.slug not in ignore and (not select or node.slug in select)]
    judgements = judge(rules, facts, known.systems if known else frozenset())
    judgements += [Judgement(slug, Outcome.SKIPPED, f"ignored: {reason or 'by request'}") for slug, reason in ignore.items()]
    roots, symptoms = fold((finding for judgement in judgements for finding in judgement.findings), RANK)
    windows = bool(known and known.os == "windows")
    roots = [with_commands(finding, facts, windows) for finding in roots]
    undecided = _undecided(facts)
    return Diagnosis(
        _verdict(roots, undecided, judgements),
        tuple(roots),
        tuple(with_commands(finding, facts, windows) for finding in symptoms),
        tuple(judgements),
        facts,
        undecided,
        "powershell" if windows else "bash",
    )


def exit_code(diagnosis: Diagnosis, fail_on: Severity) -> int:
    """The contract's exit code: 1 for a finding at or above ``fail_on``, 3 where nobody could tell, else 0."""
    order = [Severity.NOTE, Severity.DEGRADED, Severity.BLOCKER]
    not_ours = diagnosis.verdict is Verdict.NOT_ENVIRONMENT
    found = [finding for finding in diagnosis.root_causes if finding.cause != HEALTHY]
    if not not_ours and any(order.index(f.severity) >= order.index(fail_on) for f in found):
        return 1
    return 3 if diagnosis.verdict is Verdict.UNKNOWN else 0


def _verdict(roots: list[Finding], undecided: tuple[str, ...], judgements: list[Judgement]) -> Verdict:
    if any(finding.severity is Severity.BLOCKER for finding in roots):
        return Verdict.BLOCKED
    if undecided or any(judgement.outcome is Outcome.CRASHED for judgement in judgements):
        return Verdict.UNKNOWN
    if any(finding.severity is Severity.DEGRADED for finding in roots):
        return Verdict.DEGRADED
    return Verdict.NOT_ENVIRONMENT if roots and roots[0].cause in NOT_ENVIRONMENT else Verdict.FITS


def _undecided(facts: Mapping[str, Fact[Any]]) -> tuple[str, ...]:
    """The facts that decide and are Unknown: the environment, torch, the GPUs; with both, the driver and torch's coverage."""
    deciding = ["interpreter", "torch", "gpus"]
    torch, gpus = facts.get("torch"), facts.get("gpus")
    if (
        isinstance(torch, Known)
        and torch.value
        and torch.value.kind == "cuda"
        and not (isinstance(gpus, Known) and not gpus.value)
    ):
        deciding += ["driver", "gpu_coverage"]
        state = facts.get("driver_state")
        if isinstance(state, Unknown) and state.reason.startswith(("slow", "ended", "not asked: the driver")):
            deciding.append("driver_state")  # a driver that hangs or dies decides; one that a pasted text leaves out does not
    # A probe that failed itself may have silenced any rule.
    crashed = [name for name, fact in facts.items() if isinstance(fact, Unknown) and fact.reason.startswith("crashed")]
    return tuple(dict.fromkeys([name for name in deciding if isinstance(facts.get(name), Unknown)] + crashed))


def with_commands(finding: Finding, facts: Mapping[str, Fact[Any]], windows: bool) -> Finding:
    """The finding with each remedy's actions as commands of this environment's manager."""
    environment, interpreter = facts.get("environment"), facts.get("interpreter")
    if not isinstance(environment, Known) or not isinstance(interpreter, Known):
        return finding
    remedies = [adapted(remedy, environment.value, interpreter.value, windows) for remedy in finding.remedies]
    return replace(finding, remedies=tuple(remedies))

"""The whole answer of ``check`` for one environment."""

from __future__ import annotations

from enum import StrEnum

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.model.complaint import Complaint
    from torchsmith.model.finding import Finding, Judgement
    from torchsmith.model.known import Fact


class Verdict(StrEnum):
    """The contract's five verdicts."""

    FITS = "fits"
    DEGRADED = "degraded"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    NOT_ENVIRONMENT = "not-environment"


@record
class Diagnosis:
    """Root causes, what they explain, what could not be judged, and every fact with its source.

    ``complaints`` are what a pasted text complains of; none where a machine was asked.

    ``commands`` holds for each remedy title of each cause the commands for this environment's manager.
    """

    verdict: Verdict
    root_causes: tuple[Finding, ...]
    symptoms: tuple[Finding, ...]
    judgements: tuple[Judgement, ...]
    facts: Mapping[str, Fact[Any]]
    undecided: tuple[str, ...] = ()
    shell: str = "bash"
    complaints: tuple[Complaint, ...] = ()

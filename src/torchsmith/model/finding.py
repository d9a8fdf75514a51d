"""What a rule reports. Data first: text, JSON and pages are rendered from it last."""

from __future__ import annotations

from enum import StrEnum

from torchsmith.model.position import Position
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.model.action import Action


class Severity(StrEnum):
    """blocker: torch cannot do its work; degraded: it works, worse than it should; note: good to know."""

    BLOCKER = "blocker"
    DEGRADED = "degraded"
    NOTE = "note"


class Safety(StrEnum):
    """safe: touches the environment only and can be undone; unsafe: asks first; display-only: never run by us."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    DISPLAY_ONLY = "display-only"


class Outcome(StrEnum):
    """How a rule ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not applicable"
    CRASHED = "crashed"


@record
class Proof:
    """One piece of evidence: a fact's name, the value that matters, and where it came from.

    A rule leaves ``source`` empty; the engine fills it in from the fact. Of a line that is quoted, ``mark`` are the offsets
    in ``value`` of the part that tells.
    """

    fact: str
    value: Any
    source: str = ""
    position: Position | None = None
    mark: tuple[int, int] | None = None


@record
class Remedy:
    """What to do. ``actions`` are typed and become ``commands`` for the environment's own package manager."""

    title: str
    why: str = ""
    safety: Safety = Safety.SAFE
    actions: tuple[Action, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()


@record
class WontHelp:
    """A fix that is often suggested and would not cure this."""

    title: str
    why: str


@record
class Finding:
    """One thing that a rule reports.

    ``subject`` names what it is about: ``gpu:0``, ``driver``, ``python``, ``package:torchvision``, ``machine`` ...
    ``cause`` and ``explains`` are set by the engine from the rule's declaration.
    """

    severity: Severity
    subject: str
    summary: str
    evidence: tuple[Proof, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    wont_help: tuple[WontHelp, ...] = ()
    confidence: float = 0.95
    decide_by: tuple[tuple[str, ...], ...] = ()
    cause: str = ""
    explains: tuple[str, ...] = ()


@record
class Judgement:
    """How one rule ended, why, and what it found."""

    rule: str
    outcome: Outcome
    reason: str = ""
    findings: tuple[Finding, ...] = ()


class NotApplicable(Exception):  # noqa: N818 - an outcome, not an error
    """Raised by a rule that has nothing to judge here; the message says why."""

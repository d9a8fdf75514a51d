"""What ``check`` puts first, seen from a plan: whether another build of torch would cure it."""

from __future__ import annotations

from torchsmith.model.action import InstallTorch
from torchsmith.model.finding import Severity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.finding import Finding

HEALTHY = "no-fault"
OURS = frozenset({"torch-not-installed", "macos-x86-dropped"})
"""Causes that the plan itself cures, though no remedy of theirs is a build."""
ELSEWHERE = ("driver", "machine", "gpu:")
"""How the subjects begin of what lies under torch."""


def cause(diagnosis: Diagnosis) -> Finding | None:
    """The root cause, if it is more than a note."""
    first = next(iter(diagnosis.root_causes), None)
    return first if first and first.cause != HEALTHY and first.severity is not Severity.NOTE else None


def cured(finding: Finding) -> bool:
    """Whether one of its remedies puts a torch in place."""
    return any(isinstance(action, InstallTorch) for remedy in finding.remedies for action in remedy.actions)


def uncured(diagnosis: Diagnosis) -> bool:
    """Whether no other build of torch cures it: it lies in the driver, the GPU or the machine."""
    found = cause(diagnosis)
    return found is not None and found.cause not in OURS and found.subject.startswith(ELSEWHERE) and not cured(found)


def left(diagnosis: Diagnosis, *, kept: bool) -> bool:
    """Whether it stands as it is after the plan: no build cures it, or torch stays (``kept``) and none was to be installed."""
    found = cause(diagnosis)
    return uncured(diagnosis) or (kept and found is not None and found.cause not in OURS and not cured(found))

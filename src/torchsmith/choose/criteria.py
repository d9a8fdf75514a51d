"""The criteria of the decision matrix: what each is worth, from 0 to 1, and what is shown for it.

A criterion looks at the candidate or at the approach, never at both: so a thousand pairs cost no more than their parts.
"""

from __future__ import annotations

from operator import attrgetter

from torchsmith.knowledge import drivers, torch_releases
from torchsmith.knowledge.torch_builds import Archs
from torchsmith.model.facts.gpu import Driver
from torchsmith.model.facts.python import Environment
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Unknown
from torchsmith.model.record import record
from torchsmith.model.versions import minor, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Approach, Candidate

    Cell = tuple[str | int | float | bool, float]
    OfCandidate = Callable[[Candidate, Situation], Cell]
    OfApproach = Callable[[Approach, Situation], Cell]

_EVIDENCE = {
    "wheel": 1.0,
    "lock": 1.0,
    "matrix": 0.9,
    "script": 0.9,
    "doc": 0.8,
    "observed": 0.8,
    "inferred": 0.5,
    "announced": 0.0,
}


@record
class Criterion:
    """A criterion: its name, the key of what it looks at, and the function."""

    name: str
    key: Any
    judge: Any


def criterion(*fields: str) -> Callable[[OfCandidate | OfApproach], Criterion]:
    """Make a function a criterion that looks at these fields alone."""

    def made(function: OfCandidate | OfApproach) -> Criterion:
        return Criterion(function.__name__, attrgetter(*fields), function)

    return made


@criterion("kind", "build", "sass", "ptx")
def native_gpu_code(candidate: Candidate, situation: Situation) -> Cell:
    """How the build's code runs on the GPUs that are here."""
    if isinstance(situation.gpus, Unknown) or not situation.gpus:
        return "no GPU", 1.0
    if candidate.kind != "cuda":
        return "not used", 0.0
    carried = Archs(candidate.torch, candidate.build, candidate.platform, candidate.sass, candidate.ptx, "", "")
    native = all(carried.sass_serves(device.sm) for device in situation.gpus if device.sm)
    return ("native", 1.0) if native else ("by JIT", 0.4)


@criterion("cuda")
def driver_headroom(candidate: Candidate, situation: Situation) -> Cell:
    """How far the driver is from the build's CUDA."""
    if candidate.cuda is None:
        return "needs none", 1.0
    if not isinstance(situation.driver, Driver):
        return "driver not known", 0.5
    native = drivers.runs_natively(situation.driver.version, candidate.cuda, windows=situation.windows_driver)
    return ("supported", 1.0) if native else ("minor-version compatibility", 0.4)


@criterion("torch", "build", "python")
def change(candidate: Candidate, situation: Situation) -> Cell:
    """How much of what is installed changes."""
    if not isinstance(situation.torch, Torch):
        return "torch is new", 1.0
    have = situation.torch
    if candidate.python != situation.python:
        return "another Python", 0.0
    if candidate.torch == public(have.version):
        return ("nothing", 1.0) if candidate.build == have.build and not situation.reinstall else ("the build", 0.9)
    near = minor(candidate.torch) == minor(have.version)
    return (f"torch {have.version}", 0.8 if near else 0.5)


@criterion("torch")
def newness(candidate: Candidate, situation: Situation) -> Cell:
    """Where the release stands among all."""
    del situation
    known = torch_releases.known()
    place = known.index(candidate.torch) if candidate.torch in known else 0
    return candidate.torch, (place + 1) / len(known)


@criterion("evidence")
def evidence(candidate: Candidate, situation: Situation) -> Cell:
    """How it is known that the build exists and what it carries."""
    del situation
    words = candidate.evidence.split("+")
    return candidate.evidence, max(_EVIDENCE.get(word, 0.6) for word in words)


@criterion("reversible")
def reversible(approach: Approach, situation: Situation) -> Cell:
    """How surely it is taken back."""
    del situation
    return approach.reversible, approach.reversible


@criterion("reliability")
def reliability(approach: Approach, situation: Situation) -> Cell:
    """How often it works."""
    del situation
    return approach.reliability, approach.reliability


@criterion("flexibility")
def flexibility(approach: Approach, situation: Situation) -> Cell:
    """How much can be chosen freely."""
    del situation
    return approach.flexibility, approach.flexibility


@criterion("upkeep")
def upkeep(approach: Approach, situation: Situation) -> Cell:
    """How little it costs to keep up to date."""
    del situation
    return approach.upkeep, approach.upkeep


@criterion("name", "minutes")
def minutes(approach: Approach, situation: Situation) -> Cell:
    """The time to set it up, beside the download."""
    own = isinstance(situation.environment, Environment) and situation.environment.manager == approach.name
    return approach.minutes, max(0.0, 1 - approach.minutes / 30) if not own else 1.0


OF_CANDIDATES = (native_gpu_code, driver_headroom, change, newness, evidence)
OF_APPROACHES = (reversible, reliability, flexibility, upkeep, minutes)

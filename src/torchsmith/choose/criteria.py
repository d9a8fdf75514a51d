"""The criteria of the decision matrix: what each is worth, from 0 to 1, and what is shown for it.

A criterion looks at the candidate or at the approach, never at both: so a thousand pairs cost no more than their parts.
What each weighs for a goal, and what it is called, is data (``torchsmith facts criteria``).
"""

from __future__ import annotations

from operator import attrgetter

from torchsmith.choose import declared, hardware, standing
from torchsmith.knowledge import companions as belonging
from torchsmith.knowledge import drivers, install_sizes
from torchsmith.knowledge.torch_builds import Archs
from torchsmith.model.facts.gpu import Driver
from torchsmith.model.facts.toolkit import Toolkits
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Unknown
from torchsmith.model.record import record
from torchsmith.model.versions import key, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Approach, Candidate

    Cell = tuple[str | int | float | bool | None, float]
    OfCandidate = Callable[[Candidate, Situation], Cell]
    OfApproach = Callable[[Approach, Situation], Cell]

NATIVE, JIT, UNUSED = "native", "jit", "no"
UNKNOWN = "unknown"
NOTHING, ANEW, SAID = "nothing", "installed anew", "nothing: the project says it"
"""What changes where torch is already what it should be."""

_EVIDENCE = {
    "wheel": 1.0,
    "lock": 1.0,
    "matrix": 0.99,
    "script": 0.95,
    "doc": 0.98,
    "observed": 0.95,
    "inferred": 0.2,
    "announced": 0.0,
}
_LARGE = 5_000_000_000
"""A download of so many bytes is worth nothing."""


@record
class Criterion:
    """A criterion: its name, the fields that it looks at, their key, the function, and when it looks at any."""

    name: str
    fields: tuple[str, ...]
    key: Any
    judge: Any
    when: Any = None


def criterion(*fields: str, when: Callable[[Situation], bool] | None = None) -> Callable[[OfCandidate | OfApproach], Criterion]:
    """Make a function a criterion that looks at these fields alone, and at none in a situation where ``when`` is false."""

    def made(function: OfCandidate | OfApproach) -> Criterion:
        return Criterion(function.__name__, fields, attrgetter(*fields), function, when)

    return made


@criterion("kind", "build", "sass", "ptx")
def native_gpu_code(candidate: Candidate, situation: Situation) -> Cell:
    """How the build's code runs on the GPUs that are here."""
    gpus = situation.gpus
    if candidate.kind == "cpu":
        if situation.machine.platform == "macos-arm64":
            return NATIVE, 1.0  # it has Metal
        return (UNUSED, 0.0) if hardware.idle(situation) or isinstance(gpus, Unknown) else ("none is here", 1.0)
    if candidate.kind != "cuda":
        # Where nobody looked, another maker's GPU is the less likely one.
        blind = hardware.unseen(situation) or isinstance(hardware.others(situation, candidate.kind), Unknown)
        return (UNKNOWN, 0.0) if blind else (NATIVE, 1.0)
    if isinstance(gpus, Unknown):
        return UNKNOWN, 0.6
    codes = {device.sm for device in gpus if device.sm}
    if not codes or not (candidate.sass or candidate.ptx):
        return UNKNOWN, 0.6
    carried = Archs("", candidate.build, "", candidate.sass, candidate.ptx, "", "")
    return (NATIVE, 1.0) if all(map(carried.sass_serves, codes)) else (JIT, 0.7)


@criterion("kind", "cuda")
def driver_headroom(candidate: Candidate, situation: Situation) -> Cell:
    """How far the driver is from the build's CUDA."""
    if candidate.cuda is None:
        return (UNKNOWN, 0.5) if candidate.kind != "cpu" and hardware.unseen(situation) else ("needs none", 1.0)
    have = situation.driver
    if not isinstance(have, Driver) or not have.version:
        return UNKNOWN, 0.5
    if drivers.runs_natively(have.version, candidate.cuda, windows=situation.windows_driver):
        return "supported outright", 1.0
    if have.compat and have.cuda and key(have.cuda)[:2] >= key(candidate.cuda)[:2]:
        return "forward compatibility", 0.5
    return "minor-version compatibility", 0.5


@criterion("python", "pythons")
def python(candidate: Candidate, situation: Situation) -> Cell:
    """How near the Python is to the one that is here; where none is, to the middle of those that the release serves."""
    if candidate.python == situation.python:
        return candidate.python, 1.0
    wanted = situation.python or standing.middle_python(candidate.pythons)
    distance = abs(standing.minor_of(candidate.python) - standing.minor_of(wanted))
    odd = 0.3 if candidate.python.endswith("t") else 0.0
    return candidate.python, max(0.0, (0.4 if situation.python else 1.0) - 0.04 * distance - odd)


def _something_is_there(situation: Situation) -> bool:
    return isinstance(situation.torch, Torch) or bool(situation.project.files)


@criterion("channel", "platform", "torch", "build", "python", "default", when=_something_is_there)
def change(candidate: Candidate, situation: Situation) -> Cell:
    """How much of what is installed changes: nothing, the build alone, or the release by its distance, upwards first."""
    have = situation.torch
    if not isinstance(have, Torch):
        if not situation.project.files or situation.project.manager not in declared.MANAGERS:
            return "torch is new", 1.0
        return (SAID, 1.0) if declared.says(candidate, situation) else ("what the project says of torch", 0.6)
    if situation.python and candidate.python != situation.python:
        return "another Python, all packages anew", 0.05
    wanted = public(have.version)
    if candidate.torch == wanted:
        if candidate.build != have.build:
            return f"{have.build} to {candidate.build}", 0.82
        return (ANEW, 0.9) if situation.reinstall else (NOTHING, 1.0)
    distance = standing.distance(wanted, candidate.torch)
    return f"torch {wanted} to {candidate.torch}", max(0.0, (0.7 if distance > 0 else 0.6) - 0.05 * abs(distance))


@criterion("torch")
def newness(candidate: Candidate, situation: Situation) -> Cell:
    """Where the release stands among all, by minor releases."""
    del situation
    return candidate.torch, standing.newness(candidate.torch)


@criterion("torch", "build", "kind", "status", "channel")
def maturity(candidate: Candidate, situation: Situation) -> Cell:
    """How well proven the build is: the release's standard build most, what it calls experimental least."""
    del situation
    if candidate.channel == "source":
        return "built here", 0.4
    if candidate.channel != "wheel":
        return candidate.channel, 0.3 if candidate.channel == "pytorch" else 0.9
    young = 0.1 if standing.young(candidate.torch) else 0.0
    if candidate.status != "stable":
        return candidate.status, 0.3 if candidate.status == "additional" else 0.1
    usual = standing.usual_build(candidate.torch) == candidate.build or candidate.kind == "cpu"
    return "the standard build" if usual else "stable", (1.0 if usual else 0.95) - young


@criterion("evidence")
def evidence(candidate: Candidate, situation: Situation) -> Cell:
    """How it is known that the build exists and what it carries."""
    del situation
    return candidate.evidence, max(_EVIDENCE.get(word, 0.6) for word in candidate.evidence.split("+"))


@criterion("torch")
def companions(candidate: Candidate, situation: Situation) -> Cell:
    """Whether torchvision and torchaudio exist for the release."""
    del situation
    found = belonging.for_torch(candidate.torch)
    pairs = (("torchvision", found.torchvision), ("torchaudio", found.torchaudio)) if found else ()
    there = [f"{name} {version}" for name, version in pairs if version]
    return ", ".join(there) or "none known", len(there) / 2


@criterion("cuda")
def toolkit(candidate: Candidate, situation: Situation) -> Cell:
    """Whether extensions can be built against it with the toolkit that is installed."""
    found = situation.fact("toolkits")
    current = found.current if isinstance(found, Toolkits) else None
    if current is None or not current.version:
        return "no toolkit", 0.5
    if candidate.cuda is None:
        return "uses none", 0.0
    mine, other = key(current.version)[:2], key(candidate.cuda)[:2]
    return f"{current.version} is here", 1.0 if mine == other else 0.5 if mine[:1] == other[:1] else 0.0


@criterion("build", "channel", "platform")
def lasting(candidate: Candidate, situation: Situation) -> Cell:
    """Whether the next releases will have such a build."""
    del situation
    if candidate.channel == "pytorch":
        return "the channel has ended", 0.0
    if candidate.channel != "wheel":
        return "goes on", 1.0
    last = standing.last_release(candidate.build, candidate.platform)
    return (f"ends with {last}", 0.0) if last else ("goes on", 1.0)


@criterion("torch", "build", "kind", "platform")
def download_bytes(candidate: Candidate, situation: Situation) -> Cell:
    """What torch and its CUDA libraries weigh in the network."""
    del situation
    found = install_sizes.download(candidate.torch, candidate.build, candidate.kind, candidate.platform)
    return (found[0], max(0.0, 1 - found[0] / _LARGE)) if found else (None, 0.4)


@criterion("torch", "build", "kind", "platform")
def disk_bytes(candidate: Candidate, situation: Situation) -> Cell:
    """What they take when installed."""
    del situation
    found = install_sizes.unpacked(candidate.torch, candidate.build, candidate.kind, candidate.platform)
    return (found[0], max(0.0, 1 - found[0] / _LARGE / 2)) if found else (None, 0.4)


@criterion("name")
def in_place(approach: Approach, situation: Situation) -> Cell:
    """Whether it is what manages the environment that is here, or at least works in that environment."""
    own = standing.own_manager(situation)
    return standing.place_of(approach.name, own)


@criterion("touches", "contained")
def contained(approach: Approach, situation: Situation) -> Cell:
    """What it touches, and how far that stays apart from everything else."""
    del situation
    return approach.touches, approach.contained


@criterion("name", "minutes")
def minutes(approach: Approach, situation: Situation) -> Cell:
    """The time to set it up, beside the download; what is here need not be set up."""
    spent = 1 if standing.own_manager(situation) == approach.name else approach.minutes
    return spent, max(0.0, 1 - spent / 30)


def _as_listed(field: str) -> Criterion:
    """What the table says of the approach, as it is."""

    def judge(approach: Approach, situation: Situation) -> Cell:
        del situation
        worth = getattr(approach, field)
        return worth, worth

    return Criterion(field, (field,), attrgetter(field), judge)


# How surely it is taken back, how much can be chosen freely, how little it costs to keep, how exactly it can be had again.
reversible, flexibility, upkeep, reproducible = map(_as_listed, ("reversible", "flexibility", "upkeep", "reproducible"))

OF_CANDIDATES = (
    native_gpu_code,
    driver_headroom,
    python,
    change,
    newness,
    maturity,
    evidence,
    companions,
    toolkit,
    lasting,
    download_bytes,
    disk_bytes,
)
OF_APPROACHES = (in_place, reversible, contained, flexibility, upkeep, reproducible, minutes)

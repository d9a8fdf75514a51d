"""Where a release, a build, a Python and an approach stand among all: what the criteria look up, worked out once."""

from __future__ import annotations

from torchsmith.knowledge import torch_releases
from torchsmith.knowledge.compiled.torch_builds import ROWS
from torchsmith.model.facts.python import Environment
from torchsmith.model.versions import key, minor, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation

_RELEASES = torch_releases.known()
_MINORS = {name: place for place, name in enumerate(dict.fromkeys(minor(release) for release in _RELEASES))}
_USUAL = {
    torch: build for torch, build, kind, _platform, _status, _toolkit, _cudnn, default, *_ in ROWS if default and kind == "cuda"
}
# The table's releases ascend: the last row of a build, or of any ("") on a platform, has its last release.
_LAST = {(row[1], row[3]): row[0] for row in ROWS} | {("", row[3]): row[0] for row in ROWS}
PATCH = 0.2
"""What a patch release counts beside a minor one."""

_SAME_ENVIRONMENT = frozenset({"pip", "uv", "pipx"})
PROJECTS = frozenset({"uv-project", "poetry", "pdm", "pipenv", "pip-tools"})
"""The approaches that keep a project's own list of what it needs."""
_FRESH = {"pip": 1.0, "uv": 0.95, "uv-project": 0.7, "cpu": 0.95}


def minor_of(python: str) -> int:
    """``14`` of ``3.14t``."""
    number = python.partition(".")[2].rstrip("t")
    return int(number) if number.isdigit() else 0


def middle_python(pythons: tuple[str, ...]) -> str:
    """The Python in the middle of those that a build serves: new enough to last, old enough for other packages."""
    minors = sorted(minor_of(python) for python in pythons if not python.endswith("t"))
    return f"3.{minors[len(minors) // 2]}" if minors else "3.12"


def newness(torch: str) -> float:
    """0 for the oldest release, 1 for the newest; minor releases count, patches a little."""
    return max(0.0, min(1.0, _line(torch) / (len(_MINORS) - 1 + PATCH * 3)))


def distance(before: str, after: str) -> float:
    """How far a release lies from another in minor releases, a patch being a fifth of one; negative downwards."""
    return _line(after) - _line(before)


def _line(torch: str) -> float:
    number = (*key(torch), 0, 0, 0)
    minors = _MINORS.get(minor(torch))
    if minors is None:  # not listed: before the first, or after the last
        minors = -1 if number[:2] < key(_RELEASES[0])[:2] else len(_MINORS)
    return minors + PATCH * min(number[2], 3)


def listed(torch: str) -> bool:
    """Whether the tables have the release."""
    return public(torch) in _RELEASES


def young(torch: str) -> bool:
    """Whether it is the newest minor release before its first patch."""
    return torch == _RELEASES[-1] and (len(_RELEASES) < 2 or minor(_RELEASES[-2]) != minor(torch))


def usual_build(torch: str) -> str | None:
    """The CUDA build that the package index serves for a release on some platform: what most people run."""
    return _USUAL.get(torch)


def last_release(build: str, platform: str) -> str | None:
    """The release with which a build ends; None while the newest release has it."""
    last = _LAST.get((build, platform))
    return None if last is None or minor(last) == minor(_LAST["", platform]) else last


def own_manager(situation: Situation) -> str | None:
    """What manages the project or the environment that is here; None where a new environment would be made."""
    owner, environment = situation.project.manager, situation.environment
    if owner and owner not in _SAME_ENVIRONMENT:
        return owner
    if isinstance(environment, Environment) and environment.changeable:
        return environment.manager
    return owner or None


def place_of(approach: str, own: str | None) -> tuple[str, float]:
    """Where an approach works, seen from what manages the environment."""
    if own is None:
        return "a new environment", _FRESH.get(approach, 0.3)
    if approach == own or {approach, own} == {"conda", "mamba"}:
        return "where torch is", 1.0 if approach == own else 0.95
    if approach in _SAME_ENVIRONMENT | {"cpu"}:
        return "the same environment", 0.6 if own in _SAME_ENVIRONMENT else 0.4
    if approach in PROJECTS:
        return "a project of its own", 0.3 if own in _SAME_ENVIRONMENT else 0.1
    return "a place of its own", 0.1

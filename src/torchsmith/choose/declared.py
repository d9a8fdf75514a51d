"""What the project's own files already say of torch: where that fits, its manager has only to install it."""

from __future__ import annotations

from torchsmith.choose.constraints import project as files
from torchsmith.knowledge import torch_builds
from torchsmith.model import markers
from torchsmith.model.record import replace
from torchsmith.model.versions import key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Candidate

MANAGERS = frozenset({"uv-project", "poetry", "pdm", "pipenv"})
"""Those that install what the project's files say, and nothing else."""

_held: list[tuple[Situation, dict[tuple[str, str], str]]] = []
"""The newest release that the files of the situation decided last allow, by build and Python."""


def says(candidate: Candidate, situation: Situation) -> bool:
    """Whether the manager of the project would install this very build, if it were told to install the project."""
    project = situation.project
    if project.manager not in MANAGERS or candidate.channel != "wheel" or not project.declared("torch"):
        return False
    if situation.wishes.needs or candidate.build not in _labels(situation, default=candidate.build if candidate.default else ""):
        return False
    judges = (files.torch, files.companions, files.kept)
    if any(judge.judge(candidate, situation) is not None for judge in judges):
        return False
    return any(entry.package == "torch" for entry in project.locked) or candidate.torch == _newest(candidate, situation)


def _labels(situation: Situation, default: str) -> set[str]:
    """The builds that the sources of torch serve here; of a project without one, that of the default package index."""
    project, values = situation.project, markers.environment(situation.machine, situation.python or "")
    bound = [b for b in project.bindings if b.package == "torch" and markers.holds(b.marker, values) is not False]
    if bound:
        return {files.label_of(source.url) for b in bound if (source := project.source(b.source))}
    return {label for source in project.sources if (label := files.label_of(source.url))} or {default}


def _newest(candidate: Candidate, situation: Situation) -> str:
    """The newest release of the build that the project's demands allow: without a lock, a resolver takes that."""
    if not _held or _held[0][0] is not situation:
        _held[:] = [(situation, {})]
    known, asked = _held[0][1], (candidate.build, candidate.python)
    if asked not in known:
        its = [build for build in torch_builds.builds(candidate.platform) if build.build == candidate.build]
        allowed = (
            build.torch
            for build in its
            if candidate.tag in build.python_tags
            and build.evidence != "announced"
            and files.torch.judge(replace(candidate, torch=build.torch), situation) is None
        )
        known[asked] = max(allowed, key=key, default="")
    return known[asked]

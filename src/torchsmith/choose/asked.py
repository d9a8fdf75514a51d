"""What the packages beside torch have to be: ``--need``, ``--keep`` and the project's own files, as one list."""

from __future__ import annotations

from torchsmith.knowledge import third_party
from torchsmith.model import markers, pep440, specifiers
from torchsmith.model.choice import Requirement
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.record import replace
from torchsmith.model.versions import public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Wishes

NEED, KEEP = "--need", "--keep"
PSEUDO = frozenset({"cuda", "cudnn", "python", "torch"})
"""What can be asked for like a package and is none, or is the candidate itself."""

_LOCKING = frozenset({"uv-project", "poetry", "pdm", "pixi"})
_CLAUSE_SIGNS = ("===", "==", "!=", "<=", ">=", "~=", "<", ">")


def asked_for(situation: Situation, python: str | None = None) -> tuple[Requirement, ...]:
    """Every requirement that an option must keep, in that order; ``where`` says whose it is.

    Of a project, those that the tables know, and that hold in this ``python`` (that of the environment, if none is given);
    what it asks of torch and of Python is another constraint's.
    """
    wishes = situation.wishes
    kept = tuple(_as_it_is(requirement, situation) for requirement in wishes.keeps)
    return (*wishes.needs, *kept, *_of_project(situation, python or situation.python or ""))


def installable(wishes: Wishes, packages: Packages | None) -> tuple[Requirement, ...]:
    """What of ``--need`` and ``--keep`` an installer can be handed: no pseudo package, for the package index may have one so
    called, and what is kept as the version that is here.
    """
    names = packages or Packages(())
    made = []
    for requirement in (*wishes.needs, *wishes.keeps):
        here = "" if requirement.specifier or requirement.where != KEEP else public(names.version(requirement.name) or "")
        if requirement.name not in PSEUDO:
            made.append(replace(requirement, specifier=f"=={here}") if here else requirement)
    return tuple(made)


def is_about_nvidia(name: str) -> int | None:
    """The CUDA major of one of NVIDIA's packages: 12 of ``nvidia-cudnn-cu12``; None for any other name."""
    stem, _, major = name.rpartition("-cu")
    return int(major) if stem.startswith("nvidia-") and major in {"11", "12", "13"} else None


def by_parts(specifier: str, version: str) -> bool:
    """Whether a set takes a version of which it names fewer parts: ``==12.8`` takes 12.8.1, ``==8`` takes 8.9.2.26."""
    for clause in specifier.split(","):
        sign = next((sign for sign in _CLAUSE_SIGNS if clause.startswith(sign)), "")
        wanted = clause[len(sign) :].removesuffix(".*")
        parts = min(wanted.count("."), version.count(".")) + 1
        cut, bound = ".".join(version.split(".")[:parts]), ".".join(wanted.split(".")[:parts])
        if sign and not pep440.allows(("==" if sign == "===" else sign if parts > 1 or sign != "~=" else ">=") + bound, cut):
            return False
    return True


def _as_it_is(requirement: Requirement, situation: Situation) -> Requirement:
    """A package that is kept without a word on its version stays at the one that is installed."""
    if requirement.specifier:
        return requirement
    if requirement.name == "torch" and isinstance(situation.torch, Torch):
        have = situation.torch
        return replace(requirement, specifier=f"=={public(have.version)}+{have.build}")
    version = situation.python if requirement.name == "python" else situation.packages.version(requirement.name)
    return replace(requirement, specifier=f"=={public(version).rstrip('t')}") if version else requirement


def _of_project(situation: Situation, python: str) -> Iterator[Requirement]:
    project, values = situation.project, None
    for dependency in project.dependencies:
        name, (kind, _, part) = dependency.package, dependency.where.partition(":")
        # What is optional, what a lock holds apart from other groups, and what a file only limits need not be installed.
        apart = any(part in conflict for conflict in project.conflicts) or (kind == "extra" and project.manager not in _LOCKING)
        if name in PSEUDO or apart or kind in {"optional", "pixi-feature", "constraints"}:
            continue
        if is_about_nvidia(name) is None and not third_party.of(name):
            continue
        if dependency.marker:
            values = values or markers.environment(situation.machine, python)
            if markers.holds(dependency.marker, values) is False:
                continue
        specifier = specifiers.in_pep440(dependency.specifier, dependency.where)
        if specifier is not None:
            yield Requirement(name, specifier, dependency.file or dependency.where)

"""What the project's own files ask for: its torch and companions, NumPy, Python; and what a change means for its lock."""

from __future__ import annotations

from functools import lru_cache

from torchsmith.choose.constraint import constraint
from torchsmith.knowledge import companions as belonging
from torchsmith.knowledge import torch_builds, torch_releases
from torchsmith.model import markers, specifiers
from torchsmith.model.choice import Candidate, Reason, Risk
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.record import record
from torchsmith.model.versions import local_label, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torchsmith.choose.situation import Situation
    from torchsmith.model.facts.project import Dependency, Locked, PastedProject

TORCH = ("torch", "pytorch", "pytorch-gpu")
COMPANIONS = ("torchvision", "torchaudio")
_REWRITING = {
    "poetry": "pyproject.toml",
    "uv-project": "pyproject.toml",
    "pdm": "pyproject.toml",
    "pipenv": "Pipfile",
}
"""Managers that write the version they were given into a file of the project: which one."""
_LOCKING = frozenset({"uv-project", "poetry", "pdm", "pixi"})
_OLD_NUMPY, _NEW_NUMPY = ("1.26.4", "1.24.4", "1.22.4"), ("2.0.2", "2.2.6", "2.99.0")


@record
class Demand:
    """What a file asks of a package; ``firm`` where whatever is installed has to satisfy it.

    ``pinned_by_manager`` where it is a direct dependency in the file that the project's manager writes.
    """

    asked: Dependency
    firm: bool
    pinned_by_manager: bool = False

    @property
    def rewritten(self) -> bool:
        """Whether it is a version that the project's manager writes anew: then it tells what is there, and demands nothing."""
        return self.pinned_by_manager and specifiers.is_exact(self.asked.specifier, self.asked.where)

    @property
    def file(self) -> str:
        """The file in words, with the part of it that asks."""
        kind, _, name = self.asked.where.partition(":")
        file = self.asked.file or "the project"
        if kind == "extra":
            return f"the extra {name} of {file}"
        return f"the group {name} of {file}" if kind in {"group", "poetry-group", "pixi-feature"} else file

    @property
    def text(self) -> str:
        """The requirement as it is written; an address is not shown."""
        specifier = self.asked.specifier
        if "://" in specifier:
            return f"{self.asked.package} from an address"
        close = (specifier[:1] in "<>!" or specifier[:2] in {"==", "~="}) and self.asked.package != "python"
        name = "Python" if self.asked.package == "python" else self.asked.package
        return f"{name}{'' if close else ' '}{specifier}"


_held: list[tuple[PastedProject, dict[str, tuple[Demand, ...]]]] = []
"""The demands of the project that was asked about last: there is one in a run, and a thousand candidates."""


def demands(project: PastedProject, *packages: str) -> Sequence[Demand]:
    """What the project asks of these packages, where it asks for anything in particular."""
    if not project.dependencies:
        return ()
    if not _held or _held[0][0] is not project:
        found: dict[str, list[Demand]] = {}
        for dependency in project.dependencies:
            if dependency.specifier.strip() not in {"", "*"}:
                found.setdefault(dependency.package, []).append(
                    Demand(dependency, _firm(dependency, project), _written_by_manager(dependency, project))
                )
        _held[:] = [(project, {package: tuple(asked) for package, asked in found.items()})]
    by = _held[0][1]
    return [demand for package in packages for demand in by.get(package, ())]


def _written_by_manager(dependency: Dependency, project: PastedProject) -> bool:
    own = _REWRITING.get(project.manager)
    return own is not None and dependency.where in {"project", "poetry", "pipenv"} and dependency.file in {own, ""}


def _firm(dependency: Dependency, project: PastedProject) -> bool:
    """Whether it counts for every installation: a lock holds all extras and groups together, unless they are in conflict."""
    kind, _, name = dependency.where.partition(":")
    if kind in {"optional", "pixi-feature"}:
        return False
    if kind == "requirements" and project.manager in _REWRITING and specifiers.is_exact(dependency.specifier, kind):
        return False  # as `poetry export` writes them, from the lock
    if kind in {"extra", "group"} and any(name in conflict for conflict in project.conflicts):
        return False
    return kind != "extra" or project.manager in _LOCKING


def _applies(demand: Demand, candidate: Candidate, situation: Situation) -> bool | None:
    """Whether the marker holds for the machine and the candidate's Python; None where nobody can tell."""
    if not demand.asked.marker:
        return True
    python = candidate.python
    if python == situation.python and isinstance(situation.interpreter, Interpreter):
        python = situation.interpreter.version
    return _holds(demand.asked.marker, situation.machine.os, situation.machine.arch, python)


@lru_cache(1024)
def _holds(marker: str, os: str, arch: str, python: str) -> bool | None:
    return markers.holds(marker, markers.environment(Machine(os, arch), python))


def _held_against(
    candidate: Candidate, situation: Situation, versions: dict[str, str], packages: tuple[str, ...], because: str
) -> Reason | Risk | None:
    """The first demand that the versions do not meet; a Risk where it need not count or cannot be read."""
    risk: Risk | None = None
    for demand in demands(situation.project, *packages):
        version = versions.get(demand.asked.package, "")
        applies = _applies(demand, candidate, situation) if version else False
        met = specifiers.allowed(demand.asked.specifier, demand.asked.where, version) if applies is not False else True
        if met:
            continue
        asks = f"{demand.file} asks for {demand.text}"
        if met is False and applies and demand.rewritten:
            risk = risk or Risk(f"{demand.file} pins {demand.text}: it is rewritten", 0.02)
            continue
        if met is False and applies and demand.firm:
            return Reason(
                "project", asks + because, demand.asked.file or "the project's files", f"{demand.file} without {demand.text}"
            )
        if met is None:
            risk = risk or Risk(f"{asks}, and whether this is one cannot be told", 0.1)
        elif applies is None:
            risk = risk or Risk(f"{asks} where `{demand.asked.marker}` holds, and whether it does cannot be told", 0.1)
        else:
            risk = risk or Risk(f"{asks}: what goes by that file does not fit", 0.05)
    return risk


def _asks(*packages: str) -> Callable[[Situation], bool]:
    """Whether the project asks for anything particular of these packages."""
    return lambda situation: bool(demands(situation.project, *packages))


def _bound_or_locked(situation: Situation) -> bool:
    project = situation.project
    return bool(project.bindings or project.locked or project.sources)


@constraint("project", "python", when=_asks("python"))
def python(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """The Pythons that the project is for."""
    for demand in demands(situation.project, "python"):
        number = candidate.python.rstrip("t")
        here = candidate.python == situation.python and isinstance(situation.interpreter, Interpreter)
        # Of another Python the newest patch would be taken.
        tried = (situation.interpreter.version,) if here else (f"{number}.0", f"{number}.99")  # type: ignore[union-attr]
        answers = [specifiers.allowed(demand.asked.specifier, demand.asked.where, version) for version in tried]
        if demand.firm and answers == [False] * len(answers):
            and_here = f"{tried[0]} is here" if here else f"this build is for {candidate.python}"
            because = f"{demand.file} asks for {demand.text}, and {and_here}"
            return Reason("project", because, demand.asked.file or "the project's files", f"{demand.file} without {demand.text}")
    return None


@constraint("project", "torch", "build", "python", when=_asks(*TORCH))
def torch(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """The torch that the project asks for, its local label included."""
    return _held_against(candidate, situation, dict.fromkeys(TORCH, candidate.version), TORCH, "")


@constraint("project", "torch", "build", "python", when=_asks(*COMPANIONS))
def companions(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """The torchvision and torchaudio that the project asks for: each belongs to one torch."""
    its = belonging.for_torch(candidate.torch)
    known = {"torchvision": its.torchvision, "torchaudio": its.torchaudio} if its else {}
    worded = " and ".join(f"{name} {version}" for name, version in known.items() if version)
    versions = {name: f"{version}+{candidate.build}" for name, version in known.items() if version}
    return _held_against(candidate, situation, versions, COMPANIONS, f", and torch {candidate.torch} goes with {worded}")


@constraint("project", "torch", "python", "platform", when=_asks("numpy"))
def numpy(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A torch that was built for NumPy 1 fails beside the NumPy 2 that the project asks for."""
    for demand in demands(situation.project, "numpy"):
        windows = candidate.platform.startswith("windows")
        abi = torch_releases.numpy_abi(candidate.torch, windows=windows, python_tag=candidate.tag)
        if abi != 1 or not demand.firm or _applies(demand, candidate, situation) is not True:
            continue
        asked = demand.asked
        old = [specifiers.allowed(asked.specifier, asked.where, version) for version in _OLD_NUMPY]
        new = [specifiers.allowed(asked.specifier, asked.where, version) for version in _NEW_NUMPY]
        if True not in old and None not in old and True in new:
            because = f"{demand.file} asks for {demand.text}, and torch {candidate.torch} was built for NumPy 1"
            return Reason("project", because, asked.file or "the project's files", f"{demand.file} without {demand.text}")
    return None


@constraint("project", "torch", "build", "default", when=_bound_or_locked)
def kept(candidate: Candidate, situation: Situation) -> Risk | None:
    """What the project is bound to, or has locked, is no demand: it is changed, and that is said."""
    told = [*_bound(candidate, situation), *_locked(candidate, situation)]
    return Risk("; ".join(told), 0.02) if told else None


def _bound(candidate: Candidate, situation: Situation) -> Iterator[str]:
    project, values = situation.project, markers.environment(situation.machine, situation.python or "")
    bound = [b for b in project.bindings if b.package == "torch" and markers.holds(b.marker, values) is not False]
    named = []
    for binding in bound:
        source = project.source(binding.source)
        named.append(
            (f"the source {binding.source}" if source else "another index", label_of(source.url if source else binding.source))
        )
    if not bound:
        named = [(f"the index of {label}", label) for source in project.sources if (label := label_of(source.url))]
    if named and candidate.build not in {label for _, label in named}:
        what, label = named[0]
        yield (
            f"the project takes torch from {what}, which becomes {candidate.build}"
            if label
            else f"the project takes torch from {what}"
        )


def _locked(candidate: Candidate, situation: Situation) -> Iterator[str]:
    values = markers.environment(situation.machine, situation.python or "")
    entries = [e for e in situation.project.locked if e.package == "torch" and markers.holds(e.marker, values) is not False]
    if entries and not any(_same(entry, candidate) for entry in entries):
        label = local_label(entries[0].version) or label_of(entries[0].source)
        come = f" from {label}" if label and not local_label(entries[0].version) else ""
        yield f"{entries[0].file or 'the lock file'} has torch {entries[0].version}{come} and is renewed"


def _same(entry: Locked, candidate: Candidate) -> bool:
    label = local_label(entry.version) or label_of(entry.source)
    return public(entry.version) == candidate.torch and (label == candidate.build if label else candidate.default)


def label_of(url: str) -> str:
    """The build label that a wheel index's address ends in; empty if it is no such index."""
    last = url.rstrip("/").rpartition("/")[2]
    return last if last in torch_builds.labels() else ""


EVERY = (python, torch, companions, numpy, kept)

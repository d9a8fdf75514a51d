"""The packages beside torch, judged for one build: what clashes with it, what is risky, and which releases would be taken.

Three constraints look at the same judgement, each at its aspect (``packages``, ``numpy``, ``cudnn``), so it is made once for
each build and remembered for the situation that is being decided.
"""

from __future__ import annotations

from torchsmith.choose import asked
from torchsmith.choose.asked import KEEP, NEED, PSEUDO, by_parts, is_about_nvidia
from torchsmith.knowledge import third_party
from torchsmith.model import pep440
from torchsmith.model.choice import Reason, Risk
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Unknown
from torchsmith.model.record import record
from torchsmith.model.versions import compute_capability, major, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from torchsmith.choose.fit import Around, Fit
    from torchsmith.choose.situation import Situation
    from torchsmith.knowledge.third_party import Requirement as Row
    from torchsmith.model.choice import Candidate, Pin, Requirement

COMPANIONS = ("torchvision", "torchaudio", "torchtext", "torchcodec", "xformers", "triton-windows")
"""Packages that are released with torch or for one torch, and so move along with it."""

_PROJECTS = frozenset({"numpy", "torchvision", "torchaudio"})
"""Of these, what the project itself asks for is told by the constraint that reads its files."""

_FACTS = "torchsmith facts third_party"
_MOVES = frozenset({*COMPANIONS, "torch", "triton", "numpy"})


@record
class Verdict:
    """What was found for one build: what each constraint says, and of each package asked for the release."""

    answers: Mapping[str, Reason | Risk]
    fits: tuple[tuple[Requirement, Fit], ...]
    around: Around


class Wanted:
    """What is asked for in one Python: by package, its versions, and in words; markers may make that differ."""

    def __init__(self, requirements: tuple[Requirement, ...]) -> None:
        self.together: dict[str, list[Requirement]] = {}
        for requirement in requirements:
            self.together.setdefault(requirement.name, []).append(requirement)
        self.specifiers = {name: _joint(each) for name, each in self.together.items()}
        self.words = {name: " and ".join(map(_quoted, each)) for name, each in self.together.items()}
        self.shared: dict[object, Any] = {}
        # Most packages cannot tell builds of one CUDA major apart; a wish for CUDA, torch or one of NVIDIA's packages can.
        self.minors = any("cuda" in third_party.looks_at(name) for name in self.together)
        self.exact = any(name in PSEUDO or is_about_nvidia(name) is not None for name in self.together)


class Question:
    """What does not change from build to build of one situation."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        gpus = () if isinstance(situation.gpus, Unknown) else tuple(device for device in situation.gpus if device.sm)
        weakest = min(gpus, key=lambda device: device.sm or 0, default=None)
        self.oldest_sm = weakest.sm if weakest else None
        self.gpu = f"the {weakest.name or 'GPU'} ({compute_capability(weakest.sm or 0)})" if weakest else "none"
        self.installed = tuple(
            (package.name, package.version, row)
            for package in situation.packages.installed
            if package.name not in _MOVES and (row := third_party.requirement(package.name, package.version)) is not None
        )
        self.moving = tuple(name for name in COMPANIONS if situation.packages.get(name))
        numpy = situation.packages.version("numpy")
        self.numpy = numpy if numpy and major(numpy) >= 2 else ""
        self.pins: dict[tuple[object, ...], tuple[Pin, ...]] = {}
        none_here = not isinstance(situation.torch, Torch) and situation.packages.get("torch") is None
        self.fresh = none_here and not situation.project.dependencies  # a project says itself what it takes
        self._wanted: dict[str, Wanted] = {}
        self._verdicts: dict[tuple[object, ...], Verdict] = {}
        wished = situation.wishes.needs or situation.wishes.keeps
        self.silent = not (self.installed or self.moving or self.numpy or wished) and not asked.asked_for(situation)

    def wanted(self, python: str) -> Wanted:
        """What is asked for in a Python."""
        if python not in self._wanted:
            self._wanted[python] = Wanted(asked.asked_for(self.situation, python))
        return self._wanted[python]

    def verdict(self, candidate: Candidate) -> Verdict:
        """The judgement on one build."""
        wanted = self.wanted(candidate.python)
        cuda, cudnn = candidate.cuda or "", candidate.cudnn or ""
        key: tuple[object, ...]
        if wanted.exact:
            key = (candidate.torch, candidate.build, candidate.python, cuda, cudnn)
        else:
            from torchsmith.choose.fit import cudnn_of

            major_of_cudnn = cudnn.partition(".")[0] or (str(cudnn_of(candidate.torch)) if cuda else "")
            seen = minor(cuda) if wanted.minors else cuda.partition(".")[0]
            key = (candidate.torch, candidate.kind, seen, major_of_cudnn, candidate.python)
        if key not in self._verdicts:
            self._verdicts[key] = _Judge(candidate, self, wanted).verdict()
        return self._verdicts[key]


_held: list[Question] = []


def question(situation: Situation) -> Question:
    """The question of a situation; the last one is held, for a decision asks it a thousand times."""
    if not _held or _held[0].situation is not situation:
        _held[:] = [Question(situation)]
    return _held[0]


def asks(situation: Situation) -> bool:
    """Whether a package is asked for, or installed, that could not fit."""
    return not question(situation).silent


def answer(aspect: str, candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """What one constraint says of a build."""
    posed = question(situation)
    return None if posed.silent else posed.verdict(candidate).answers.get(aspect)


class _Judge:
    """One build held against everything that is asked for and installed."""

    def __init__(self, candidate: Candidate, posed: Question, wanted: Wanted) -> None:
        from torchsmith.choose.fit import Around

        self.posed, self.wanted = posed, wanted
        self.around = Around(candidate, posed.oldest_sm, wanted.specifiers, wanted.shared)
        self.reasons: list[Reason] = []
        self.risks: list[tuple[str, str, float]] = []
        self.fits: list[tuple[Requirement, Fit]] = []
        for name, requirements in wanted.together.items():
            if name in _PROJECTS and not any(each.where in {NEED, KEEP} for each in requirements):
                continue
            if name in PSEUDO:
                self.reasons += _pseudo(requirements, candidate, self.around)
            elif name == "numpy":
                self.reasons += _numpy(requirements, self.around, wanted.words[name])
            elif is_about_nvidia(name) is not None:
                self.reasons += _nvidia(requirements, candidate, self.around)
            else:
                self._package(requirements)
        if not self.reasons and self.fits:
            self._together()
        if posed.situation.python in {None, candidate.python}:
            self.risks += _installed(posed, self.around, wanted.together)

    def verdict(self) -> Verdict:
        """All of it, one answer for each constraint."""
        answers: dict[str, Reason | Risk] = {}
        for aspect in dict.fromkeys(aspect for aspect, _, _ in self.risks):
            risks = {text: weight for its, text, weight in self.risks if its == aspect}
            answers[aspect] = Risk("; ".join(risks), min(0.8, sum(risks.values())))
        for aspect in dict.fromkeys(reason.constraint for reason in self.reasons):
            reasons = [reason for reason in self.reasons if reason.constraint == aspect]
            answers[aspect] = reasons[0] if len(reasons) == 1 else _joined(reasons)
        return Verdict(answers, tuple(self.fits), self.around)

    def _package(self, requirements: list[Requirement]) -> None:
        """One package that is asked for, once or several times."""
        from torchsmith.choose import fit_text

        first, name, around = requirements[0], requirements[0].name, self.around
        joint = self.wanted.specifiers[name]
        fit = around.best(name, joint)
        if fit is None:
            self._not_listed(requirements)
            return
        self.fits.append((first, fit))
        if fit.clean:
            self.risks.extend(("packages", text, weight) for text, weight in fit_text.risks(fit, around))
            return
        subject = f"{name} {fit.version} ({', '.join(each.where for each in requirements)})"
        opening = f"no {name}{joint} fits: " if around.many(name, joint) else ""
        unless = around.nearest(fit) or f"without {first}"
        told: set[str] = set()
        for clash in fit_text.clashes(fit, around, self.posed.gpu, self.wanted.words, subject):
            because = clash.because if clash.aspect in told else opening + clash.because
            told.add(clash.aspect)
            self.reasons.append(Reason(clash.aspect, because, clash.source, unless))

    def _not_listed(self, requirements: list[Requirement]) -> None:
        first = requirements[0]
        if len(requirements) > 1 and all(self.around.best(each.name, each.specifier) is not None for each in requirements):
            because = f"{_quoted(first)} and {_quoted(requirements[1])} take no release in common"
            self.reasons.append(Reason("packages", because, requirements[1].where, f"without {requirements[1]}"))
            return
        known = third_party.newest(first.name)
        listed = f", which end with {known}" if known else ""
        self.risks.append(("packages", f"{first} is not in the tables{listed}: whether it fits is not known", 0.1))

    def _together(self) -> None:
        """Whether the packages that were chosen one by one can have what they share."""
        needed: dict[str, dict[str, str]] = {}
        roots: dict[str, Fit] = {}
        for _, fit in self.fits:
            for each in fit.chosen():
                for name, specifier in each.row.needed(self.around.python) if each.row.needs else ():
                    needed.setdefault(name, {})[specifier] = f"{each.row.package} {each.version}"
                    roots[name] = fit
        for name, askers in needed.items():
            if len(askers) > 1:
                needs = " and ".join(f"{who} needs {name}{specifier}" for specifier, who in askers.items())
                self._shared(name, ",".join(specifier for specifier in askers if specifier), needs, roots[name])

    def _shared(self, name: str, joint: str, needs: str, root: Fit) -> None:
        from torchsmith.choose import fit_text

        around = self.around
        found = None if name == "numpy" else around.best(name, joint)
        if (name == "numpy" and around.numpy_serves(joint)) or (found is not None and found.clean):
            return
        unless = around.nearest(root) or f"without {root.row.package}"
        if found is None:
            because = f"{needs}: no release serves all of them"
            self.reasons.append(Reason("numpy" if name == "numpy" else "packages", because, _FACTS, unless))
            return
        for clash in fit_text.clashes(found, around, self.posed.gpu, self.wanted.words, f"{needs}; {name} {found.version}"):
            self.reasons.append(Reason(clash.aspect, clash.because, clash.source, unless))


def _joined(reasons: list[Reason]) -> Reason:
    """Several reasons of one constraint: of what is asked for in the same place the first speaks."""
    told = {(reason.because.partition(")")[0], reason.unless): reason for reason in reversed(reasons)}
    reasons = [reason for reason in reasons if reason in told.values()]
    return Reason(
        reasons[0].constraint,
        "; ".join(dict.fromkeys(reason.because for reason in reasons)),
        "; ".join(dict.fromkeys(reason.source for reason in reasons)),
        " and ".join(dict.fromkeys(reason.unless for reason in reasons if reason.unless)),
    )


def _numpy(requirements: list[Requirement], around: Around, wished: str) -> Iterator[Reason]:
    joint = _joint(requirements)
    if not around.numpy(joint, anywhere=True) and all(around.numpy(each.specifier, anywhere=True) for each in requirements):
        because = f"{wished} take no release of NumPy in common"
        yield Reason("numpy", because, "torchsmith facts third_party", f"without {requirements[0]}")
        return
    trouble = around.numpy_trouble("")
    if trouble == "numpy-abi":
        because = f"torch {around.torch} was built against NumPy 1 and fails with NumPy 2, and {wished} was asked for"
        yield Reason("numpy", because, "torchsmith facts numpy_abi", "numpy < 2")
    elif trouble == "numpy-python":
        because = f"{wished} was asked for and has no wheels for Python {around.python}"
        yield Reason("numpy", because, "the wheel tags: torchsmith facts third_party", f"without {requirements[0]}")


def _pseudo(requirements: list[Requirement], candidate: Candidate, around: Around) -> Iterator[Reason]:
    """CUDA, cuDNN, Python and torch itself, asked for like packages."""
    for each in requirements:
        specifier, unless = each.specifier, f"without {each}"
        if not specifier:
            continue
        if each.name == "python" and not by_parts(specifier, around.python):
            said = f"it is for Python {candidate.python}"
        elif each.name == "torch" and not pep440.allows(specifier, candidate.version):
            said = f"it is torch {candidate.version}"
        elif each.name == "cuda" and not (around.cuda and by_parts(specifier, around.cuda)):
            said = f"this build is made with CUDA {around.cuda_minor}" if around.cuda else "this build has no CUDA"
        elif each.name == "cudnn" and not (
            around.cudnn_major and by_parts(specifier, candidate.cudnn or str(around.cudnn_major))
        ):
            brought = candidate.cudnn or around.cudnn_major
            said = f"torch {around.torch} brings cuDNN {brought}" if brought else "this build has no cuDNN"
        else:
            continue
        aspect = "cudnn" if each.name == "cudnn" else "packages"
        yield Reason(aspect, f"{_quoted(each)} was asked for, and {said}", each.where, unless)


def _nvidia(requirements: list[Requirement], candidate: Candidate, around: Around) -> Iterator[Reason]:
    """One of NVIDIA's wheels as a pin: of the CUDA major of torch, and for cuDNN in the version that torch names."""
    for each in requirements:
        theirs, cudnn = is_about_nvidia(each.name), each.name.startswith("nvidia-cudnn-")
        if around.kind != "cuda" or not candidate.platform.startswith("linux"):
            continue
        aspect, source = "cudnn" if cudnn else "packages", "torchsmith facts torch_pins"
        if theirs != around.cuda_major:
            shared = ", and the cuDNN wheels of both majors write into one folder" if cudnn else ""
            because = f"{_quoted(each)} is for CUDA {theirs}, this build is made with CUDA {around.cuda_minor}{shared}"
            yield Reason(aspect, because, source, f"without {each}")
        elif cudnn and candidate.cudnn and not pep440.allows(each.specifier, candidate.cudnn):
            because = f"torch {candidate.version} requires {each.name}=={candidate.cudnn}, and {_quoted(each)} was asked for"
            yield Reason(aspect, because, source, f"without {each}")


def _installed(posed: Question, around: Around, asked_for: dict[str, list[Requirement]]) -> Iterator[tuple[str, str, float]]:
    """What is installed and would not fit any more: it would have to move too."""
    for name, version, row in posed.installed:
        if name not in asked_for:
            yield from _left_behind(name, version, row, around, posed.gpu)
    for name in posed.moving:
        if name not in asked_for:
            found = around.best(name, "")
            if found is None or not found.clean:
                what = f"torch {around.torch} in Python {around.python}"
                yield "packages", f"{name} is installed and has no release for {what}: it has to go", 0.15
                continue
            version = posed.situation.packages.version(name) or ""
            present = third_party.requirement(name, version)
            if present is not None and "torch" in around.troubles(present):
                yield "packages", f"{name} {version} is installed and needs torch{present.torch_spec}: it moves along", 0.02
    if posed.numpy and around.numpy_abi == 1 and "numpy" not in asked_for:
        to = around.numpy("<2")
        yield "numpy", f"NumPy {posed.numpy} is here, and torch {around.torch} was built against NumPy 1: it goes to {to}", 0.1


def _left_behind(name: str, version: str, row: Row, around: Around, gpu: str) -> Iterator[tuple[str, str, float]]:
    from torchsmith.choose import fit_text

    for trouble in around.troubles(row):
        if trouble != "no-gpu":
            text = f"{name} {version} is installed and {fit_text.own(trouble, row, around, gpu)}"
            heavy = trouble in {"cuda", "cudnn"}
            yield "cudnn" if trouble == "cudnn" else "packages", text, 0.2 if heavy else 0.1
    numpy = next((specifier for need, specifier in row.needed(around.python) if need == "numpy"), "")
    if numpy and around.numpy_abi == 1 and not around.numpy(numpy, "<2", anywhere=True):
        yield "numpy", f"{name} {version} is installed and needs numpy{numpy}, and torch {around.torch} NumPy 1", 0.1


def _joint(requirements: list[Requirement]) -> str:
    return ",".join(dict.fromkeys(each.specifier for each in requirements if each.specifier))


def _quoted(requirement: Requirement) -> str:
    return f"{requirement} ({requirement.where})" if requirement.where else str(requirement)

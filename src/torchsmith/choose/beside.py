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
from torchsmith.model.known import Unknown
from torchsmith.model.record import record
from torchsmith.model.versions import compute_capability, major

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.choose.fit import Around, Fit
    from torchsmith.choose.situation import Situation
    from torchsmith.knowledge.third_party import Requirement as Row
    from torchsmith.model.choice import Candidate, Requirement

COMPANIONS = ("torchvision", "torchaudio", "torchtext", "torchcodec", "xformers", "triton-windows")
"""Packages that are released with torch or for one torch, and so move along with it."""

_MOVES = frozenset({*COMPANIONS, "torch", "triton", "numpy"})


@record
class Verdict:
    """What was found for one build: reasons and risks with their aspect, and of each package asked for the release."""

    reasons: tuple[tuple[str, Reason], ...]
    risks: tuple[tuple[str, str, float], ...]
    fits: tuple[tuple[Requirement, Fit], ...]
    around: Around | None


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
        self._asked: dict[str, tuple[Requirement, ...]] = {}
        self._verdicts: dict[tuple[object, ...], Verdict] = {}
        self.silent = not (
            self.installed or self.moving or self.numpy or situation.wishes.needs or situation.wishes.keeps
        ) and not asked.asked_for(situation)

    def asked(self, python: str) -> tuple[Requirement, ...]:
        """What is asked for in a Python."""
        if python not in self._asked:
            self._asked[python] = asked.asked_for(self.situation, python)
        return self._asked[python]

    def verdict(self, candidate: Candidate) -> Verdict:
        """The judgement on one build."""
        key = candidate.torch, candidate.build, candidate.python, candidate.cudnn, candidate.platform
        if key not in self._verdicts:
            self._verdicts[key] = _judged(candidate, self)
        return self._verdicts[key]


_held: list[Question] = []


def question(situation: Situation) -> Question:
    """The question of a situation; the last one is held, for a decision asks it a thousand times."""
    if not _held or _held[0].situation is not situation:
        _held[:] = [Question(situation)]
    return _held[0]


def answer(aspect: str, candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """What one constraint says of a build."""
    posed = question(situation)
    if posed.silent:
        return None
    verdict = posed.verdict(candidate)
    reasons = [reason for its, reason in verdict.reasons if its == aspect]
    if reasons:
        return Reason(
            aspect,
            "; ".join(dict.fromkeys(reason.because for reason in reasons)),
            "; ".join(dict.fromkeys(reason.source for reason in reasons)),
            " and ".join(dict.fromkeys(reason.unless for reason in reasons if reason.unless)),
        )
    risks = {text: weight for its, text, weight in verdict.risks if its == aspect}
    return Risk("; ".join(risks), min(0.5, sum(risks.values()))) if risks else None


def _judged(candidate: Candidate, posed: Question) -> Verdict:
    from torchsmith.choose.fit import Around

    wanted = posed.asked(candidate.python)
    together: dict[str, list[Requirement]] = {}
    for requirement in wanted:
        together.setdefault(requirement.name, []).append(requirement)
    specifiers = {name: _joint(requirements) for name, requirements in together.items()}
    around = Around(candidate, posed.oldest_sm, specifiers)
    reasons: list[tuple[str, Reason]] = []
    risks: list[tuple[str, str, float]] = []
    fits: list[tuple[Requirement, Fit]] = []
    wished = {name: " and ".join(map(_quoted, requirements)) for name, requirements in together.items()}
    for name, requirements in together.items():
        if name in PSEUDO:
            reasons += _pseudo(requirements, candidate, around)
        elif name == "numpy":
            reasons += _numpy(requirements, around, wished[name])
        elif is_about_nvidia(name) is not None:
            reasons += _nvidia(requirements, candidate, around)
        else:
            _package(requirements, around, posed, wished, reasons, risks, fits)
    if posed.situation.python in {None, candidate.python}:
        risks += _installed(posed, around, together)
    return Verdict(tuple(reasons), tuple(risks), tuple(fits), around)


def _package(
    requirements: list[Requirement],
    around: Around,
    posed: Question,
    wished: dict[str, str],
    reasons: list[tuple[str, Reason]],
    risks: list[tuple[str, str, float]],
    fits: list[tuple[Requirement, Fit]],
) -> None:
    """One package that is asked for, once or several times."""
    from torchsmith.choose import fit_text

    first, name, joint = requirements[0], requirements[0].name, _joint(requirements)
    fit = around.best(name, joint)
    if fit is None:
        rivals = [each for each in requirements if around.best(name, each.specifier) is not None]
        if len(rivals) == len(requirements) > 1:
            because = f"{_quoted(rivals[0])} and {_quoted(rivals[1])} take no release in common"
            reasons.append(("packages", Reason("packages", because, rivals[1].where, f"without {rivals[1]}")))
        elif first.where in {NEED, KEEP} or third_party.of(name):
            known = third_party.newest(name)
            listed = f", which end with {known}" if known else ""
            risks.append(("packages", f"{first} is not in the tables{listed}: whether it fits is not known", 0.1))
        return
    fits.append((first, fit))
    if fit.clean:
        risks.extend(("packages", text, weight) for text, weight in fit_text.risks(fit, around))
        return
    exact = len([row for row in third_party.of(name) if row.allowed(joint)]) == 1
    subject = f"{name} {fit.version} ({', '.join(each.where for each in requirements)})"
    opening = "" if exact else f"no {name}{joint} fits: "
    unless = around.nearest(fit) or f"without {first}"
    reasons.extend(
        (clash.aspect, Reason(clash.aspect, opening + clash.because, clash.source, unless))
        for clash in fit_text.clashes(fit, around, posed.gpu, wished, subject)
    )


def _numpy(requirements: list[Requirement], around: Around, wished: str) -> Iterator[tuple[str, Reason]]:
    trouble = around.numpy_trouble("")
    if trouble == "numpy-abi":
        because = f"torch {around.torch} was built against NumPy 1 and fails with NumPy 2, and {wished} was asked for"
        yield "numpy", Reason("numpy", because, "torchsmith facts numpy_abi", "numpy < 2")
    elif trouble == "numpy-python":
        because = f"{wished} was asked for and has no wheels for Python {around.python}"
        yield "numpy", Reason("numpy", because, "the wheel tags: torchsmith facts third_party", f"without {requirements[0]}")


def _pseudo(requirements: list[Requirement], candidate: Candidate, around: Around) -> Iterator[tuple[str, Reason]]:
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
        yield aspect, Reason(aspect, f"{_quoted(each)} was asked for, and {said}", each.where, unless)


def _nvidia(requirements: list[Requirement], candidate: Candidate, around: Around) -> Iterator[tuple[str, Reason]]:
    """One of NVIDIA's wheels as a pin: of the CUDA major of torch, and for cuDNN in the version that torch names."""
    for each in requirements:
        theirs, cudnn = is_about_nvidia(each.name), each.name.startswith("nvidia-cudnn-")
        if around.kind != "cuda" or not candidate.platform.startswith("linux"):
            continue
        aspect, source = "cudnn" if cudnn else "packages", "torchsmith facts torch_pins"
        if theirs != around.cuda_major:
            shared = ", and the cuDNN wheels of both majors write into one folder" if cudnn else ""
            because = f"{_quoted(each)} is for CUDA {theirs}, this build is made with CUDA {around.cuda_minor}{shared}"
            yield aspect, Reason(aspect, because, source, f"without {each}")
        elif cudnn and candidate.cudnn and not pep440.allows(each.specifier, candidate.cudnn):
            because = f"torch {candidate.version} requires {each.name}=={candidate.cudnn}, and {_quoted(each)} was asked for"
            yield aspect, Reason(aspect, because, source, f"without {each}")


def _installed(posed: Question, around: Around, asked_for: dict[str, list[Requirement]]) -> Iterator[tuple[str, str, float]]:
    """What is installed and would not fit any more: it would have to move too."""
    for name, version, row in posed.installed:
        if name not in asked_for:
            yield from _left_behind(name, version, row, around, posed.gpu)
    for name in posed.moving:
        if name not in asked_for:
            found = around.best(name, "")
            if found is None or "torch" in found.troubles:
                yield "packages", f"{name} is installed and has no release for torch {around.torch}: it has to go", 0.15
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

"""The packages that come with a build: torch, the companions of its release, and what was asked for beside them."""

from __future__ import annotations

from torchsmith.choose import beside, standing
from torchsmith.choose.asked import NEED, asked_for
from torchsmith.choose.fit import Around
from torchsmith.knowledge import companions, third_party, torch_builds
from torchsmith.model.choice import Pin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torchsmith.choose.beside import Question
    from torchsmith.choose.fit import Fit
    from torchsmith.choose.situation import Situation
    from torchsmith.knowledge.companions import Companions
    from torchsmith.model.choice import Candidate

_WITH_LABELS = frozenset({"torchvision", "torchaudio", "torchcodec", "xformers"})
"""What the wheel index serves for each build, beside torch."""


_FRESH = frozenset({"torchvision", "torchaudio"})


def pins(candidate: Candidate, situation: Situation, index: str | None) -> tuple[Pin, ...]:
    """Torch, the companions that are here, needed or named by the project (else in a new environment the usual), and the needed.

    ``index`` is where torch comes from; None is the default index, from which come the packages that have no builds.
    """
    posed = beside.question(situation)
    key = candidate.channel, candidate.torch, candidate.build, candidate.python, index
    if key not in posed.pins:
        posed.pins[key] = tuple(_pins(candidate, posed, index))
    return posed.pins[key]


def _pins(candidate: Candidate, posed: Question, index: str | None) -> Iterator[Pin]:
    situation = posed.situation
    verdict = None if posed.silent else posed.verdict(candidate)
    around = verdict.around if verdict else Around(candidate, None, {}, posed.wanted(candidate.python).shared)
    chosen = {each.row.package: each for _, fit in verdict.fits for each in fit.chosen()} if verdict else {}
    yield Pin("torch", candidate.torch, index)
    companions_here = dict(_companions(situation, chosen, around))
    for name, version in companions_here.items():
        served = name in _WITH_LABELS and _has_build(name, version, candidate)
        yield Pin(name, version, index if served else None)
    needed = {requirement.name for requirement, _ in verdict.fits if requirement.where == NEED} if verdict else set()
    for name, each in chosen.items():
        # An installer takes the newest release of what is needed; where only an older one fits, it has to be told.
        forced = name in needed or (each.older and situation.packages.version(name) != each.version)
        if forced and name not in beside.COMPANIONS:
            yield Pin(name, each.version)
    numpy = _numpy(candidate, situation, around, fresh="torchvision" in companions_here)
    if numpy:
        yield Pin("numpy", numpy)


def _companions(situation: Situation, chosen: Mapping[str, Fit], around: Around) -> Iterator[tuple[str, str]]:
    """The companions that move along, each with the release that belongs to torch's, or with another that fits."""
    belonging = companions.for_torch(around.torch)
    # A project that asks for torch asks for its companions as well, if it wants them.
    fresh = beside.question(situation).fresh and not situation.project.declared("torch")
    named = {requirement.name for requirement in asked_for(situation, around.python)}
    for name in beside.COMPANIONS:
        own = getattr(belonging, name, None)
        fits = own and (fit := around.best(name, f"=={own}")) and fit.clean
        if name in chosen:
            asked = [specifier for each in chosen.values() for need, specifier in each.row.needed(around.python) if need == name]
            asked += [requirement.specifier for requirement in asked_for(situation) if requirement.name == name]
            yield name, str(own) if fits and all(third_party.fits(each, str(own)) for each in asked) else chosen[name].version
        elif situation.packages.get(name) is not None or name in named:
            other = around.best(name, "")
            if fits or (other is not None and other.clean):
                yield name, str(own) if fits or other is None else other.version
        elif fresh and fits and name in _FRESH and not _ended(name, str(own), belonging):
            yield name, str(own)


def _ended(name: str, version: str, belonging: Companions | None) -> bool:
    """Whether a package has ended, and its last release belongs to an older torch as well."""
    if belonging is None or name != "torchaudio":
        return False
    return belonging.torch != version and companions.torch_for(name, version) != f"=={belonging.torch}"


def _has_build(name: str, version: str, candidate: Candidate) -> bool:
    """Whether it is served for the build: the last torchaudio only for the builds of the torch of its day."""
    if name != "torchaudio" or version == candidate.torch or companions.torch_for(name, version):
        return True
    return torch_builds.published(version, candidate.build, candidate.platform) is not None


def _numpy(candidate: Candidate, situation: Situation, around: Around, *, fresh: bool) -> str:
    """The NumPy to go to where the present one, or the one that would come, does not fit; empty where it may stay."""
    have = situation.packages.version("numpy") or ""
    wished = ",".join(requirement.specifier for requirement in asked_for(situation) if requirement.name == "numpy")
    if candidate.channel != "wheel" or not (have or fresh or wished):
        return ""
    built = "<2" if around.numpy_abi == 1 else ""
    limits = ",".join(part for part in (wished, built) if part)
    taken = have
    if not have and not any(wish.name == "numpy" for wish in (*situation.wishes.needs, *situation.wishes.keeps)):
        # What an installer takes by itself need not be told; who resolves a project keeps to what that asks for.
        resolved = standing.own_manager(situation) in {*standing.PROJECTS, "pixi"}
        taken = around.numpy(wished if resolved else "")
    return around.numpy(limits) if limits and not (taken and third_party.fits(limits, taken)) else ""

"""The packages that come with a build: torch, the companions of its release, and what was asked for beside them."""

from __future__ import annotations

from torchsmith.choose import beside
from torchsmith.choose.asked import NEED, asked_for
from torchsmith.choose.fit import Around
from torchsmith.knowledge import companions, third_party, torch_builds
from torchsmith.model.choice import Pin
from torchsmith.model.facts.torch import Torch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.choose.fit import Fit
    from torchsmith.choose.situation import Situation
    from torchsmith.knowledge.companions import Companions
    from torchsmith.model.choice import Candidate

_WITH_LABELS = frozenset({"torchvision", "torchaudio", "torchcodec", "xformers"})
"""What the wheel index serves for each build, beside torch."""


def pins(candidate: Candidate, situation: Situation, index: str | None) -> tuple[Pin, ...]:
    """Torch, the companions that are here or needed (in a new environment torchvision and torchaudio), and what is needed.

    ``index`` is where torch comes from; None is the default index, from which come the packages that have no builds.
    """
    posed = beside.question(situation)
    verdict = None if posed.silent else posed.verdict(candidate)
    around = verdict.around if verdict else None
    chosen = {each.row.package: each for _, fit in verdict.fits for each in fit.chosen()} if verdict else {}
    found = {"torch": Pin("torch", candidate.torch, index)}
    for name, version in _companions(candidate, situation, chosen, around):
        served = name in _WITH_LABELS and _has_build(name, version, candidate)
        found[name] = Pin(name, version, index if served else None)
    for requirement, fit in verdict.fits if verdict else ():
        if requirement.where == NEED and requirement.name not in found:
            found[requirement.name] = Pin(requirement.name, fit.version)
    for name, each in chosen.items():
        # An installer takes the newest release of what is needed; where only an older one fits, it has to be told.
        if (
            name not in found
            and name not in beside.COMPANIONS
            and each.older
            and situation.packages.version(name) != each.version
        ):
            found[name] = Pin(name, each.version)
    numpy = _numpy(candidate, situation, around, fresh="torchvision" in found)
    return (*found.values(), *((Pin("numpy", numpy),) if numpy else ()))


def _companions(
    candidate: Candidate, situation: Situation, chosen: dict[str, Fit], around: Around | None
) -> Iterator[tuple[str, str]]:
    """The companions that move along, each with its release."""
    belonging = companions.for_torch(candidate.torch)
    own = {name: getattr(belonging, name) for name in ("torchvision", "torchaudio", "torchtext")} if belonging else {}
    fresh = not isinstance(situation.torch, Torch) and situation.packages.get("torch") is None
    for name in beside.COMPANIONS:
        here = situation.packages.get(name) is not None
        version = own.get(name)
        if name in chosen:
            # Of the releases that fit, the one that belongs to the release of torch comes first.
            own_fits = around and version and (fit := around.best(name, f"=={version}")) and fit.clean
            allowed = own_fits and name not in _asked(situation)
            yield name, str(version) if allowed else chosen[name].version
        elif here and name in own and version and not _ended(name, version, belonging):
            yield name, version
        elif here and around and (fit := around.best(name, "")) and fit.clean:
            yield name, fit.version
        elif fresh and not here and version and name in {"torchvision", "torchaudio"} and not _ended(name, version, belonging):
            yield name, version


def _asked(situation: Situation) -> frozenset[str]:
    return frozenset(requirement.name for requirement in (*situation.wishes.needs, *situation.wishes.keeps))


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


def _numpy(candidate: Candidate, situation: Situation, around: Around | None, *, fresh: bool) -> str:
    """The NumPy to go to where the present one, or the one that would come, does not fit; empty where it may stay."""
    have = situation.packages.version("numpy") or ""
    wished = ",".join(requirement.specifier for requirement in asked_for(situation) if requirement.name == "numpy")
    if candidate.channel != "wheel" or not (have or fresh or wished):
        return ""
    if around is None:
        around = Around(candidate, None, {})
    built = "<2" if around.numpy_abi == 1 else ""
    limits = ",".join(part for part in (wished, built) if part)
    return around.numpy(limits) if limits and not (have and third_party.fits(limits, have)) else ""

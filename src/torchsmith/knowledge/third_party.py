"""What other packages ask of torch, CUDA, cuDNN, NumPy and each other."""

from __future__ import annotations

from functools import lru_cache

from torchsmith.model import pep440
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@record
class Requirement:
    """What one range of versions of a package asks for. Empty fields: it does not say, or it does not matter."""

    package: str
    first: str | None
    """First version of the range; None where the beginning is not known."""
    below: str | None
    """First version after the range; None while it lasts."""
    kind: str
    """requires (of its metadata), runtime (of its binaries), build"""
    torch_spec: str | None
    cuda_major: int | None
    cudnn_major: int | None
    min_sm: int | None
    requirement: str
    effect: str | None
    versions: tuple[str, ...] = ()
    """Its releases in the range, oldest first."""
    yanked: tuple[str, ...] = ()
    """Releases that were withdrawn: an installer takes one only if it is named exactly."""
    python_spec: str | None = None
    platforms: tuple[str, ...] = ()
    """Where it can be had; empty: everywhere."""
    cuda_builds: tuple[str, ...] = ()
    """The CUDA minors that it has a library for."""
    gpu_platforms: tuple[str, ...] = ()
    """Where its wheels have code for GPUs; empty: wherever they are."""
    elsewhere: str | None = None
    """Why another CUDA major is no end of it."""
    wheels: tuple[str, ...] = ()
    """For what it is built beforehand, as torch:CUDA:Python; ``-`` nothing, ``?`` not known; empty: its wheels always fit."""
    needs: str | None = None
    source: str = ""
    cuda_least: int | None = None
    """The oldest CUDA major that it can be built with."""

    def allowed(self, specifier: str) -> tuple[str, ...]:
        """Its releases that a version set takes, oldest first; a withdrawn one only if it is named."""
        return _allowed(self.versions, self.yanked, specifier)

    def needed(self, python: str) -> tuple[tuple[str, str], ...]:
        """The packages of the tables that it requires in this Python, each with its versions."""
        return _needed(self.needs or "", python)


@lru_cache(4096)
def requirement(package: str, version: str) -> Requirement | None:
    """What a version of a package asks for; None for a package or a version that the table does not list."""
    wanted = pep440.key(version)
    for known in of(normal(package)) if wanted else ():
        if (known.first is None or wanted >= pep440.key(known.first)) and (
            known.below is None or wanted < pep440.key(known.below)
        ):
            return known
    return None


@lru_cache(None)
def of(package: str) -> tuple[Requirement, ...]:
    """Every range of a package, oldest first; also of torchvision and torchaudio; empty for one that no table lists."""
    if package in {"torchvision", "torchaudio"}:
        return tuple(_companions(package))
    from torchsmith.knowledge.compiled.third_party import ROWS

    return tuple(Requirement(*row) for row in ROWS if row[0] == package)


@lru_cache(None)
def looks_at(package: str) -> tuple[str, ...]:
    """What the rows of a package, and of those that it needs, depend on: torch, python, gpu, cuda (its minor), numpy."""
    return tuple(sorted(_sights(package, set())))


def between(package: str, specifier: str) -> tuple[Requirement, str] | None:
    """The range that a single version falls into which is no listed release, though older than some: what it is likely to ask."""
    sign, version = specifier[:2], specifier[2:]
    last = newest(package)
    if sign != "==" or last is None or not pep440.key(version) or pep440.key(version) > pep440.key(last):
        return None
    # What was published only with a later mending (0.0.32.post1) asks for what that asks for.
    mended = next((row for row in of(package) if any(each.startswith(f"{version}.post") for each in row.versions)), None)
    row = mended or requirement(package, version)
    return (row, version) if row else None


def around(package: str, version: str) -> tuple[str, ...]:
    """The listed releases just before and just after a version that is none of them."""
    every = [each for row in of(package) for each in row.versions]
    wanted = pep440.key(version)
    below = [each for each in every if pep440.key(each) < wanted][-1:]
    return (*below, *[each for each in every if pep440.key(each) > wanted][:1])


def packages() -> tuple[str, ...]:
    """The packages that the table knows."""
    from torchsmith.knowledge.compiled.third_party import ROWS

    return tuple(dict.fromkeys(row[0] for row in ROWS))


def newest(package: str) -> str | None:
    """The newest listed release of a package."""
    return next((row.versions[-1] for row in reversed(of(package)) if row.versions), None)


def normal(name: str) -> str:
    """The name of a package in the one spelling that the tables use."""
    return name.lower().replace("_", "-").replace(".", "-")


@lru_cache(None)
def fits(specifier: str, version: str) -> bool:
    """Whether a version set takes a version, remembered: few pairs are asked for often."""
    return pep440.allows(specifier, version)


def _sights(package: str, seen: set[str]) -> set[str]:
    if package in seen:
        return set()
    seen.add(package)
    if package == "numpy":
        return {"numpy", "python"}
    found = {"python"}
    for row in of(package):
        found |= {"torch"} if row.torch_spec else set()
        found |= {"gpu"} if row.cuda_major or row.cuda_least or row.cuda_builds or row.min_sm else set()
        found |= {"cuda"} if row.cuda_builds or row.wheels or row.elsewhere else set()
        for need in row.needs.split("; ") if row.needs else ():
            found |= _sights(_split(need.partition("@")[0])[0], seen)
    return found


def _split(need: str) -> tuple[str, str]:
    at = next((place for place, letter in enumerate(need) if letter in "=<>!~"), len(need))
    return need[:at], need[at:]


def _companions(package: str) -> Iterator[Requirement]:
    """The releases of torchvision or torchaudio, each a range of its own."""
    from torchsmith.knowledge.compiled.companion_requirements import ROWS
    from torchsmith.knowledge.compiled.companions import ROWS as BELONGING

    listed = [row for row in ROWS if row[0] == package]
    for place, (_, version, spec, tags) in enumerate(listed):
        # The last torchaudio names no torch: it belongs to that of its day and to all since.
        since = next((row[0] for row in BELONGING if version in row[1:3]), None)
        asks = spec or (f">={since}" if since else "")
        below = listed[place + 1][1] if place + 1 < len(listed) else None
        minors = sorted(int(tag[3:]) for tag in tags if tag.startswith("cp3") and tag[3:].isdigit())
        yield Requirement(
            package=package,
            first=version,
            below=below,
            kind="requires",
            torch_spec=asks,
            cuda_major=None,
            cudnn_major=None,
            min_sm=None,
            requirement=f"torch{asks}",
            effect=None,
            versions=(version,),
            python_spec=f">=3.{minors[0]},<3.{minors[-1] + 1}" if minors else None,
            source="wheel",
        )


@lru_cache(None)
def _allowed(versions: tuple[str, ...], yanked: tuple[str, ...], specifier: str) -> tuple[str, ...]:
    if not specifier:
        return versions
    taken = tuple(version for version in versions if pep440.allows(specifier, version))
    named = tuple(version for version in yanked if _names(specifier, version))
    return taken or named


def _names(specifier: str, version: str) -> bool:
    exact = any(clause.strip().startswith("==") and not clause.strip().endswith("*") for clause in specifier.split(","))
    return exact and pep440.allows(specifier, version)


@lru_cache(None)
def _needed(needs: str, python: str) -> tuple[tuple[str, str], ...]:
    found = []
    for need in needs.split("; ") if needs else ():
        asked, _, meant_for = need.partition("@")
        if meant_for and not pep440.allows(meant_for, python):
            continue
        found.append(_split(asked))
    return tuple(found)

"""Builds that nobody publishes: torch from its sources with a CUDA toolkit, and what nixpkgs makes of the wheels.

A release is built with one toolkit of each CUDA major that its own build files accept: of the newest that it was published
with, the one of its wheels; of an older major the last. So each GPU that some accepted toolkit knows has one.
"""

from __future__ import annotations

from torchsmith.knowledge import torch_builds, torch_releases
from torchsmith.knowledge.compiled.build_requirements import ROWS
from torchsmith.knowledge.compiled.cuda_archs import ROWS as ARCHS
from torchsmith.knowledge.compiled.cuda_toolkits import ROWS as TOOLKITS
from torchsmith.knowledge.compiled.gpu_archs_in_builds import ROWS as CODE
from torchsmith.knowledge.compiled.nix_builds import ROWS as NIX
from torchsmith.knowledge.compiled.torch_builds import ROWS as BUILDS
from torchsmith.model.choice import Candidate
from torchsmith.model.versions import at_least, cuda_of_label, key, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

PLATFORMS = ("linux-x86_64", "linux-aarch64", "windows")
"""Where torch can be built with CUDA."""


_NO_END = 1000
_new: Callable[[Any, Any], Any] = tuple.__new__
"""As in the catalogue: past the check of their fields."""


def candidates(platform: str) -> tuple[Candidate, ...]:
    """What could be built for a platform, oldest release first, then what nixpkgs has."""
    return (*_sources(platform), *_nix(platform))


def _spans() -> tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...]:
    """Each architecture with the first and the last toolkit that make code for it; without an end, none comes after it."""
    return tuple((sm, key(first), key(last) if last else (_NO_END,)) for sm, _name, first, last in ARCHS)


def _sources(platform: str) -> Iterator[Candidate]:
    if platform not in PLATFORMS:
        return
    published, newest = _published(), _newest_toolkits()
    spans = _spans()
    carried: dict[tuple[object, ...], tuple[int, ...]] = {}
    for torch, least, arch_list in ROWS:
        if torch not in published:
            continue
        pythons = tuple(f"{tag[2]}.{tag[3:]}" for tag in torch_releases.python_tags(torch, platform))
        for cuda in _toolkits(least, published[torch], newest):
            if (arch_list, cuda) not in carried:
                wanted, at = {value.replace(".", "") for value in arch_list}, key(cuda)
                carried[arch_list, cuda] = tuple(sm for sm, first, last in spans if first <= at <= last and str(sm) in wanted)
            head: tuple[Any, ...] = ("source", torch, f"cu{cuda.replace('.', '')}", "cuda", platform)
            tail: tuple[Any, ...] = (cuda, None, carried[arch_list, cuda], (), None, False, "stable", "script", "medium", pythons)
            for python in pythons:
                yield _new(Candidate, (*head, python, *tail, None, True))


def _published() -> dict[str, str]:
    """The newest CUDA that each release was published with."""
    labels = {row[1]: cuda_of_label(row[1]) for row in BUILDS if row[2] == "cuda"}
    order = {build: key(cuda) for build, cuda in labels.items() if cuda}
    newest: dict[str, str] = {}
    for torch, build, *_rest in BUILDS:
        if build in order and (torch not in newest or order[build] > order[newest[torch]]):
            newest[torch] = build
    return {torch: labels[build] or "" for torch, build in newest.items()}


def _newest_toolkits() -> dict[int, str]:
    """The newest listed minor of each CUDA major."""
    last = {str(row[0]).partition(".")[0]: str(row[0]) for row in TOOLKITS}
    return {int(major): minor(version) for major, version in last.items()}


def _toolkits(least: str, published: str, newest: dict[int, str]) -> list[str]:
    """One toolkit of each accepted major: of the newest one that the release was published with, of an older one the last."""
    highest = key(published)[0]
    toolkits = [published if major == highest else last for major, last in newest.items() if major <= highest]
    return [cuda for cuda in toolkits if at_least(cuda, least)]


def _nix(platform: str) -> Iterator[Candidate]:
    """What torch-bin is there: the published wheel, so its GPU code is that of the build."""
    for torch, build, its, tags, _revision in NIX:
        if its != platform:
            continue
        carried = next((row for row in CODE if row[0] == torch and row[1] == build and row[2] == platform), None)
        listed = torch_builds.published(torch, build, platform)
        pythons = tuple(f"{tag[2]}.{tag[3:]}" for tag in tags)
        for python in pythons:
            yield Candidate(
                "nix",
                torch,
                build,
                "cuda",
                platform,
                python,
                listed.cuda if listed else cuda_of_label(build),
                listed.cudnn if listed else None,
                carried[3] if carried else (),
                carried[4] if carried else (),
                evidence="script",
                confidence=carried[6] if carried else "",
                pythons=pythons,
            )

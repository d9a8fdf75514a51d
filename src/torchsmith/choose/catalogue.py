"""Every build that the tables know for a platform, in every Python that it was made for."""

from __future__ import annotations

from torchsmith.choose import source_builds
from torchsmith.knowledge import torch_builds, torch_releases
from torchsmith.knowledge.compiled.conda_builds import ROWS as CONDA
from torchsmith.knowledge.compiled.gpu_archs_in_builds import ROWS as CODE
from torchsmith.model.choice import Candidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


_new: Callable[[Any, Any], Any] = tuple.__new__
"""Candidates are made by the thousand: past the check of their fields, which a test makes up for."""


def candidates(platform: str) -> tuple[Candidate, ...]:
    """All of them, wheels first, oldest release first; those of one build stand together."""
    return tuple(_wheels(platform)) + tuple(_conda(platform)) + source_builds.candidates(platform)


def python_of_tag(tag: str) -> str:
    """``3.14t`` of ``cp314t``."""
    return f"{tag[2]}.{tag[3:]}"


def _wheels(platform: str) -> Iterator[Candidate]:
    code: dict[Any, Any] = {(row[0], row[1]): row for row in CODE if row[2] == platform}
    spelled: dict[tuple[str, ...], tuple[str, ...]] = {}
    addresses: dict[str, str] = {}
    floors: dict[tuple[str, str | None], str | None] = {}
    for build in torch_builds.builds(platform):
        tags, label = build.python_tags, build.build
        pythons = spelled.get(tags)
        if pythons is None:
            pythons = spelled[tags] = tuple(python_of_tag(tag) for tag in tags)
        if label not in addresses:
            addresses[label] = build.index_url
        promised = (build.torch, build.wheel_platform_tag)
        if promised not in floors:
            floors[promised] = torch_releases.glibc(build.torch, platform, build.wheel_platform_tag)
        carried = code.get((build.torch, label))
        head: tuple[Any, ...] = ("wheel", build.torch, label, build.kind, platform)
        before: tuple[Any, ...] = (
            build.cuda if build.kind == "cuda" else None,
            build.cudnn,
            *((carried[3], carried[4]) if carried else ((), ())),
            addresses[label],
        )
        after: tuple[Any, ...] = (
            build.status,
            build.evidence,
            carried[6] if carried else "",
            pythons,
            floors[promised],
            build.python_evidence == "seen",
        )
        own = torch_releases.python_tags(build.torch, platform) if build.pypi_default else ()
        for tag, python in zip(tags, pythons, strict=True):
            # The package index may have the build for fewer Pythons than its own index.
            served = build.pypi_default and (not own or tag in own)
            yield _new(Candidate, (*head, python, *before, served, *after))


def _conda(platform: str) -> Iterator[Candidate]:
    """The recipes name no Pythons: those of the release's wheels stand for them, without the free-threaded ones."""
    of_release: dict[str, tuple[str, ...]] = {}
    for channel, torch, label, its, sass, ptx, evidence, confidence, glibc in CONDA:
        if its != platform:
            continue
        kind, cuda, build = "cpu", None, "cpu"
        if label != "cpu":
            kind, cuda = "cuda", label.replace("=", " ").split()[-1]
            build = "cu" + cuda.replace(".", "")
        if torch not in of_release:
            tags = torch_releases.python_tags(torch, _LIKE.get(platform, platform))
            of_release[torch] = tuple(python_of_tag(tag) for tag in tags if not tag.endswith("t"))
        pythons = of_release[torch]
        head: tuple[Any, ...] = (channel, torch, build, kind, platform)
        tail: tuple[Any, ...] = (cuda, None, sass, ptx, None, False, "stable", evidence, confidence, pythons, glibc, False)
        for python in pythons:
            yield _new(Candidate, (*head, python, *tail))


_LIKE = {"macos-x86_64": "macos-arm64"}
"""Where the wheels ended and the channel went on."""

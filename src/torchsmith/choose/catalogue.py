"""Every build that the tables know for a platform, in every Python that it was made for."""

from __future__ import annotations

from torchsmith.knowledge import torch_builds, torch_releases
from torchsmith.knowledge.compiled.conda_builds import ROWS as CONDA
from torchsmith.knowledge.compiled.gpu_archs_in_builds import ROWS as CODE
from torchsmith.model.choice import Candidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def candidates(platform: str) -> tuple[Candidate, ...]:
    """All of them, wheels first, oldest release first."""
    return (*_wheels(platform), *_conda(platform))


def labels(platform: str) -> tuple[str, ...]:
    """The build labels that were published for other platforms only."""
    here = {build.build for build in torch_builds.builds(platform)}
    return tuple(label for label in torch_builds.labels() if label not in here)


def python_of_tag(tag: str) -> str:
    """``3.14t`` of ``cp314t``."""
    return f"{tag[2]}.{tag[3:]}"


def _wheels(platform: str) -> Iterator[Candidate]:
    code = {row[:2]: row for row in CODE if row[2] == platform}
    for build in torch_builds.builds(platform):
        carried = code.get((build.torch, build.build))
        for tag in build.python_tags:
            yield Candidate(
                "wheel",
                build.torch,
                build.build,
                build.kind,
                platform,
                python_of_tag(tag),
                build.cuda if build.kind == "cuda" else None,
                build.cudnn,
                carried[3] if carried else (),
                carried[4] if carried else (),
                build.index_url,
                build.pypi_default,
                build.status,
                build.evidence,
                carried[6] if carried else "",
            )


def _conda(platform: str) -> Iterator[Candidate]:
    """The recipes name no Pythons: those of the release's wheels stand for them."""
    for channel, torch, label, its, sass, ptx, evidence, confidence in CONDA:
        if its != platform:
            continue
        cuda = label.replace("=", " ").split()[-1]
        build = "cu" + cuda.replace(".", "")
        for tag in torch_releases.python_tags(torch, platform):
            yield Candidate(
                channel,
                torch,
                build,
                "cuda",
                platform,
                python_of_tag(tag),
                cuda,
                None,
                sass,
                ptx,
                None,
                default=False,
                status="stable",
                evidence=evidence,
                confidence=confidence,
            )

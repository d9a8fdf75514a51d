"""What other packages ask of torch, CUDA and cuDNN."""

from __future__ import annotations

from torchsmith.knowledge.compiled.third_party import ROWS
from torchsmith.model.record import record
from torchsmith.model.versions import at_least, key


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


def requirement(package: str, version: str) -> Requirement | None:
    """What a version of a package asks for; None for a package or a version that the table does not list."""
    wanted = package.lower().replace("_", "-")
    for row in ROWS:
        known = Requirement(*row)
        if known.package != wanted or not key(version):
            continue
        if (known.first is None or _reaches(version, known.first)) and (
            known.below is None or not _reaches(version, known.below)
        ):
            return known
    return None


def packages() -> tuple[str, ...]:
    """The packages that the table knows."""
    return tuple(dict.fromkeys(row[0] for row in ROWS))


def _reaches(version: str, bound: str) -> bool:
    """``at_least``, with post-releases told apart: 0.0.33.post2 is newer than 0.0.33."""
    return at_least(_post(version), _post(bound))


def _post(version: str) -> str:
    release, _post_word, number = version.partition(".post")
    parts = (*key(release), 0, 0, 0, 0)[:4]
    return ".".join(str(part) for part in (*parts, *(key(number)[:1] or (0,))))

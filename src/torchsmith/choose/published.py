"""Where each label of a build was published, and what of that a platform never got."""

from __future__ import annotations

from torchsmith.choose.hardware import joined
from torchsmith.knowledge import torch_builds, torch_releases
from torchsmith.knowledge.compiled.conda_builds import ROWS as CONDA
from torchsmith.knowledge.compiled.torch_builds import ROWS
from torchsmith.model.choice import Reason, Rejected
from torchsmith.model.versions import key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SOURCE = "torchsmith facts torch_builds"
NAMES = {
    "linux-x86_64": "Linux on x86-64",
    "linux-aarch64": "Linux on Arm",
    "linux-s390x": "Linux on s390x",
    "windows": "Windows",
    "windows-arm64": "Windows on Arm",
    "macos-arm64": "macOS on Apple silicon",
    "macos-x86_64": "macOS on Intel",
}


def platforms(label: str) -> dict[str, tuple[str, ...]]:
    """The releases of a label by platform, oldest first; empty for one that the table does not list."""
    found: dict[str, list[str]] = {}
    for row in ROWS:
        if row[1] == label:
            found.setdefault(row[3], []).append(row[0])
    return {name: tuple(sorted(releases, key=key)) for name, releases in found.items()}


def missing(platform: str) -> Iterator[Rejected]:
    """One rejection per label for the releases that it was published with, and not for this platform."""
    everywhere: dict[str, dict[str, list[str]]] = {}
    for row in ROWS:
        everywhere.setdefault(row[1], {}).setdefault(row[3], []).append(row[0])
    for label, found in everywhere.items():
        every = _ordered(found.values())
        here = set(found.get(platform, ()))
        lacking = [torch for torch in every if torch not in here]
        if lacking:
            words = because(label, platform, {name: tuple(releases) for name, releases in found.items()})
            reason = Reason("published", words, SOURCE)
            yield Rejected(f"torch {_spans(lacking, every)} {label}", (reason,), label, lacking[0], lacking[-1], "wheel")


def because(label: str, platform: str, found: dict[str, tuple[str, ...]]) -> str:
    """Where a label was published, and whether here, in one sentence."""
    every, name = _ordered(found.values()), NAMES.get(platform, platform)
    there = [f"{NAMES.get(its, its)} ({_spans(releases, every)})" for its, releases in found.items() if its != platform]
    if platform in found:
        here = f"for {name} {label} was published with torch {_spans(found[platform], every)} only"
        return f"{here}; elsewhere for {joined(there)}" if there else here
    return f"{label} was never published for {name}, only for {joined(there)}"


def absent(torch: str, label: str, platform: str) -> Reason | None:
    """Why a build is not among the candidates of a platform: as a release, as a label, or as the two together."""
    found = platforms(label)
    if torch in found.get(platform, ()):
        return None
    if not found:
        near = joined(torch_builds.nearest_builds(label), "or")
        exists = torch_builds.build_exists(label)
        what = f"{label} belongs to releases before {torch_releases.known()[0]}" if exists else f"no {label} was ever published"
        return Reason("published", what + (f"; the nearest are {near}" if near and not exists else ""), SOURCE)
    if torch and torch not in torch_releases.known():
        return Reason("published", f"no release {torch} of torch is known; the newest is {torch_releases.newest()}", SOURCE)
    if torch and not any(torch in releases for releases in found.values()):
        every = sorted({release for releases in found.values() for release in releases}, key=key)
        ended = key(torch) > key(every[-1])
        edge = f"ended with torch {every[-1]}" if ended else f"began with torch {every[0]}"
        if not ended and key(torch) > key(every[0]):
            edge = f"was left out in torch {torch}"
        bound = f"torch <= {every[-1]}" if ended else f"torch >= {every[0]}" if key(torch) < key(every[0]) else ""
        return Reason("published", f"{label} {edge}", SOURCE, bound)
    return Reason("published", because(label, platform, found), SOURCE)


def last_of_channel(channel: str) -> str:
    """The newest release that a conda channel has."""
    return max((row[1] for row in CONDA if row[0] == channel), key=key)


def _ordered(groups: Iterable[Iterable[str]]) -> list[str]:
    """The distinct releases of all, oldest first."""
    return sorted({torch for releases in groups for torch in releases}, key=key)


def _spans(releases: Iterable[str], every: Sequence[str]) -> str:
    """``2.6.0 and 2.9.0 - 2.14.1``: a span holds all of ``every`` between its ends."""
    wanted, runs = set(releases), [[""]]
    for torch in every:
        if torch not in wanted:
            runs.append([""])
        elif runs[-1] == [""]:
            runs[-1] = [torch]
        else:
            runs[-1].append(torch)
    return joined(run[0] if len(run) == 1 else f"{run[0]} - {run[-1]}" for run in runs if run != [""])

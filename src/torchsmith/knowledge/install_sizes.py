"""How much a build of torch downloads and how much room it takes, with the CUDA libraries that it requires.

What nobody has measured is estimated from the nearest build that somebody has: the same platform and kind, the same CUDA
major (the libraries of one major are much of a size), the nearest release.
"""

from __future__ import annotations

from functools import cache

from torchsmith.knowledge.compiled.install_sizes import ROWS
from torchsmith.model.versions import cuda_of_label, key, major

TYPE_CHECKING = False
if TYPE_CHECKING:
    Row = tuple[str, str, str, int, int | None, str]


@cache
def download(torch: str, build: str, kind: str, platform: str) -> tuple[int, bool] | None:
    """Bytes to download, and whether they were measured; None where nothing is known of this kind of build there."""
    near = _nearest(torch, build, kind, platform, unpacked=False)
    return (near[3], _measured(near, torch, build)) if near else None


def unpacked(torch: str, build: str, kind: str, platform: str) -> tuple[int, bool] | None:
    """Bytes that it takes in the environment, and whether they were measured; else the download, grown like the nearest one."""
    like = _nearest(torch, build, kind, platform, unpacked=True) or _nearest(torch, build, kind, "", unpacked=True)
    fetched = download(torch, build, kind, platform)
    if fetched is None or like is None or like[4] is None:
        return None
    if like[:3] == (torch, build, platform):
        return like[4], True
    return fetched[0] * like[4] // like[3], False


def largest() -> int:
    """Bytes that no build takes, download and unpacked together."""
    growth = max(-(-row[4] // row[3]) for row in ROWS if row[4] is not None)
    return max(row[3] for row in ROWS) * (1 + growth)


def _measured(row: Row, torch: str, build: str) -> bool:
    return row[:2] == (torch, build) and row[5] == "measured"


def _nearest(torch: str, build: str, kind: str, platform: str, *, unpacked: bool) -> Row | None:
    """The row of the build itself, else of the nearest build of its kind; any platform where ``platform`` is empty."""
    groups = _groups()
    cuda = -1 if unpacked else major(cuda_of_label(build) or "")  # how far a wheel grows lies in its release, not in its CUDA
    near = groups.get((platform, kind, cuda, unpacked)) or groups.get((platform, kind, -1, unpacked), [])
    place = _place(torch)
    # Of one release, the build that is asked for.
    found = min(near, key=lambda pair: (abs(pair[0] - place), pair[1][1] != build), default=None)
    return found[1] if found else None


@cache
def _groups() -> dict[tuple[str, str, int, bool], list[tuple[int, Row]]]:
    """Rows with the places of their releases: by platform (or any), kind, CUDA major (or any, -1), unpacked size known."""
    groups: dict[tuple[str, str, int, bool], list[tuple[int, Row]]] = {}
    for row in ROWS:
        kind = "cuda" if row[1].startswith("cu") else row[1].rstrip("0123456789.")
        for platform in (row[2], ""):
            for cuda in (major(cuda_of_label(row[1]) or ""), -1):
                for unpacked in (False, True)[: 1 + (row[4] is not None)]:
                    groups.setdefault((platform, kind, cuda, unpacked), []).append((_place(row[0]), row))
    return groups


@cache
def _place(torch: str) -> int:
    """A release as a number whose differences tell how near two releases are."""
    first, second, third = (*key(torch), 0, 0, 0)[:3]
    return first * 10_000 + second * 100 + third

"""Which Pythons a release of torch has wheels for, also for the releases before the table of builds begins.

What was never published for a Python is told by the list of versions that an installer prints: it begins with the first
release for that Python and ends with the last.
"""

from __future__ import annotations

from torchsmith.knowledge import torch_releases
from torchsmith.model.versions import key, public

PLATFORMS = ("linux-x86_64", "windows", "macos-arm64", "linux-aarch64")
# First and last minor version of Python 3 by release, from the wheels on the package index; the table has all later ones.
_OLDER = {
    "0.4": (5, 6),
    "1.0": (5, 7),
    "1.1": (5, 7),
    "1.2": (5, 7),
    "1.3": (5, 8),
    "1.4": (5, 8),
    "1.5": (5, 8),
    "1.6": (6, 8),
    "1.7.0": (6, 8),
    "1.7": (6, 9),
    "1.8": (6, 9),
    "1.9": (6, 9),
    "1.10.0": (6, 9),
    "1.10": (6, 10),
    "1.11": (7, 10),
}
# The first release for a Python, as the oldest entry of a list shows it; Linux had two of them earlier.
_FIRST = {
    "1.4.0": 8,
    "1.7.1": 9,
    "1.8.0": 9,
    "1.11.0": 10,
    "1.13.0": 11,
    "2.0.0": 11,
    "2.2.0": 12,
    "2.5.0": 13,
    "2.6.0": 13,
    "2.9.0": 14,
}
_LAST = {"1.10.2": 6, "1.13.1": 7, "2.4.1": 8, "2.8.0": 9}
LAST_INTEL_MAC = "2.2.2"


def span(torch: str, platform: str = "") -> tuple[int, int] | None:
    """First and last minor version of Python 3 with wheels of a release, on a platform or on any; None if not known."""
    release = torch_releases.get(torch)
    if release is None:
        number = key(public(torch))
        texts = (".".join(map(str, number[:length])) for length in (3, 2))
        return next((_OLDER[text] for text in texts if text in _OLDER), None)
    tags = {
        tag for name in ((platform,) if platform in PLATFORMS else PLATFORMS) for tag in torch_releases.python_tags(torch, name)
    }
    minors = sorted(int(tag[3:]) for tag in tags if tag[3:].isdigit())
    return (minors[0], minors[-1]) if minors else None


def serves(torch: str, python: str, platform: str = "") -> bool | None:
    """Whether a release has wheels for a Python such as 3.12; None where that is not known."""
    known, number = span(torch, platform), key(python)
    if known is None or len(number) < 2:
        return None
    return number[0] == 3 and known[0] <= number[1] <= known[1]


def begins_for(listed: str) -> int | None:
    """The minor version of the Python for which a list of versions begins with this release."""
    return _FIRST.get(public(listed))


def ends_for(listed: str) -> int | None:
    """The minor version of the Python for which a list of versions ends with this release for good."""
    return _LAST.get(public(listed))


def newest_python_of(torch: str) -> int | None:
    """The last minor version of Python 3 that a release has wheels for."""
    known = span(torch)
    return known[1] if known else None

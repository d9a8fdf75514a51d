"""The Pythons that would do, in words: ``python <= 3.13`` where any such would."""

from __future__ import annotations

from torchsmith.knowledge import torch_releases
from torchsmith.model.versions import key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def python_range(fitting: Sequence[str], here: str) -> str:
    """``python <= 3.13`` where any such would do, seen from the Python that is here; the nearer bound comes first."""
    plain = [python for python in fitting if not python.endswith("t")]
    chosen = sorted(plain or fitting, key=order)
    low, high = chosen[0], chosen[-1]
    known = sorted({tag for release in torch_releases.known() for tag in _tags(release)}, key=order)
    within = [python for python in known if order(low) <= order(python) <= order(high)]
    suffix = ", not free-threaded" if here.endswith("t") and plain else ""
    if low == high or set(within) - set(chosen):
        return "python " + " or ".join(chosen) + suffix
    if order(here) > order(high):
        return f"python <= {high}" + (f", >= {low}" if known and order(low) > order(known[0]) else "") + suffix
    return f"python >= {low}" + (f", <= {high}" if known and order(high) < order(known[-1]) else "") + suffix


def _tags(release: str) -> list[str]:
    known = torch_releases.get(release)
    tags = (*known.python_linux_x86_64, *known.python_windows, *known.python_macos_arm64) if known else ()
    return [f"{tag[2]}.{tag[3:]}" for tag in tags if not tag.endswith("t")]


def order(python: str) -> tuple[tuple[int, ...], bool]:
    """What puts Pythons in order, free-threaded ones after their own."""
    return key(python.removesuffix("t")), python.endswith("t")

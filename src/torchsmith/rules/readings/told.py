"""What a text names beside its facts: GPUs in a sentence, capabilities in a warning, versions of toolkits in paths."""

from __future__ import annotations

from torchsmith.knowledge import gpus
from torchsmith.model.complaint import Seen
from torchsmith.model.versions import at_least, key, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.model.complaint import Complaint

DRIVER_WORDS = ("NVIDIA-SMI", "Driver Version", "nvidia-smi", "driver")
"""Lines that speak of the CUDA that a driver supports, which no toolkit has."""
FAMILIES = (("orin", 87), ("thor", 110), ("xavier", 72), ("jetson tx2", 62), ("jetson nano", 53), ("spark", 121), ("gb10", 121))
"""Boards that people name by their family alone."""


def of(seen: Seen, *signatures: str) -> Iterator[Complaint]:
    """Every complaint of these signatures."""
    return (complaint for complaint in seen.complaints if complaint.signature in signatures)


def capabilities(seen: Seen) -> tuple[int, ...]:
    """The compute capabilities of the GPUs here: what torch refused, else those of the facts, else those named in sentences."""
    refused = {int(c.captured["sm"]) for c in of(seen, "gpu-not-compatible") if c.captured.get("sm")}
    for group in ("named", "refused"):
        refused |= {int(c.captured[group]) for c in of(seen, "gpu-not-compatible") if c.captured.get(group)}
    if refused:
        return tuple(sorted(refused))
    listed = {device.sm for device in seen.value("gpus") or () if device.sm}
    if listed:
        return tuple(sorted(listed))
    stated = {number(c.captured["capability"]) for c in of(seen, "gpu-capability-named")}
    if stated:
        return tuple(sorted(stated))
    named = {sm for c in of(seen, "gpu-named") if (sm := of_name(c.captured["gpu"]))}
    return tuple(sorted(named))


def number(capability: str) -> int:
    """120 for ``12.0``, ``12, 0`` and ``120``."""
    return int("".join(digit for digit in capability if digit.isdigit()))


def of_name(words: str) -> int | None:
    """The compute capability of the GPU that these words begin with."""
    parts = words.split()
    for end in range(len(parts), 0, -1):
        known = gpus.by_name(" ".join(parts[:end]))
        if known:
            return known.sm
    return next((sm for family, sm in FAMILIES if family in words.lower()), None)


def toolkit(seen: Seen) -> str:
    """The toolkit's version as facts, compiler output or paths have it; where nothing does, the CUDA that the text speaks of."""
    known = seen.value("toolkits")
    if known and known.current and known.current.version:
        return str(known.current.version)
    named = [c.captured["toolkit"] for c in of(seen, "toolkit-named")]
    if named:
        return named[0]
    said = [c.captured["toolkit"] for c in of(seen, "cuda-said") if not any(word in c.text for word in DRIVER_WORDS)]
    if said:
        return said[0]
    torch = seen.value("torch")
    return minor(torch.cuda) if torch and torch.cuda else ""


def versions(seen: Seen) -> frozenset[str]:
    """The CUDA versions, as 12.4, that compilers, paths and people name; a driver's is left out."""
    named = [c for c in of(seen, "toolkit-named", "cuda-said") if not any(word in c.text for word in DRIVER_WORDS)]
    return frozenset(minor(c.captured["toolkit"]) for c in named if "." in c.captured["toolkit"])


def is_at_least(version: str, least: str) -> bool:
    """Whether a version that may be empty is known to be as new."""
    return bool(key(version)) and at_least(version, least)

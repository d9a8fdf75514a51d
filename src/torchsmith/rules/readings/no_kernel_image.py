"""No kernel image: is the GPU too new for torch, too old, or is it another library that lacks its code?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen


@reading("no-kernel-image")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """By torch's coverage of the GPUs where the text tells both."""
    del complaint
    coverage = seen.value("gpu_coverage")
    ages = {device.age for device in coverage.devices if device.how == "no"} if coverage else set()
    if "newer" in ages:
        yield Pointer("gpu-arch-not-in-build-too-new", 0.95)
    elif "older" in ages:
        yield Pointer("gpu-arch-dropped-too-old", 0.95)
    elif coverage:
        yield Pointer("extension-arch-not-in-build", 0.85)
    else:
        yield Pointer("gpu-arch-not-in-build-too-new", 0.4)
        yield Pointer("gpu-arch-dropped-too-old", 0.3)
        yield Pointer("extension-arch-not-in-build", 0.3)

"""Libraries of CUDA of versions that do not fit each other: from a foreign folder, or of wheels of two majors?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.rules.readings.asker import library_path, wheel_majors


@reading("cudnn-runtime-version", "cudnn-parts-differ")
def of_cudnn(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The message says that versions differ; what the text shows of wheels and paths tells where the other one is from."""
    del complaint
    yield from _either(seen, 0.85)


@reading("cublas-call-failed")
def of_cublas(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A call that cuBLAS refuses is also what wrong arguments look like."""
    if "INVALID_VALUE" in complaint.text or "NOT_SUPPORTED" in complaint.text:
        yield Pointer("user-code-bug", 0.35)
    else:
        yield Pointer("user-code-bug", 0.25)
    yield from _either(seen, 0.5)


def _either(seen: Seen, sure: float) -> Iterator[Pointer]:
    mixed = (len(wheel_majors(seen)) > 1 or seen.has("library-path-empty")) and not library_path(seen)
    yield Pointer("ld-library-path-shadowing", min(0.9, sure + 0.2) if library_path(seen) else sure * 0.6 if mixed else sure)
    yield Pointer("mixed-nvidia-wheels", 0.8 if mixed else 0.2)

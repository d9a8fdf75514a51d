"""JAX cannot load one of CUDA's libraries: is it missing, or is another one in the way?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.rules.readings.asker import library_path, wheel_majors


@reading("xla-library-missing")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A library that fails to load is mostly there, and meets parts of another version that LD_LIBRARY_PATH brings."""
    cudnn = "cudnn" in complaint.text.lower()
    if library_path(seen):
        yield Pointer("ld-library-path-shadowing", 0.7)
        yield Pointer("missing-cudnn" if cudnn else "missing-cuda-runtime-lib", 0.3)
    elif wheel_majors(seen):
        yield Pointer("ld-library-path-shadowing", 0.5)
        yield Pointer("mixed-nvidia-wheels", 0.6 if len(wheel_majors(seen)) > 1 else 0.3)
        yield Pointer("missing-cudnn" if cudnn else "missing-cuda-runtime-lib", 0.25)
    elif cudnn:
        yield Pointer("missing-cudnn", 0.5)
        yield Pointer("ld-library-path-shadowing", 0.45)
    else:
        yield Pointer("ld-library-path-shadowing", 0.5)
        yield Pointer("missing-cuda-runtime-lib", 0.4)

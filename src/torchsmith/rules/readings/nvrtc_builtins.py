"""The runtime compiler's second library is not found: is it of another CUDA than torch's, or only missing?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.rules.readings.asker import library_path, torch_cuda, wheel_majors


@reading("nvrtc-builtins")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """By the major that is asked for, against torch's."""
    said = complaint.captured.get("version", "").partition(".")[0] or complaint.captured.get("number", "")[:2]
    wanted, ours = int(said) if said.isdigit() else 0, torch_cuda(seen)
    if wanted and ours and wanted != ours:
        yield Pointer("two-cuda-runtimes", 0.88)
        yield Pointer("ld-library-path-shadowing", 0.2)
    elif len(wheel_majors(seen)) > 1:
        yield Pointer("two-cuda-runtimes", 0.6)
        yield Pointer("mixed-nvidia-wheels", 0.4)
    elif wanted >= 13 and not ours:
        yield Pointer("two-cuda-runtimes", 0.6)
        yield Pointer("missing-cuda-runtime-lib", 0.4)
    else:
        yield Pointer("missing-cuda-runtime-lib", 0.6)
        yield Pointer("two-cuda-runtimes", 0.3)
        yield Pointer("ld-library-path-shadowing", 0.3 if library_path(seen) else 0.15)

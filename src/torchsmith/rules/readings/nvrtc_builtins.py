"""The runtime compiler's second library is not found: of another CUDA than torch's, only missing, or misnamed by torch?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import minor
from torchsmith.rules.readings.asker import library_path, torch_cuda, torch_version, wheel_majors

BUNDLED_UNTIL = (2, 1)
"""Before it, wheels with a CUDA label brought this library under a mangled name, and asked for the plain one."""


@reading("nvrtc-builtins")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """By the major that is asked for, against torch's."""
    said = complaint.captured.get("version", "").partition(".")[0] or complaint.captured.get("number", "")[:2]
    wanted, ours = int(said) if said.isdigit() else 0, torch_cuda(seen)
    if _misnamed(complaint, seen):
        yield Pointer("torch-release-bug", 0.8)
        yield Pointer("missing-cuda-runtime-lib", 0.35)
    elif wanted and ours and wanted != ours:
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


def _misnamed(complaint: Complaint, seen: Seen) -> bool:
    """Whether torch asks for its own library, which lies there under a name with a checksum in it."""
    if seen.has("nvrtc-builtins-mangled"):
        return True
    torch, asked = seen.value("torch"), complaint.captured.get("version", "")
    labelled = bool(torch and torch.cuda and re.search(r"\+cu\d", torch.version))
    return labelled and (1, 8) <= torch_version(seen)[:2] < BUNDLED_UNTIL and minor(torch.cuda) == minor(asked)

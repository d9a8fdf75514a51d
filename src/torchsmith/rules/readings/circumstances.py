"""Words that tell of circumstances (a suspend, a laptop, Secure Boot ...): they point at a cause only where a GPU fails."""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.engine.weigh import points
from torchsmith.knowledge import signatures
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.rules.readings import places


@reading(
    "after-suspend",
    "capabilities-words",
    "compat-folder",
    "firmware-words",
    "hybrid-words",
    "linux-driver-in-wsl",
    "many-gpus",
    "nix-cuda-off-beside-driver",
    "nouveau-words",
    "open-module-words",
    "root-works",
    "secure-boot-words",
    "snap-words",
    "stub-folder",
    "two-drivers",
    "vgpu-words",
    "windows-too-old-for-wsl-gpu",
    "wsl1-words",
)
def beside_a_complaint(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The signature's own points."""
    if not places.complains(seen):
        return
    signature = next(signature for signature in signatures.every() if signature.id == complaint.signature)
    yield from points(signature, seen)

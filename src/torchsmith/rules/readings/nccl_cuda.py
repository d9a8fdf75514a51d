"""NCCL meets an error of CUDA: was it built for the CUDA that is here?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import major
from torchsmith.rules.readings.asker import torch_cuda


@reading("nccl-cuda-failure")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """An NCCL for another major than torch's asks for another driver than all else here."""
    del complaint
    built, said = seen.captured("nccl", "nccl-version-said"), seen.captured("here", "nccl-version-said")
    here = torch_cuda(seen) or (major(said) if said else 0)
    if built and here and major(built) != here:
        yield Pointer("nccl-mismatch", 0.95)
        return
    yield Pointer("nccl-mismatch", 0.45)
    yield Pointer("nccl-wsl-multi-gpu", 0.2)
    yield Pointer("user-code-bug", 0.15)
    yield Pointer("driver-too-old-for-cuda", 0.15)

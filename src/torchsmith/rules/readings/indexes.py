"""An index or a build label is named: was it ever published, and is it for this machine?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.knowledge import torch_builds
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import cuda_of_label, minor


@reading("pytorch-index-named")
def named(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Stable indexes only: those of nightly builds come and go."""
    label = complaint.captured["label"]
    if re.fullmatch(r"cu\d{2,3}", label) and not complaint.captured.get("stage") and not torch_builds.build_exists(label):
        yield Pointer("nonexistent-index", 0.9)
    elif label == "cpu" and seen.value("gpus"):
        yield Pointer("wrong-index-for-platform", 0.6)
    elif passed_over(label, seen):
        yield Pointer("wrong-index-for-platform", 0.5)


def passed_over(label: str, seen: Seen) -> bool:
    """Whether torch is of another build than the index that is named: it came from elsewhere."""
    torch, wanted = seen.value("torch"), cuda_of_label(label)
    if torch is None or wanted is None or not torch.version[:1].isdigit():
        return False
    return torch.kind == "cpu" or (torch.kind == "cuda" and torch.cuda is not None and minor(torch.cuda) != wanted)


@reading("asked-build-never-published")
def asked(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A label that no index ever had."""
    del seen
    if not torch_builds.build_exists(complaint.captured["label"]):
        yield Pointer("nonexistent-index", 0.8)


@reading("index-refused")
def refused(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """PyTorch's server refuses what it does not have; an index that exists is kept away by something in between."""
    del seen
    label = complaint.captured.get("label") or complaint.captured.get("other") or ""
    if torch_builds.build_exists(label):
        yield Pointer("pytorch-index-as-only-index", 0.4)
        yield Pointer("wheel-download-corrupt", 0.2)
    else:
        yield Pointer("nonexistent-index", 0.95)

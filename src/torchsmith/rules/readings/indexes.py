"""An index or a build label is named: was it ever published, and is it for this machine?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.knowledge import torch_builds
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import cuda_of_label, minor
from torchsmith.rules.readings.commands import installs_other, plainly


@reading("pytorch-index-named")
def named(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Stable indexes only: those of nightly builds come and go."""
    label = complaint.captured["label"]
    if re.fullmatch(r"cu\d{2,3}", label) and not complaint.captured.get("stage") and not torch_builds.build_exists(label):
        yield Pointer("nonexistent-index", 0.9)
    elif label.startswith(("rocm", "xpu")) and of_nvidia(seen):
        yield Pointer("wrong-accelerator-backend", 0.6)
        yield Pointer("wrong-index-for-platform", 0.45)
    elif label == "cpu" and seen.value("gpus"):
        yield Pointer("wrong-index-for-platform", 0.6)
    elif passed_over(label, seen):
        yield Pointer("wrong-index-for-platform", 0.5)


def of_nvidia(seen: Seen) -> bool:
    """Whether what was installed, from beside an index for another maker, is a CUDA build."""
    torch = seen.value("torch")
    downloaded = seen.first("torch-downloaded")
    return (torch is not None and torch.kind == "cuda") or (downloaded is not None and not downloaded.captured.get("label"))


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


@reading("driver-behind-installed-torch")
def too_new_by_default(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The default index gives the newest CUDA; an older one from its own index would run."""
    del complaint
    if plainly(seen) and not seen.has("pytorch-index-named"):
        yield Pointer("wrong-index-for-platform", 0.45)


@reading("lock-file-named")
def locked(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A lock and an index that say different things."""
    del complaint
    if seen.has("label-lost", "uv-brings-other-build", "cpu-came-words", "torch-cpu-label"):
        yield Pointer("wrong-index-for-platform", 0.5)


@reading("installer-arrow-torch")
def came_to(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The reporter shows what a command gave: not the build that was meant."""
    del complaint
    other = installs_other(seen)
    yield Pointer("wrong-index-for-platform", 0.45 if other else 0.5)
    yield Pointer("dependency-replaced-torch", 0.4 if other else 0.3)


@reading("explicit-index-named")
def bound_to_nothing(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """An explicit index serves only what a source binds to it."""
    del complaint
    if seen.has("pytorch-index-named") and not seen.has("sources-table"):
        yield Pointer("wrong-index-for-platform", 0.35)

"""Errors of which the facts tell whether the program or the environment made them."""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import at_least, minor
from torchsmith.rules.readings.places import on_mac

HARDWARE = ("Xid", "fallen off the bus", "ECC")
NO_ACCELERATOR = {"cpu"}


@reading("illegal-memory-access", "launch-failure")
def faults_of_kernels(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The program's, unless the driver is older than torch's CUDA, or the kernel log speaks of the GPU."""
    torch, driver, log = seen.value("torch"), seen.value("driver"), seen.value("kernel_log")
    sure = 0.75 if complaint.signature == "illegal-memory-access" else 0.5
    if log and any(word in line for line in log.lines for word in HARDWARE):
        yield Pointer("gpu-hardware-fault", 0.35)
        sure -= 0.15
    if torch and torch.cuda and driver and driver.cuda and not at_least(driver.cuda, minor(torch.cuda)):
        yield Pointer("driver-minor-compat-feature", 0.3)
        sure -= 0.1
    yield Pointer("user-code-bug", sure)
    yield Pointer("torch-release-bug", 0.15)
    if complaint.signature == "launch-failure":
        yield Pointer("gpu-hardware-fault", 0.2)


@reading("checkpoint-wants-cuda", "half-precision-on-cpu")
def cuda_by_name(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A Mac or a machine without a GPU has none to offer; with one, torch's build or driver withholds it."""
    torch = seen.value("torch")
    gpus = bool(seen.value("gpus")) or seen.has("nvidia-gpu-words", "gpu-named", "smi-lists-gpus")
    program = "hardcoded-cuda-device" if complaint.signature == "checkpoint-wants-cuda" else "user-code-bug"
    if on_mac(seen):
        yield Pointer("hardcoded-cuda-device", 0.8)
    elif program == "hardcoded-cuda-device" and not gpus:
        # Nobody speaks of a GPU: a file of a machine that had one, loaded where there may be none.
        yield Pointer(program, 0.65)
        yield Pointer("cpu-only-build", 0.35 if torch and torch.kind in NO_ACCELERATOR else 0.25)
        yield Pointer("no-nvidia-gpu", 0.2)
    elif torch and torch.kind in NO_ACCELERATOR and gpus:
        yield Pointer("cpu-only-build", 0.85)
    elif torch and torch.kind in NO_ACCELERATOR:
        yield Pointer("cpu-only-build", 0.5)
        yield Pointer(program, 0.4)
    elif torch and torch.kind == "cuda" and not gpus:
        yield Pointer("no-nvidia-gpu", 0.35)
        yield Pointer("no-nvidia-driver", 0.25)
        yield Pointer(program, 0.3)
    else:
        yield Pointer(program, 0.4)
        yield Pointer("cpu-only-build", 0.35)
        yield Pointer("no-nvidia-gpu", 0.2)

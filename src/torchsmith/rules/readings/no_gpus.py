"""CUDA shows no GPU: hidden by a variable, by a container or a scheduler, or is there none?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.rules.readings.torch_without_cuda import of_amd


@reading("no-cuda-gpus")
def none_shown(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A text hardly ever proves which; the variable is the most frequent, and the first to look at."""
    del complaint
    in_code = seen.has("visible-devices-in-code")
    if seen.has("no-gpu-words", "lspci-without-nvidia") and not seen.has("smi-lists-gpus"):
        yield Pointer("no-nvidia-gpu", 0.7)
        yield Pointer("cuda-visible-devices-hides", 0.15)
        return
    if (of_amd(seen) or seen.has("intel-gpu-named", "other-accelerator-named")) and not seen.value("gpus"):
        yield Pointer("wrong-accelerator-backend", 0.7)
        yield Pointer("no-nvidia-gpu", 0.3)
        return
    elsewhere = _elsewhere(seen)
    if in_code or _value(seen) is not None or seen.has("visible-devices-set"):
        yield Pointer("cuda-visible-devices-hides", 0.7)
        yield Pointer("cuda-visible-devices-set-late", 0.2 if in_code else 0.1)
    else:
        yield Pointer("cuda-visible-devices-hides", 0.3 if elsewhere else 0.5)
    yield Pointer("container-no-gpu-runtime", 0.5 if elsewhere == "container" else 0.2)
    yield Pointer("scheduler-no-gpu-allocated", 0.5 if elsewhere == "scheduler" else 0.15)
    yield Pointer("no-nvidia-gpu", 0.2)


def _elsewhere(seen: Seen) -> str:
    """What stands between the program and the GPU, if the text names it."""
    if seen.has("scheduler-words", "colab-words", "kaggle-words"):
        return "scheduler"
    return "container" if seen.has("inside-container", "container-words") else ""


@reading("changed-after-start")
def after_start(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Torch says so of every unknown error at the start; the program must set the variable for it to be true."""
    del complaint
    if seen.has("visible-devices-in-code"):
        yield Pointer("cuda-visible-devices-set-late", 0.75)
    elif seen.has("visible-devices-no-effect"):
        yield Pointer("cuda-visible-devices-set-late", 0.6)
    else:
        yield Pointer("cuda-visible-devices-set-late", 0.15)


def _value(seen: Seen) -> str | None:
    variables = seen.value("variables")
    value: str | None = variables.get("CUDA_VISIBLE_DEVICES") if variables else None
    return value

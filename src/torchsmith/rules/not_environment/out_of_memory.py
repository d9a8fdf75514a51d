"""
# The GPU's memory is used up

## What it means
The program asked for more memory than is free. Driver, CUDA and torch did their work; the model, the batch or another process
takes the room.

## How it is told
torch says how much it tried to allocate and how much of the GPU is taken; cuDNN and cuBLAS report a failed allocation; a server
finds no room for its KV cache; a DataLoader worker finds /dev/shm full. Where much more is free than was asked for, the numbers
tell of something else: memory in pieces (fragmentation), a MIG instance or a container's limit, pinned memory under WSL, or
another process that was faster. An NVML message behind such an error is its echo, not its cause.

## What to do
A smaller batch, sequence or image; half precision or quantisation; ending what else runs on the GPU; a GPU with more memory.
Against pieces, on Linux: PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True (PYTORCH_ALLOC_CONF from torch 2.9 on). Where a
container's /dev/shm is full: `--ipc=host` or a larger `--shm-size`, or fewer workers.

## What not to do
Reinstalling torch, CUDA or the driver frees no memory.

## Sources
torch's documentation on CUDA memory management; NVIDIA's list of WSL limitations (pinned memory).
"""

from __future__ import annotations

import re

from torchsmith.engine.declare import told
from torchsmith.model.action import SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp
from torchsmith.rules.readings import places
from torchsmith.rules.readings import told as told_of

UNITS = {"bytes": 0, "k": 10, "m": 20, "g": 30, "t": 40}
PLENTY = 1.5
"""Times what was asked for, free: then size is not what is lacking."""
HOST = ("host-memory-used-up", "worker-killed")
SHARED = ("worker-out-of-shared-memory",)


@told("out-of-memory")
def answer(seen: Seen) -> Advice:
    """Which memory it is, and whether the numbers that the text gives are plausible."""
    wanted, free = seen.captured("wanted", "tried-to-allocate"), seen.captured("free", "tried-to-allocate")
    wont_help = (WontHelp("Reinstalling torch, CUDA or the driver", "none of them adds memory"),)
    if seen.has(*SHARED):
        summary = "the shared memory of the DataLoader's workers (/dev/shm) is used up; a container has 64 MB unless given more"
        remedies: tuple[Remedy, ...] = (
            Remedy("Start the container with --ipc=host or a larger --shm-size", safety=Safety.DISPLAY_ONLY),
            Remedy("Use fewer workers (num_workers), or none", safety=Safety.DISPLAY_ONLY),
        )
        return Advice("program", summary, remedies, wont_help, (("df", "-h", "/dev/shm"),))  # noqa: S108 - shown, not used
    if seen.has(*HOST) and not seen.has("cuda-out-of-memory", "tried-to-allocate"):
        summary = (
            "the machine's main memory is used up: the program asks for more than is free, and the environment is not at fault"
        )
        remedies = (
            Remedy("Load less at a time, use fewer workers, or give the machine or container more", safety=Safety.DISPLAY_ONLY),
        )
        return Advice("program", summary, remedies, wont_help, (("free", "-h"),))
    summary = "The GPU's memory is used up: the program asks for more than is free, and the environment is not at fault"
    look = Remedy("See what else holds memory on the GPU", "another process may be ended", commands=(("nvidia-smi",),))
    smaller = Remedy("Use a smaller batch, sequence or image, half precision or a quantised model", safety=Safety.DISPLAY_ONLY)
    if wanted and free and _bytes(free) > PLENTY * _bytes(wanted):
        summary = (
            f"torch could not get {wanted} although {free} are free: memory in pieces, a limit (MIG, WSL's pinned memory)"
            " or another process, not the environment's versions"
        )
        return Advice("program", summary, (*_pieces(seen), look, smaller), wont_help, (("nvidia-smi",),))
    return Advice(
        "program", f"{summary} ({wanted} wanted, {free} free)" if wanted and free else summary, (look, smaller), wont_help
    )


def _pieces(seen: Seen) -> tuple[Remedy, ...]:
    """Segments that grow, where torch has them: not on Windows, nor under WSL. From 2.9 on the variable lost its CUDA."""
    torch = seen.value("torch")
    if seen.os == "windows" or places.in_wsl(seen):
        return ()
    name = "PYTORCH_ALLOC_CONF" if torch and told_of.is_at_least(torch.version, "2.9") else "PYTORCH_CUDA_ALLOC_CONF"
    return (
        Remedy(
            "Let torch's memory grow in segments",
            "then free memory in pieces can be used as one",
            actions=(SetVariable(name, "expandable_segments:True"),),
        ),
    )


def _bytes(said: str) -> float:
    number = re.match(r"[\d.]{1,12}", said)
    unit = said[number.end() :].strip().lower() if number else ""
    return float(number[0].strip(".") or 0) * 2.0 ** UNITS.get(unit if unit == "bytes" else unit[:1], 0) if number else 0.0

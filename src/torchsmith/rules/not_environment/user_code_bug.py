"""
# The program has a fault of its own

## What it means
A kernel ran and found its input wrong (an index, a label, an address). The environment works: it is what told of the fault.

## How it is told
torch reports a device-side assert, an index out of bounds or an illegal memory access.

## What to do
Run once with CUDA_LAUNCH_BLOCKING=1, or on the CPU: the traceback then names the line. Look there at label ranges, embedding
sizes and indices.

## What not to do
Reinstalling torch, CUDA or the driver changes no label.

## Sources
torch's documentation on asynchronous execution and its debugging.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.action import SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, WontHelp


@told("user-code-bug")
def answer(seen: Seen) -> Advice:
    """How to find the line; the rest is the program's own affair."""
    del seen
    return Advice(
        "program",
        "The program hands the GPU data that its kernels refuse; the environment is not at fault",
        remedies=(
            Remedy(
                "Run once with CUDA_LAUNCH_BLOCKING=1",
                "the traceback then names the operation that failed, not a later one",
                actions=(SetVariable("CUDA_LAUNCH_BLOCKING", "1"),),
            ),
        ),
        wont_help=(WontHelp("Reinstalling torch, CUDA or the driver", "they work: it is they that report the fault"),),
    )

"""
# The GPU's memory is used up

## What it means
The program asked for more GPU memory than is free. Driver, CUDA and torch did their work; the model, the batch or another
process takes the room.

## How it is told
torch says how much it tried to allocate and how much of the GPU is taken; cuDNN and cuBLAS report a failed allocation.

## What to do
A smaller batch, sequence or image; half precision or quantisation; ending what else runs on the GPU; a GPU with more memory.

## What not to do
Reinstalling torch, CUDA or the driver frees no memory.

## Sources
torch's documentation on CUDA memory management.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp


@told("out-of-memory")
def answer(seen: Seen) -> Advice:
    """The same for every text: memory, not software."""
    del seen
    return Advice(
        "program",
        "The GPU's memory is used up: the program asks for more than is free, and the environment is not at fault",
        remedies=(
            Remedy("See what else holds memory on the GPU", "another process may be ended", commands=(("nvidia-smi",),)),
            Remedy("Use a smaller batch, sequence or image, half precision or a quantised model", safety=Safety.DISPLAY_ONLY),
        ),
        wont_help=(WontHelp("Reinstalling torch, CUDA or the driver", "none of them adds memory to the GPU"),),
    )

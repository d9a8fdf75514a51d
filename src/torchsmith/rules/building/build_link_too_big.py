"""
# The library is too large to be linked

## What it means
Code for many GPU architectures makes libtorch_cuda larger than 2 GiB, beyond what ordinary relocations (and Windows'
image format) reach.

## How it is told
`relocation truncated to fit`, `PC-relative offset overflow`, LNK1248.

## What to do
Fewer architectures in TORCH_CUDA_ARCH_LIST; for Linux also split builds or `-mcmodel=medium` where a project offers
it.

## What not to do
More memory or another linker alone.

## Sources
PyTorch issues 39968, 110986.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import DRIVER, architectures, shown, variable


@told("build-link-too-big")
def answer(seen: Seen) -> Advice:
    """Fewer architectures."""
    return Advice(
        "environment",
        "The library with code for so many GPU architectures is larger than the linker can address",
        remedies=(
            variable(
                "Build for the GPUs that you have",
                "each architecture adds hundreds of megabytes",
                "TORCH_CUDA_ARCH_LIST",
                architectures(seen),
            ),
            shown("Remove the old objects before", "", ("rm", "-rf", "build")),
        ),
        wont_help=(WontHelp("More memory", "the limit is one of addresses"), DRIVER),
    )

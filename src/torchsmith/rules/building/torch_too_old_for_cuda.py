"""
# These torch sources are too old for the toolkit

## What it means
CUDA 13 removed parts of CUB, Thrust and of the CUDA API. PyTorch builds with it from 2.9 on; in older sources the
errors appear inside aten/ and c10/.

## How it is told
Errors about cub, thrust or removed CUDA names in torch's own files.

## What to do
torch 2.9 or newer for CUDA 13, or CUDA 12 for the older sources.

## What not to do
Patching single names: there are dozens.

## Sources
CCCL 3.0 migration guide; PyTorch release notes.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import DRIVER, shown
from torchsmith.rules.readings.told import toolkit


@told("torch-too-old-for-cuda")
def answer(seen: Seen) -> Advice:
    """Newer sources or an older toolkit."""
    have = toolkit(seen)
    return Advice(
        "package:torch",
        f"These torch sources do not compile with CUDA {have or '13'}: it removed what they use",
        remedies=(
            shown("Build torch 2.9 or newer", "the first release for CUDA 13", ("git", "checkout", "v2.9.1")),
            shown("Or build these sources with CUDA 12.8", "or an older 12; CUDA_HOME and PATH choose the toolkit"),
        ),
        wont_help=(WontHelp("Another gcc", "the names are gone from NVIDIA's headers"), DRIVER),
    )

"""
# The compilers together ran out of memory

## What it means
Each nvcc of a CUDA extension takes 2 to 8 GiB, and ninja starts one for each core. The kernel ends one of them:
`Killed`, exit code 137, or a build that stops without any error of a compiler.

## How it is told
A compiler that was killed, or a heap that is used up; the kernel's log proves it.

## What to do
Fewer jobs: MAX_JOBS, about the free memory divided by 4 GiB (5 GiB for flash-attn, times NVCC_THREADS); more swap;
fewer architectures; or a prebuilt wheel.

## What not to do
Another compiler or CUDA.

## Sources
Measured with PyTorch and extensions; flash-attention issue 2493; PyTorch pull request 130443.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import shown, variable


@told("build-out-of-memory")
def answer(seen: Seen) -> Advice:
    """Fewer at a time."""
    del seen
    return Advice(
        "machine",
        "The machine's memory ran out while compiling: too many compilers at once",
        remedies=(
            variable("Compile with fewer jobs", "about one for each 4 GiB of free memory, 5 GiB for flash-attn", "MAX_JOBS", "2"),
            variable(
                "And with one thread for each nvcc",
                "packages that read it multiply their memory by it",
                "NVCC_THREADS",
                "1",
            ),
            shown("Or install a prebuilt wheel for this torch, CUDA and Python"),
        ),
        wont_help=(
            WontHelp("A GPU with more memory", "it is the machine's memory that is used up"),
            WontHelp("Another gcc or CUDA", "nothing was wrong with what it compiled"),
        ),
        decide_by=(("dmesg", "-T"),),
    )

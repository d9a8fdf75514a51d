"""
# The source uses what CUDA 13 removed

## What it means
CUDA 13 dropped fields of cudaDeviceProp (clockRate, memoryClockRate ...), changed cudaMemPrefetchAsync and
cudaMemAdvise, and removed functions that were deprecated.

## How it is told
The missing member or the changed signature.

## What to do
A newer release of the package, or CUDA 12; in own sources cudaDeviceGetAttribute and cudaMemLocation.

## What not to do
Another compiler.

## Sources
CUDA 13.0 release notes.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import DRIVER, shown


@told("cuda13-api-removed")
def answer(seen: Seen) -> Advice:
    """Newer sources, or the toolkit before."""
    del seen
    return Advice(
        "environment",
        "The package's sources use CUDA functions or fields that CUDA 13 removed",
        remedies=(
            shown("Take a newer release or branch of the package"),
            shown("Or build with CUDA 12", "with a torch of CUDA 12, for the majors must agree"),
            shown("In own sources ask cudaDeviceGetAttribute for what cudaDeviceProp no longer holds"),
        ),
        wont_help=(WontHelp("Another gcc", "the names are gone from NVIDIA's headers"), DRIVER),
    )

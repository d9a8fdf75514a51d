"""
# The build asks for nvToolsExt, which the toolkit no longer has

## What it means
NVTX 2 (libnvToolsExt, nvToolsExt.h) left the toolkit with CUDA 12.9 and 13; NVTX 3 has headers only. torch up to 2.6
and extensions built for it still link CUDA::nvToolsExt.

## How it is told
The missing target, library or header by name.

## What to do
A newer torch, which uses NVTX 3; or CUDA 12.8 and older; for own sources `#include <nvtx3/nvToolsExt.h>` and no
library.

## What not to do
Copying an old libnvToolsExt into the new toolkit.

## Sources
CUDA 12.9 and 13.0 release notes; a configure of PyTorch 2.6.0 with CUDA 13.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import DRIVER, shown


@told("nvtoolsext-removed")
def answer(seen: Seen) -> Advice:
    """NVTX 3 by newer sources, or a toolkit that still has the library."""
    del seen
    return Advice(
        "toolkit",
        "The build links nvToolsExt, which toolkits from CUDA 12.9 on no longer bring",
        remedies=(
            shown("Build against a newer torch", "from 2.7 on it takes NVTX 3, which is headers only"),
            shown("Or build with CUDA 12.8 or older", "CUDA_HOME and PATH choose the toolkit"),
            shown("In own sources include nvtx3/nvToolsExt.h and link nothing"),
        ),
        wont_help=(WontHelp("Reinstalling the toolkit", "this version does not contain the library"), DRIVER),
    )

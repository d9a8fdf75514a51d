"""
# This nvcc no longer compiles for an architecture asked for

## What it means
Each CUDA major drops the oldest GPUs: 13.0 everything below 7.5, 12.0 everything below 5.0, 11.0 below 3.5. A build
that still lists them stops.

## How it is told
The architecture that nvcc refuses against the table of toolkits.

## What to do
Leave the architecture out of the list, or, for such a GPU, build with the last toolkit that knows it.

## What not to do
A newer toolkit.

## Sources
Architectures of every ptxas and NVRTC (`torchsmith facts cuda_archs`).
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.knowledge import archs, toolkits
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.model.versions import compute_capability, key
from torchsmith.rules.building.shared import DRIVER, architectures, refused, shown, variable
from torchsmith.rules.readings.told import toolkit as toolkit_of


@told("arch-removed-from-nvcc")
def answer(seen: Seen) -> Advice:
    """The last toolkit that still has it."""
    code = refused(seen)
    span = archs.toolkit_range(code.sm) if code else None
    capability = compute_capability(code.sm) if code else ""
    last = f"CUDA {span[1]}" if span and span[1] else "an older CUDA"
    named = f"compute capability {capability}" if capability else "an architecture that the build asks for"
    return Advice(
        "toolkit",
        f"This nvcc no longer compiles for {named}; the last toolkit that does is {last}",
        remedies=(
            variable(
                "Leave it out where no such GPU is used",
                "keep the GPUs that you have",
                "TORCH_CUDA_ARCH_LIST",
                architectures(seen, _toolkit(seen, span[1] if span and span[1] else "12.9")),
            ),
            shown(f"For such a GPU, build with {last} or older", "CUDA_HOME and PATH choose the toolkit"),
        ),
        wont_help=(WontHelp("A newer toolkit", "what was dropped does not come back"), DRIVER),
    )


def _toolkit(seen: Seen, last: str) -> str:
    """The toolkit of the text where it is newer than the last one with the architecture, else the first that is."""
    have = toolkit_of(seen)
    newer = next((version for version in toolkits.known() if key(version)[:2] > key(last)[:2]), last)
    return have if key(have)[:2] > key(last)[:2] else newer

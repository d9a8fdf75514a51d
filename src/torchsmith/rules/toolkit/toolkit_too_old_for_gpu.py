"""
# The toolkit cannot compile for this GPU

## What it means
Each toolkit knows the GPUs of its time. Asked for a newer one, nvcc stops with "Unsupported gpu architecture 'compute_120'".
torch itself is not concerned: its kernels are compiled already.

## How it is told
The compute capability of each GPU against the first toolkit that makes code for it.

## What to do
Only if you build extensions: use a newer toolkit of torch's major version.

## What not to do
Leaving the GPU out of TORCH_CUDA_ARCH_LIST: the extension then has no code for it.

## Sources
Architectures of every ptxas and NVRTC (`torchsmith facts cuda_archs`).
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import archs
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.toolkit import Toolkits
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import at_least, compute_capability
from torchsmith.rules.common import gpu_name
from torchsmith.rules.toolkit.shared import RUNS, active, named


@rule("toolkit-too-old-for-gpu")
def check(toolkits: Toolkits, gpus: Gpus, torch: Torch) -> Iterator[Finding]:
    """One finding for each GPU that the toolkit does not know yet; a GPU that no table knows is passed over."""
    toolkit = toolkits.current if torch.kind == "cuda" else None
    if toolkit is None or not toolkit.nvcc or not toolkit.version:
        return
    for device in gpus:
        span = archs.toolkit_range(device.sm) if device.sm else None
        if device.sm is None or span is None or at_least(toolkit.version, span[0]):
            continue
        capability = compute_capability(device.sm)
        yield Finding(
            Severity.NOTE,
            f"gpu:{device.index}",
            f"{named(toolkit)} cannot compile for {gpu_name(device)}: that begins with CUDA {span[0]}",
            evidence=(active(toolkits, toolkit), Proof("gpus", gpu_name(device))),
            remedies=(
                Remedy(
                    f"To build extensions, use a toolkit of CUDA {span[0]} or newer",
                    "of the same major version as torch's CUDA",
                    Safety.DISPLAY_ONLY,
                ),
            ),
            wont_help=(
                RUNS,
                WontHelp(f"Leaving {capability} out of TORCH_CUDA_ARCH_LIST", "the extension then has no code for this GPU"),
            ),
        )


@told("toolkit-too-old-for-gpu")
def answer(seen: Seen) -> Advice:
    """The architecture that nvcc refused, and the first toolkit that knows it."""
    arch = seen.captured("arch", "unsupported-gpu-architecture", "ptxas-value-not-defined")
    code = archs.parse_code(arch)
    span = archs.toolkit_range(code.sm) if code else None
    since = f"CUDA {span[0]} or newer" if span else "a newer CUDA"
    named = f"compute capability {compute_capability(code.sm)}" if code else "this GPU"
    have = seen.captured("toolkit", "toolkit-named")
    return Advice(
        "toolkit",
        f"nvcc{f' of CUDA {have}' if have else ''} does not know {named}: that begins with {since}",
        remedies=(
            Remedy(
                f"Build with a toolkit of {since}",
                "of the same major version as torch's CUDA; CUDA_HOME and PATH choose it",
                Safety.DISPLAY_ONLY,
                commands=(("nvcc", "--version"),),
            ),
        ),
        wont_help=(
            RUNS,
            WontHelp("Leaving the architecture out of the list", "the extension then has no code for this GPU"),
            WontHelp("Updating the driver", "the CUDA version that nvidia-smi shows is not that of nvcc"),
        ),
    )

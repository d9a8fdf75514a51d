"""
# triton's ptxas does not know this GPU

## What it means
`torch.compile` and every Triton kernel are assembled by the ptxas that triton brings along. When it is older than the
GPU it stops with "ptxas fatal: Value 'sm_121a' is not defined for option 'gpu-name'". Everything that is not compiled
keeps working.

## How it is told
The version of the ptxas that triton would call, against the first CUDA toolkit that knows the GPU's architecture.

## What to do
Point TRITON_PTXAS_PATH at the ptxas of a newer CUDA toolkit, or install a release of torch that comes with a newer
triton.

## What not to do
Another torch index: the assembler belongs to triton. A newer driver does not replace it either.

## Sources
triton/backends/nvidia/compiler.py; table of architectures (`torchsmith facts cuda_archs`).
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import archs
from torchsmith.model.action import SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.install import TritonPtxas
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import at_least, compute_capability
from torchsmith.rules.common import gpu_name

BLACKWELL = "TRITON_PTXAS_BLACKWELL_PATH"


@rule("triton-ptxas-too-old")
def check(torch: Torch, gpus: Gpus, triton_ptxas: TritonPtxas) -> Iterator[Finding]:
    """One finding for each GPU that is newer than the assembler."""
    if torch.kind != "cuda":
        return
    for device in gpus:
        span = archs.toolkit_range(device.sm) if device.sm else None
        if device.sm is None or span is None or at_least(triton_ptxas.cuda, span[0]):
            continue
        # Releases with an assembler of its own for these GPUs heed another variable for it.
        own = triton_ptxas.path.endswith("/ptxas-blackwell") or triton_ptxas.chosen_by == BLACKWELL
        newer = SetVariable(BLACKWELL if own else "TRITON_PTXAS_PATH", "/usr/local/cuda/bin/ptxas")
        yield Finding(
            Severity.DEGRADED,
            f"gpu:{device.index}",
            f"triton's ptxas is of CUDA {triton_ptxas.cuda}, and {gpu_name(device)} is known from CUDA {span[0]} on",
            evidence=(
                Proof("triton_ptxas", f"{triton_ptxas.path}: CUDA {triton_ptxas.cuda} ({triton_ptxas.chosen_by})"),
                Proof("gpus", f"compute capability {compute_capability(device.sm)}"),
            ),
            remedies=(
                Remedy(
                    f"Point triton at the ptxas of a CUDA {span[0]} or newer toolkit",
                    "the path is that of a toolkit in its usual place",
                    Safety.DISPLAY_ONLY,
                    (newer,),
                ),
            ),
            wont_help=(WontHelp("Another torch index or a newer driver", "the assembler is triton's own"),),
        )


@told("triton-ptxas-too-old")
def answer(seen: Seen) -> Advice:
    """The architecture that was refused, and the toolkit that knows it."""
    arch = seen.captured("arch", "ptxas-value-not-defined", "triton-llvm-unknown-processor")
    code = archs.parse_code(arch)
    span = archs.toolkit_range(code.sm) if code else None
    since = f"a CUDA {span[0]} or newer toolkit" if span else "a newer CUDA toolkit"
    return Advice(
        "package:triton",
        f"triton's ptxas does not know {f'sm_{arch}' if code else 'this GPU'}: it is older than the GPU",
        remedies=(
            Remedy(
                f"Point triton at the ptxas of {since}",
                "the path is that of a toolkit in its usual place",
                Safety.DISPLAY_ONLY,
                commands=(("export", "TRITON_PTXAS_PATH=/usr/local/cuda/bin/ptxas"),),
            ),
            Remedy("Or install a torch that comes with a newer triton", "they belong together", Safety.DISPLAY_ONLY),
        ),
        wont_help=(WontHelp("Another torch index or a newer driver", "the assembler is triton's own"),),
    )

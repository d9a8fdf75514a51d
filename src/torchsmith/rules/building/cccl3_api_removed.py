"""
# The source uses parts of CUB or Thrust that CCCL 3 removed

## What it means
CUDA 13 brings CCCL 3, without cub::Sum, cub::TransformInputIterator, thrust::unary_function and others that had been
deprecated.

## How it is told
The missing member of cub or thrust, in files of the package.

## What to do
A newer release of the package, or CUDA 12; in own sources the replacements (cuda::std::plus,
thrust::transform_iterator).

## What not to do
Copying CUB of CUDA 12 into the toolkit.

## Sources
CCCL 3.0 migration guide.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import DRIVER, shown


@told("cccl3-api-removed")
def answer(seen: Seen) -> Advice:
    """Newer sources, or the toolkit before."""
    del seen
    return Advice(
        "environment",
        "The package's sources use parts of CUB or Thrust that CUDA 13 (CCCL 3) removed",
        remedies=(
            shown("Take a newer release or branch of the package", "many have been moved to CCCL 3"),
            shown("Or build with CUDA 12", "with a torch of CUDA 12, for the majors must agree"),
            shown("In own sources use cuda::std::plus, cuda::maximum, thrust::transform_iterator"),
        ),
        wont_help=(WontHelp("Another gcc", "the names are gone from NVIDIA's headers"), DRIVER),
    )

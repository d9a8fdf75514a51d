"""
# This torch does not know the architecture asked for

## What it means
torch's extension builder has a list of compute capabilities of its own, which ends with the GPUs of its time; a right
number of a newer GPU is refused, and so are names that no GPU bears.

## How it is told
`Unknown CUDA arch` with a well-formed number.

## What to do
A newer torch; or the nearest lower architecture of the same family with `+PTX`; or drop the entry.

## What not to do
A newer toolkit: the list is torch's.

## Sources
torch/utils/cpp_extension.py, _get_cuda_arch_flags.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import DRIVER, shown, variable


@told("arch-unknown-to-torch")
def answer(seen: Seen) -> Advice:
    """The number that is refused, and the way around."""
    arch = seen.captured("arch", "unknown-cuda-arch")
    named = (
        f"compute capability {arch}"
        if arch and arch.replace(".", "").replace("+PTX", "").rstrip("af").isdigit()
        else "that compute capability"
    )
    return Advice(
        "package:torch",
        f"The installed torch does not know {named}: its list of architectures ends before, or no GPU is called so",
        remedies=(
            shown("Build with a newer torch", "each release knows the GPUs of its time"),
            variable(
                "Or name the architectures that it knows",
                "+PTX lets newer GPUs compile the rest at run time",
                "TORCH_CUDA_ARCH_LIST",
                "9.0+PTX",
            ),
        ),
        wont_help=(WontHelp("A newer toolkit", "the list that refuses it stands in torch"), DRIVER),
    )

"""
# A setting was made and does not reach the build

## What it means
`FORCE_CUDA=1` on a line of its own is the shell's and not the build's; `RUN FORCE_CUDA=1 && ...` and `RUN export ...`
end with their step; sudo drops it. The build runs without it and says nothing.

## How it is told
The assignment as the text shows it, beside an extension without CUDA.

## What to do
`export` it, write it before the command on the same line, or `ENV` in a Dockerfile; with sudo `sudo -E`. Then remove
the old build and build again.

## What not to do
Building again the same way.

## Sources
detectron2, common installation issues; Dockerfile reference.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.rules.building.shared import DRIVER, REINSTALL, shown, variable


@told("build-env-var-not-exported")
def answer(seen: Seen) -> Advice:
    """The setting where the build sees it."""
    del seen
    return Advice(
        "environment",
        "A build setting is made where the build does not see it: it is not exported, or ends with its own step",
        remedies=(
            variable("Export the setting", "in a Dockerfile: ENV FORCE_CUDA=1 before the build step", "FORCE_CUDA", "1"),
            shown("Remove what was built without it, and build again", "", ("rm", "-rf", "build")),
        ),
        wont_help=(REINSTALL, DRIVER),
    )

"""
# torch's pins of NVIDIA's packages contradict the project's

## What it means
A wheel of torch pins every nvidia-* package (cuBLAS, cuDNN, NCCL ...) to one exact version. Where the project or another package
asks for another version of one of them, no set of versions satisfies both, and the resolver gives up.

## How it is told
The resolver names both sides: "torch ... depends on nvidia-cublas-cu12==... and you require nvidia-cublas-cu12==...".

## What to do
Drop the project's own nvidia-* pins: torch brings what it needs. Where another package pins them, take the release of torch that
agrees with it, or override the pin (`override-dependencies` of uv).

## What not to do
`--no-deps` for everything, or deleting the lock file: the contradiction stays.

## Sources
METADATA of torch's wheels; the documentation of uv on overrides.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp


@told("resolver-conflict-nvidia-wheels")
def answer(seen: Seen) -> Advice:
    """Both sides are in the quoted lines."""
    del seen
    return Advice(
        "package:torch",
        "torch pins its nvidia-* packages to exact versions, and another requirement asks for other ones",
        (
            Remedy(
                "Remove the project's own nvidia-* requirements, and resolve again",
                "torch brings the versions that it was made with",
                Safety.DISPLAY_ONLY,
            ),
            Remedy(
                "Or take the release of torch that pins the wanted version, or override the pin (override-dependencies of uv)",
                "`torchsmith facts torch_pins` lists what each release pins",
                Safety.DISPLAY_ONLY,
            ),
        ),
        (
            WontHelp("--no-deps for everything", "then nothing brings the libraries that torch loads"),
            WontHelp("Deleting the lock file", "the next resolution meets the same contradiction"),
        ),
    )

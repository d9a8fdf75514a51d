"""
# An overlay mixes versions that do not belong together

## What it means
A Nix override that replaces torch's sources must also replace what states the version: version.txt,
PYTORCH_BUILD_VERSION and PYTORCH_BUILD_NUMBER; torchvision, torchaudio, MAGMA and Triton must come from the same set
and the same cudaPackages.

## How it is told
TORCH_FEATURE_VERSION assertions, runtime dependency checks, or files that name two versions.

## What to do
Set both variables and version.txt to the new version, and build the companions in the same overlay.

## What not to do
Switching the dependency check off.

## Sources
nixpkgs, torch's recipe; build notes of PyTorch 2.10 with CUDA 13.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import shown


@told("version-mismatch-overlay")
def answer(seen: Seen) -> Advice:
    """Everything that states the version, moved at once."""
    del seen
    return Advice(
        "package:torch",
        "The overlay moves torch to another version while other parts still state, or were built for, the old one",
        remedies=(
            shown("Set PYTORCH_BUILD_VERSION, PYTORCH_BUILD_NUMBER and version.txt to the version of the sources"),
            shown("Take torchvision, torchaudio, MAGMA and Triton from the same overlay and the same cudaPackages"),
        ),
        wont_help=(WontHelp("Skipping the runtime dependency check", "the mismatch stays and shows when the program runs"),),
    )

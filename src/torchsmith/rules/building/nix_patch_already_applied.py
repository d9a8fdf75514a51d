"""
# A Nix patch meets a source that has it already

## What it means
nixpkgs carries patches for the version that it packages. An override to a newer source meets code where the patch is
already in, or where its place has changed.

## How it is told
patch says so: reversed or previously applied, or a hunk that fails.

## What to do
`patches = [ ];` in overrideAttrs, or keep only those that the new source still needs.

## What not to do
`patchFlags` that ignore failures.

## Sources
nixpkgs manual, patches; a Flox repository of PyTorch builds.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import shown


@told("nix-patch-already-applied")
def answer(seen: Seen) -> Advice:
    """The patches of the old version left out."""
    del seen
    return Advice(
        "package:torch",
        "A patch of the recipe does not fit the sources: they contain it already, or are of another version",
        remedies=(
            shown(
                "Clear the patches in the override, and add back what is still needed", "overrideAttrs (old: { patches = [ ]; })"
            ),
        ),
        wont_help=(WontHelp("Ignoring patch failures", "half-patched sources fail later, with another error"),),
    )

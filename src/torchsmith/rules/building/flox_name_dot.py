"""
# A dot in a Flox package's name is read as a path

## What it means
Flox names a package by its file under .flox/pkgs, and takes a dot in it as a step into an attribute set: `armv8.2` is
the attribute `2` of `armv8`.

## How it is told
A missing attribute that ends where a dot stood.

## What to do
Write an underscore: `armv8_2`, `cuda12_8`.

## What not to do
Quoting the name.

## Sources
Flox documentation, Nix expression builds.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import shown


@told("flox-name-dot")
def answer(seen: Seen) -> Advice:
    """An underscore in place of the dot."""
    del seen
    return Advice(
        "environment",
        "A dot in the package's file name is read as a path into an attribute set",
        remedies=(shown("Rename the file and its pname with underscores", "armv8_2 for armv8.2, cuda12_8 for cuda12.8"),),
        wont_help=(WontHelp("Quoting the name on the command line", "the name comes from the file"),),
    )

"""
# Microsoft's linker misses symbols or a library

## What it means
Objects of different builds are mixed (a half-disabled feature such as USE_DISTRIBUTED, debug with release, another
compiler), or a library that the build names is not there.

## How it is told
LNK2001, LNK2019, LNK1120, LNK1181, LNK2038.

## What to do
A clean tree with one set of options; the same configuration (Release) and compiler as torch's; the missing .lib in
the linker's path.

## What not to do
Adding /FORCE to the linker.

## Sources
Microsoft, linker tools errors; PyTorch issues 11041, 52468.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import REINSTALL, shown


@told("build-windows-link-unresolved")
def answer(seen: Seen) -> Advice:
    """A clean tree with one set of options."""
    del seen
    return Advice(
        "environment",
        "Microsoft's linker misses symbols or a library: objects of different settings are mixed, or a library is not found",
        remedies=(
            shown(
                "Remove the build folder and build again with one set of options",
                "in cmd: rmdir /s /q build",
                ("rmdir", "/s", "/q", "build"),
            ),
            shown(
                "Switch a feature off as a whole",
                "c10d symbols belong to USE_DISTRIBUTED: set it to 0 or 1 before the first configure",
                ("set", "USE_DISTRIBUTED=0"),
            ),
            shown("Build Release, with the toolset that torch was built with"),
        ),
        wont_help=(WontHelp("/FORCE for the linker", "the library then crashes where the symbol is called"), REINSTALL),
    )

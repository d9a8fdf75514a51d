"""
# An earlier build keeps its settings

## What it means
build/, CMakeCache.txt, an installed .egg-link, a cached wheel or ~/.cache/torch_extensions keep what an earlier build
found: without CUDA, for another torch, by another generator. Building again changes nothing then.

## How it is told
CMake's own complaint of its cache; `ninja: no work to do` or a reinstall before an extension without CUDA; a module
in torch_extensions that is gone.

## What to do
Remove the old build and build again, without cached wheels.

## What not to do
Reinstalling torch without removing the old build.

## Sources
PyTorch issue 133275; detectron2, common installation issues.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.rules.building.shared import DRIVER, REINSTALL, shown


@told("stale-build-dir")
def answer(seen: Seen) -> Advice:
    """What to remove, by where the old build lies."""
    cached = seen.has("stale-torch-extensions")
    clean = (
        ("rm", "-rf", "build", "CMakeCache.txt", "CMakeFiles"),
        ("pip", "install", "--no-cache-dir", "--force-reinstall", "--no-deps", "--no-build-isolation", "-v", "."),
    )
    remedy = (
        shown("Remove the torch_extensions folder in ~/.cache; torch compiles the modules again")
        if cached
        else shown("Remove the old build, then build again", "", *clean)
    )
    return Advice(
        "package:torch" if cached else "environment",
        "An earlier build is still there and its settings are taken over",
        remedies=(remedy,),
        wont_help=(REINSTALL, DRIVER),
    )

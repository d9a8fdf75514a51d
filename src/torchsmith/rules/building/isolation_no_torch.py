"""
# Build isolation hides torch from the build

## What it means
pip, uv and Poetry build a package in an environment of its own that holds only what the package declares. flash-attn,
detectron2, apex and others import torch in setup.py and declare nothing: `No module named 'torch'`, though torch is
installed.

## How it is told
The missing torch stands inside the builder's own output (`Getting requirements to build wheel`, `pip-build-env-`), or
uv says that torch is not declared.

## What to do
Install torch first, then the package with isolation off. In uv projects: `no-build-isolation-package`, or `extra-
build-dependencies` with torch. Better where there is one: a prebuilt wheel for this torch, CUDA and Python.

## What not to do
Installing torch again: it is there, the build does not look there.

## Sources
flash-attention issues 246, 253; uv documentation, build isolation.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import installs, package, shown, without_isolation


@told("isolation-no-torch")
def answer(seen: Seen) -> Advice:
    """Without isolation, with what the build then needs besides."""
    name = package(seen, "the package")
    return Advice(
        "environment",
        f"{name[0].upper()}{name[1:]} needs torch to build, and build isolation hides the installed one from it",
        remedies=(
            installs(
                "Install what the build needs",
                "without isolation nobody else does",
                "setuptools",
                "wheel",
                "packaging",
                "ninja",
                "psutil",
            ),
            shown("Build without isolation", "in a uv project: no-build-isolation-package in [tool.uv]", without_isolation(seen)),
        ),
        wont_help=(
            WontHelp("Installing torch again", "the build runs in an environment of its own and does not see it"),
            WontHelp("Installing a CUDA toolkit for this error", "the build has not come as far as the compiler"),
        ),
    )

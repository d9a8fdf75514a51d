"""
# Two toolkits are active at once

## What it means
CUDA_HOME (or CUDA_PATH) names one toolkit, and the nvcc that PATH finds belongs to another. A build then takes headers from one
and the compiler from the other: CMake stops with "Found two conflicting CUDA versions", others fail later.

## How it is told
The version of the toolkit that the variable names, against that of the nvcc on PATH.

## What to do
Only if you build extensions: put the bin folder of the wanted toolkit first on PATH and set CUDA_HOME to the same.

## What not to do
Removing toolkits: several live side by side.

## Sources
torch/utils/cpp_extension.py; CMake, FindCUDAToolkit.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.toolkit import Toolkits
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import minor
from torchsmith.rules.toolkit.shared import RUNS, active, named


@rule("cuda-two-toolkits")
def check(toolkits: Toolkits, torch: Torch) -> Iterator[Finding]:
    """Two names of one version are no conflict; and without torch nothing is built for it."""
    del torch
    current, other = toolkits.current, toolkits.at(toolkits.on_path)
    if current is None or other is None or not current.version or not other.version:
        return
    if minor(current.version) == minor(other.version):
        return
    yield Finding(
        Severity.NOTE,
        "toolkit",
        f"{toolkits.why} names CUDA {current.version}, and nvcc on PATH is that of CUDA {other.version}",
        evidence=(active(toolkits, current), Proof("toolkits", f"nvcc on PATH: {named(other)}")),
        remedies=(
            Remedy(
                f"To build with the nvcc on PATH, set {toolkits.why} to {other.path}",
                "or put the other bin folder first on PATH",
                actions=(SetVariable(toolkits.why, other.path),),
            ),
        ),
        wont_help=(RUNS,),
    )


@told("cuda-two-toolkits")
def answer(seen: Seen) -> Advice:
    """One toolkit named in every way."""
    del seen
    return Advice(
        "toolkit",
        "nvcc and the CUDA headers or libraries that the build finds are of two toolkits",
        remedies=(
            Remedy(
                "Name one toolkit everywhere, put its bin folder first on PATH, and build from a clean folder",
                "the toolkit in its usual place is assumed",
                Safety.DISPLAY_ONLY,
                commands=(
                    ("export", "CUDA_HOME=/usr/local/cuda"),
                    ("export", "CUDACXX=/usr/local/cuda/bin/nvcc"),
                ),
            ),
        ),
        wont_help=(WontHelp("Removing toolkits", "several live side by side; the order decides"), RUNS),
        decide_by=(("which", "-a", "nvcc"),),
    )

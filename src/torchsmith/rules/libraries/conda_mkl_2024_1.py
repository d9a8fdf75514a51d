"""
# conda's MKL is too new for this conda build of torch

## What it means
The torch packages of the `pytorch` channel use a function, `iJIT_NotifyEvent`, that MKL happened to export until 2024.0. With
MKL 2024.1 or newer `import torch` ends in "libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent".

## How it is told
conda's own records: torch from the `pytorch` channel (its build text begins with `py3.`), MKL 2024.1 or newer; and libtorch_cpu
is linked with MKL's shared libraries.

## What to do
Put `mkl<2024.1` into the environment, or use torch's wheel from PyPI, which carries MKL inside.

## What not to do
Installing torch's wheel over the conda package leaves two torches in one environment.

## Sources
pytorch issue 123097.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import TorchLibraries
from torchsmith.model.facts.python import Interpreter, Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least
from torchsmith.rules.libraries.told import by_you, torch_said


@rule("conda-mkl-2024-1", systems=("linux",))
def check(
    torch: Torch, interpreter: Interpreter, packages: Packages, torch_libraries: TorchLibraries | Unknown
) -> Iterator[Finding]:
    """Torch of the pytorch channel beside MKL 2024.1 or newer."""
    own, mkl = packages.conda_record("pytorch"), packages.conda_record("mkl")
    if own is None or mkl is None or not own.conda_build.startswith("py3.") or not at_least(mkl.version, "2024.1"):
        return
    if isinstance(torch_libraries, TorchLibraries):
        cpu = next((f for f in torch_libraries.objects if f.path == f"{torch.folder}/lib/libtorch_cpu.so"), None)
        if cpu is not None and not any(name.startswith("libmkl_") for name in cpu.needed):
            return  # MKL is inside: a wheel lies over the conda package
    older = Command(("conda", "install", *interpreter.conda_place, "mkl<2024.1", "intel-openmp<2024.1"))
    yield Finding(
        Severity.BLOCKER,
        "package:mkl",
        f"MKL {mkl.version} no longer has iJIT_NotifyEvent, which this conda build of torch {own.version} needs",
        evidence=(
            Proof("packages", f"pytorch {own.version} {own.conda_build}"),
            Proof("packages", f"mkl {mkl.version} (from 2024.1 on it lacks the symbol)"),
        ),
        remedies=(Remedy("Go back to an MKL before 2024.1", "the symbol is exported there", Safety.DISPLAY_ONLY, (older,)),),
        wont_help=(WontHelp("`pip install torch` on top", "it leaves two torches in one environment"),),
        confidence=0.85,
    )


@told("conda-mkl-2024-1")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    return Advice(
        "package:mkl",
        f"the installed MKL (2024.1 or newer) no longer has iJIT_NotifyEvent, which this conda build of {torch_said(seen)} needs",
        remedies=(
            by_you(
                "Go back to an MKL before 2024.1",
                "the symbol is exported there",
                ("conda", "install", "mkl<2024.1", "intel-openmp<2024.1"),
            ),
        ),
        wont_help=(
            WontHelp("`pip install torch` on top", "it leaves two torches in one environment"),
            WontHelp("Another CUDA or driver", "MKL is a library of the processor"),
        ),
    )

"""
# The installed torch is a CPU build

## What it means
The machine has an NVIDIA GPU, but this torch was compiled without CUDA. `torch.cuda.is_available()` is False, and any
call that asks for a GPU ends in "Torch not compiled with CUDA enabled". Nothing outside of this Python environment
can change that.

## How it is told
`torch/version.py` names no CUDA, ROCm or XPU version, there is no `libtorch_cuda` beside it, and an NVIDIA GPU is
seen. What put the CPU build there (an index, a solver, another package) is told by rules of their own where the
evidence shows it.

## What to do
Replace torch, torchvision and torchaudio together by one CUDA build that the GPU and its driver accept. Remove the
CPU build first: pip counts `2.8.0+cpu` as satisfying `torch==2.8.0` and would leave it.

## What not to do
Do not install a CUDA toolkit or cuDNN, set CUDA_HOME or update the driver: a CPU build cannot use any of them.

## Sources
torch/version.py and torch/lib of the wheels; PEP 440 on local versions.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.torch import FittingBuild, Torch
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.common import gpu_names, reinstall
from torchsmith.rules.wheel.told import AGAIN, DRIVER, TOOLKIT, cuda_torch, version


@rule("cpu-only-build")
def check(torch: Torch, gpus: Gpus, fitting_build: FittingBuild | Unknown | None) -> Iterator[Finding]:
    """An NVIDIA GPU beside a torch without any accelerator in it."""
    if torch.kind != "cpu" or not gpus:
        return
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"torch {torch.version} is a CPU build: it cannot use {gpu_names(gpus)}",
        evidence=(Proof("torch", f"{torch.version}: no CUDA in torch/version.py"), Proof("gpus", gpu_names(gpus))),
        remedies=reinstall(fitting_build, "a build with CUDA for this GPU"),
        wont_help=(
            WontHelp("Installing a CUDA toolkit or cuDNN, or setting CUDA_HOME", "the CUDA code is missing inside torch itself"),
            WontHelp("Updating the driver", "a CPU build never asks it"),
            WontHelp("`pip install torch` again without removing it", "pip finds the requirement already satisfied"),
        ),
    )


@told("cpu-only-build")
def answer(seen: Seen) -> Advice:
    """The build itself; what put it there is not told."""
    return Advice(
        "package:torch",
        f"{version(seen)} is a CPU build: there is no CUDA in it, whatever the GPU and the driver can do",
        cuda_torch(seen, "a build with CUDA in it"),
        (TOOLKIT, DRIVER, AGAIN),
        (("python", "-c", "import torch; print(torch.__version__, torch.version.cuda)"),),
    )

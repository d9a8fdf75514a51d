"""
# nixpkgs built this torch without CUDA

## What it means
`python3Packages.torch` of nixpkgs is a CPU build unless nixpkgs was asked for CUDA. The package's name is the same, so that a
shell or a flake without `cudaSupport` quietly gives a torch that cannot use the GPU.

## How it is told
torch lies in /nix/store, torch/version.py names no CUDA, and the machine has an NVIDIA GPU.

## What to do
Import nixpkgs with `config = { allowUnfree = true; cudaSupport = true; }`, and use a binary cache for CUDA packages, or take
`torch-bin`, which is PyTorch's own wheel.

## What not to do
`pip install torch` on top: it lands beside Nix's torch, needs libraries that Nix's loader does not find, and one hides the
other.

## Sources
nixpkgs manual, CUDA; nixpkgs issue 189372.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Nix
from torchsmith.model.facts.gpu import Gpus, KernelModule
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.common import gpu_names


@rule("nix-cuda-support-off", explains=("cpu-only-build", "wrong-index-for-platform"))
def check(nix: Nix, torch: Torch, gpus: Gpus | Unknown | None, kernel_module: KernelModule | Unknown | None) -> Iterator[Finding]:
    """A CPU build in the store beside an NVIDIA GPU."""
    if not nix.torch or torch.kind != "cpu":
        return
    seen = isinstance(gpus, Gpus) and bool(gpus)
    if not seen and not (isinstance(kernel_module, KernelModule) and kernel_module.loaded):
        return
    gpu = (
        Proof("gpus", gpu_names(gpus)) if isinstance(gpus, Gpus) and gpus else Proof("kernel_module", "NVIDIA's module is loaded")
    )
    shell = "with import <nixpkgs> { config = { allowUnfree = true; }; }; python3.withPackages (p: [ p.torch-bin ])"
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"nixpkgs built torch {torch.version} without CUDA",
        evidence=(Proof("nix", nix.torch), Proof("torch", f"{torch.version}: no CUDA in torch/version.py"), gpu),
        remedies=(
            Remedy(
                "Import nixpkgs with config.cudaSupport = true and config.allowUnfree = true",
                "every package of the environment is then built for CUDA; without a cache that takes hours",
                Safety.DISPLAY_ONLY,
            ),
            Remedy(
                "Or take torch-bin, PyTorch's own build",
                "nothing is compiled",
                Safety.DISPLAY_ONLY,
                (Command(("nix-shell", "-p", shell)),),
            ),
        ),
        wont_help=(WontHelp("pip install torch on top of it", "its libraries are not to be found by Nix's loader"),),
    )


@told("nix-cuda-support-off")
def answer(seen: Seen) -> Advice:
    """The same from words alone."""
    del seen
    return Advice(
        "package:torch",
        "nixpkgs built this torch with cudaSupport switched off",
        (
            Remedy(
                "Import nixpkgs with config.cudaSupport = true and config.allowUnfree = true",
                "or take torch-bin, PyTorch's own build; in a flake the config belongs to the import of nixpkgs",
                Safety.DISPLAY_ONLY,
            ),
        ),
        (
            WontHelp("pip install torch on top of it", "its libraries are not to be found by Nix's loader"),
            WontHelp("Adding cudatoolkit to the shell", "the torch that is already built does not use it"),
        ),
        (("python", "-c", "import torch; print(torch.__file__, torch.version.cuda)"),),
    )

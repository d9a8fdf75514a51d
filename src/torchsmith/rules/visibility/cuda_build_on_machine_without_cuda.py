"""
# A CUDA build on a machine for which there is no CUDA

## What it means
A CUDA build of torch is installed where CUDA cannot exist: the only GPU is another maker's. torch works on the CPU, takes
several gigabytes more than a CPU build, and some of its libraries may fail to load.

## How it is told
torch's files name CUDA; the bus shows a GPU of AMD or Intel that has a build of its own, and none of NVIDIA's.

## What to do
Install the CPU build, or the build for this GPU.

## What not to do
Installing an NVIDIA driver.

## Sources
torch/version.py; PCI ids.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import accelerators
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus, PciDevices
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.rules.driver.shared import by_you


@rule("cuda-build-on-machine-without-cuda", explains=("no-nvidia-gpu",))
def check(torch: Torch, pci_devices: PciDevices, gpus: Gpus | None) -> Iterator[Finding]:
    """CUDA in torch, and a GPU of another maker only."""
    others = [d for d in pci_devices.gpus if accelerators.usable(d.vendor, d.device)]
    if torch.kind != "cuda" or gpus or not others:
        return
    yield Finding(
        Severity.DEGRADED,
        "package:torch",
        f"torch {torch.version} is a CUDA build on a machine without an NVIDIA GPU",
        evidence=(Proof("torch", f"{torch.version}: CUDA {torch.cuda}"), Proof("gpus", "no NVIDIA GPU")),
        remedies=(by_you("Install the CPU build, or the build for this machine's GPU"),),
        wont_help=(WontHelp("Installing an NVIDIA driver", "there is no hardware for it"),),
        confidence=0.85,
    )


@told("cuda-build-on-machine-without-cuda")
def answer(seen: Seen) -> Advice:
    """The CPU build is the one for such a machine."""
    del seen
    from torchsmith.knowledge import torch_builds

    index = torch_builds.index_url("cpu")
    return Advice(
        "package:torch",
        "A CUDA build is installed where there is no NVIDIA driver to run it",
        (
            Remedy(
                "Install the CPU build",
                "it needs no driver library and is smaller by gigabytes",
                commands=(
                    ("python", "-m", "pip", "uninstall", "-y", "torch", "torchvision", "torchaudio"),
                    ("python", "-m", "pip", "install", "torch", "torchvision", "torchaudio", "--index-url", index),
                ),
            ),
        ),
        (WontHelp("Installing an NVIDIA driver", "without the GPU it does not load"),),
        (("nvidia-smi",),),
        Severity.DEGRADED,
    )

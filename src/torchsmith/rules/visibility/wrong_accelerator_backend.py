"""
# The build is for another maker's GPU

## What it means
torch is compiled for one kind of accelerator: CUDA for NVIDIA, ROCm for AMD, XPU for Intel. A CUDA build never uses an AMD or
Intel GPU, a ROCm build never an NVIDIA one.

## How it is told
torch's own files name its kind; the PCI bus names the makers of the GPUs. Only GPUs that the maker's build supports count: the
graphics inside an ordinary processor do not.

## What to do
Install the build for the GPU that is here: ROCm for AMD (Linux), XPU for Intel; or the CPU build.

## What not to do
Installing an NVIDIA driver or CUDA for a GPU of another maker.

## Sources
PyTorch "Get started" matrix; AMD ROCm and Intel GPU support lists; PCI ids.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import accelerators
from torchsmith.knowledge.compiled.indexes import ROWS
from torchsmith.model.action import Install, Uninstall
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import AMD, INTEL, Gpus, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.torch import FittingBuild, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.common import gpu_names, reinstall
from torchsmith.rules.driver.shared import by_you
from torchsmith.rules.readings.places import on_mac

MAKERS = {AMD: "AMD", INTEL: "Intel"}
BUILDS = {AMD: "rocm", INTEL: "xpu"}
NAMES = {"cuda": "CUDA", "rocm": "ROCm", "xpu": "XPU", "cpu": "CPU"}


@rule("wrong-accelerator-backend", explains=("no-nvidia-gpu", "cuda-build-on-machine-without-cuda", "cpu-only-build"))
def check(
    machine: Machine, torch: Torch, pci_devices: PciDevices, gpus: Gpus | None, fitting_build: FittingBuild | Unknown | None
) -> Iterator[Finding]:
    """A GPU of one maker under a build for another one."""
    others = [d for d in pci_devices.gpus if accelerators.usable(d.vendor, d.device)]
    kinds = {BUILDS[d.vendor] for d in others} | ({"cuda"} if gpus else set())
    if machine.wsl or not kinds or torch.kind in kinds or (torch.kind == "cpu" and gpus):
        return
    if kinds == {"rocm"} and machine.os != "linux" and torch.kind == "cpu":
        return  # PyTorch's index has ROCm builds for Linux only: the CPU build is right here
    there = ", ".join([f"{MAKERS[d.vendor]} {d.name or f'GPU {d.device:04x}'}" for d in others] or [gpu_names(gpus or ())])
    wanted = min(kinds)
    yield Finding(
        Severity.DEGRADED if torch.kind == "cpu" else Severity.BLOCKER,
        "package:torch",
        f"torch {torch.version} is a {NAMES.get(torch.kind, torch.kind)} build, and the GPU here is {there}",
        evidence=(Proof("torch", f"{torch.version}: {torch.kind}"), Proof("pci_devices" if others else "gpus", there)),
        remedies=reinstall(fitting_build, "a CUDA build for this GPU") if wanted == "cuda" else (_install(wanted, machine),),
        wont_help=(WontHelp("Installing an NVIDIA driver or CUDA", "the GPU is another maker's"),) if others else (),
        confidence=0.75 if torch.kind == "cpu" else 0.9,
    )


def _install(wanted: str, machine: Machine) -> Remedy:
    """The newest published build of that kind, from PyTorch's own index; it has none of ROCm but for Linux."""
    if wanted == "rocm" and machine.os != "linux":
        return by_you("Use the CPU build here; PyTorch's ROCm builds are for Linux")
    _, address, builds = next(row for row in ROWS if row[0] == "pytorch")
    newest = [build for build in builds if build.startswith(wanted)][-1]
    packages = ("torch", "torchvision", "torchaudio")
    return Remedy(
        f"Install the {NAMES[wanted]} build of torch, torchvision and torchaudio",
        "from the index of that build",
        Safety.DISPLAY_ONLY,
        (Uninstall(packages), Install(packages, address.format(build=newest))),
    )


@told("wrong-accelerator-backend")
def answer(seen: Seen) -> Advice:
    """By the maker that the text names."""
    if seen.has("other-accelerator-named"):
        maker, use = "another maker's accelerator", "the plug-in of that accelerator, and its device name instead of cuda"
    elif on_mac(seen):
        maker, use = "Apple's GPU", "the macOS wheel of the default index, with the device mps"
    elif seen.has("intel-gpu-named"):
        maker, use = "an Intel GPU", "the XPU build, with the device xpu"
    elif seen.has("amd-gpu-named", "torch-cannot-start-here", "nvcc-missing-under-other-accelerator"):
        maker, use = "an AMD GPU", "the ROCm build (Linux, or WSL where AMD supports the GPU), which keeps the device name cuda"
    else:
        maker, use = "another maker's GPU", "the build for that GPU, or the CPU build"
    return Advice(
        "package:torch",
        f"The program wants CUDA, and the machine has {maker}",
        (Remedy(f"Use {use}", safety=Safety.DISPLAY_ONLY),),
        (WontHelp("Installing an NVIDIA driver or CUDA", "the GPU is another maker's"),),
        (("torchsmith", "check"),),
    )

"""
# A Jetson needs NVIDIA's own torch

## What it means
Up to JetPack 6 the GPU of a Jetson has a driver and CUDA libraries of its own. The general aarch64 wheels are CPU builds or
made for Arm servers: they install without complaint, and `torch.cuda.is_available()` is False, or the first kernel has "no
kernel image".

## How it is told
The device tree or /etc/nv_tegra_release names a Jetson with JetPack 6 or older, and torch is a CPU build, or its GPU code does
not serve the Jetson's GPU.

## What to do
Install NVIDIA's wheel or container for exactly this JetPack, with the Python that it is made for. From JetPack 7 on (Thor) the
general CUDA 13 wheels are right, and this rule is silent.

## What not to do
nvidia-driver packages or conda's cudatoolkit: a Jetson's driver comes with JetPack. A newer general wheel is again made for
servers.

## Sources
NVIDIA, Installing PyTorch for Jetson Platform; JetPack archive; GPU code of the wheels.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge.jetson import jetpack
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import GpuCoverage, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import minor
from torchsmith.rules.wheel.told import LOOK, version

GENERAL = 7  # from this JetPack on a Jetson runs what Arm servers run


@rule(
    "jetson-needs-vendor-wheel",
    explains=(
        "cpu-only-build",
        "wrong-index-for-platform",
        "conda-solver-picked-cpu",
        "gpu-arch-not-in-build",
        "gpu-arch-not-in-build-too-new",
        "gpu-arch-dropped-too-old",
        "no-nvidia-gpu",
        "no-nvidia-driver",
    ),
)
def check(
    jetson: Jetson, interpreter: Interpreter | Unknown, torch: Torch, gpu_coverage: GpuCoverage | Unknown | None
) -> Iterator[Finding]:
    """A torch that cannot reach a Jetson's GPU; one whose GPU code serves it is right, whoever made it."""
    pack = jetpack(jetson.l4t)
    if pack is None or pack.major >= GENERAL:
        return
    coverage = gpu_coverage.devices if isinstance(gpu_coverage, GpuCoverage) else ()
    unserved = [device for device in coverage if device.how == "no"]
    if torch.kind != "cpu" and not unserved:
        return
    what = "a CPU build" if torch.kind == "cpu" else f"without GPU code for {unserved[0].name or 'this GPU'}"
    proofs = [
        Proof("jetson", f"{jetson.model or 'Jetson'}, Jetson Linux {jetson.l4t}: JetPack {pack.major}"),
        Proof("torch", f"{torch.version}: {what}"),
    ]
    why = f"JetPack {pack.major} has CUDA {pack.cuda}; its torch is made for Python {pack.python}"
    if isinstance(interpreter, Interpreter) and minor(interpreter.version) != pack.python:
        why += f", and this is Python {minor(interpreter.version)}: make an environment with that one"
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"torch {torch.version} is {what}: a Jetson with JetPack {pack.major} needs NVIDIA's own build",
        evidence=tuple(proofs),
        remedies=(
            Remedy(
                f"Install NVIDIA's torch wheel for JetPack {pack.major}, or use its l4t container",
                why,
                Safety.DISPLAY_ONLY,
            ),
        ),
        wont_help=(
            WontHelp("Installing nvidia-driver or conda's cudatoolkit", "the driver of a Jetson comes with JetPack"),
            WontHelp("Reinstalling torch from the package index", "its aarch64 wheels are not made for this GPU"),
        ),
        confidence=0.9,
    )


@told("jetson-needs-vendor-wheel")
def answer(seen: Seen) -> Advice:
    """JetPack's release is mostly not told: the command that names it comes first."""
    return Advice(
        "package:torch",
        f"{version(seen)} is a general aarch64 wheel, and a Jetson before JetPack 7 needs NVIDIA's own build",
        (
            Remedy(
                "Install NVIDIA's torch wheel for this JetPack, with the Python that it is made for, or use its container",
                "the release of Jetson Linux tells the JetPack: 32 is 4, 35 is 5, 36 is 6",
                Safety.DISPLAY_ONLY,
                commands=(("cat", "/etc/nv_tegra_release"),),
            ),
        ),
        (
            WontHelp("Installing nvidia-driver or conda's cudatoolkit", "the driver of a Jetson comes with JetPack"),
            WontHelp("Reinstalling torch from the package index", "its aarch64 wheels are not made for this GPU"),
        ),
        (("cat", "/etc/nv_tegra_release"), LOOK),
    )

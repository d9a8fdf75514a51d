"""
# The container was given nvidia-smi, but not CUDA

## What it means
The NVIDIA runtime puts only those parts of the driver into a container that NVIDIA_DRIVER_CAPABILITIES asks for. `utility`
brings NVML and nvidia-smi; libcuda comes with `compute`. So nvidia-smi lists the GPU, and torch says "Found no NVIDIA driver on
your system".

## How it is told
NVML or nvidia-smi answers, libcuda cannot be loaded, and the variable lists neither `compute` nor `all`.

## What to do
Start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility; in a compose file, with `capabilities: [gpu]` alone.

## What not to do
Installing libcuda inside the image: it must be the one of the host's driver.

## Sources
NVIDIA Container Toolkit documentation, driver capabilities.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Container
from torchsmith.model.facts.gpu import NvidiaLibraries, NvidiaSmi
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.container.shared import NO_GPU, weight

NAME = "NVIDIA_DRIVER_CAPABILITIES"


@rule("container-driver-capabilities", explains=(*NO_GPU, "uvm-not-loaded"), systems=("linux",))
def check(
    container: Container,
    variables: Variables,
    nvidia_libraries: NvidiaLibraries,
    nvidia_smi: NvidiaSmi | Unknown | None,
    torch: Torch | Unknown | None,
) -> Iterator[Finding]:
    """Unset, the runtime gives compute and utility: then something else keeps libcuda away."""
    asked = variables.get(NAME)
    listed = isinstance(nvidia_smi, NvidiaSmi) and bool(nvidia_smi.devices)
    answers = nvidia_libraries.nvml.status == 0 or listed
    if not asked or not answers or nvidia_libraries.libcuda.loaded:
        return
    if {part.strip() for part in asked.split(",")} & {"compute", "all"}:
        return
    yield Finding(
        weight(torch),
        "machine",
        f"{NAME}={asked} leaves libcuda out of this container: nvidia-smi works, CUDA does not",
        evidence=(
            Proof("variables", {NAME: asked}),
            Proof(
                "nvidia_libraries", "NVML answers; libcuda: " + ("; ".join(nvidia_libraries.libcuda.errors)[:200] or "not found")
            ),
            Proof("container", ", ".join(container.marks)),
        ),
        remedies=(
            Remedy(
                f"Start the container with {NAME}=compute,utility",
                "the runtime decides at the start what it puts in; setting the variable inside changes nothing",
                Safety.DISPLAY_ONLY,
                (Command(("docker", "run", "--gpus", "all", "-e", f"{NAME}=compute,utility", "IMAGE")),),
            ),
        ),
        wont_help=(WontHelp("Installing libcuda in the image", "it must belong to the host's driver"),),
    )


@told("container-driver-capabilities")
def answer(seen: Seen) -> Advice:
    """nvidia-smi works in the container, and libcuda is not there."""
    del seen
    return Advice(
        "machine",
        "the container was given nvidia-smi and NVML without libcuda: NVIDIA_DRIVER_CAPABILITIES leaves `compute` out",
        remedies=(
            Remedy(
                f"Start the container with {NAME}=compute,utility",
                "the runtime decides at the start what it puts in; in compose, capabilities: [gpu, compute, utility]",
                Safety.DISPLAY_ONLY,
                (Command(("docker", "run", "--gpus", "all", "-e", f"{NAME}=compute,utility", "IMAGE")),),
            ),
        ),
        wont_help=(WontHelp("Installing libcuda in the image", "it must belong to the host's driver"),),
        decide_by=(("env",), ("ldconfig", "-p")),
    )

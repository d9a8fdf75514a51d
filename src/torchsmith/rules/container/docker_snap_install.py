"""
# Docker comes from a snap, which hands no GPU in

## What it means
The snap of Docker is confined: it does not see the NVIDIA Container Toolkit and the runtime configuration of the host, so
containers start without the GPU ("could not select device driver") however often the toolkit is reinstalled.

## How it is told
Inside the container, the mounts of /etc/hosts and the root come from /var/snap/docker, and nothing of the driver is there.

## What to do
Remove the snap and install Docker from its own apt repository or the distribution's package, then the NVIDIA Container Toolkit.

## What not to do
Reinstalling the toolkit, or editing /etc/docker/daemon.json: the snap reads neither.

## Sources
NVIDIA Container Toolkit documentation, supported platforms; nvidia-docker issue 1311.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Container
from torchsmith.model.facts.driver import DeviceNodes
from torchsmith.model.facts.gpu import KernelModule, NvidiaLibraries, PciDevices
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.container.shared import NO_GPU, gpu_meant, gpu_outside, shut_out, weight


@rule("docker-snap-install", explains=("container-no-gpu-runtime", *NO_GPU), systems=("linux",))
def check(
    container: Container,
    variables: Variables,
    nvidia_libraries: NvidiaLibraries | Unknown,
    device_nodes: DeviceNodes | Unknown | None,
    pci_devices: PciDevices | Unknown,
    kernel_module: KernelModule | Unknown | None,
    torch: Torch | Unknown | None,
) -> Iterator[Finding]:
    """A snap's container without anything of the driver; a newer snap that does hand the GPU in is left alone."""
    if not container.snap or not shut_out(nvidia_libraries, device_nodes):
        return
    proofs = (*gpu_outside(pci_devices, kernel_module, None), *gpu_meant(container, variables))
    if not proofs:
        return
    yield Finding(
        weight(torch),
        "machine",
        "the Docker that runs this container is a snap, which cannot hand the GPU in",
        evidence=(Proof("container", ", ".join(container.marks)), *proofs),
        remedies=(
            Remedy(
                "Replace the snap by Docker from apt, then install the NVIDIA Container Toolkit",
                "images and volumes of the snap are not taken over: save what you need first",
                Safety.DISPLAY_ONLY,
                (
                    Command(("sudo", "snap", "remove", "docker")),
                    Command(("sudo", "apt-get", "install", "docker-ce", "nvidia-container-toolkit")),
                    Command(("sudo", "nvidia-ctk", "runtime", "configure", "--runtime=docker")),
                    Command(("sudo", "systemctl", "restart", "docker")),
                ),
            ),
        ),
        wont_help=(WontHelp("Reinstalling the NVIDIA Container Toolkit", "the snap does not see it"),),
        confidence=0.85,
    )


@told("docker-snap-install")
def answer(seen: Seen) -> Advice:
    """Docker's snap, named or likely."""
    named = seen.has("snap-words")
    return Advice(
        "machine",
        "Docker is installed as a snap, which cannot hand the GPU in"
        if named
        else "Docker may be installed as a snap, which cannot hand the GPU in",
        remedies=(
            Remedy(
                "Replace the snap by Docker from apt, then install the NVIDIA Container Toolkit",
                "images and volumes of the snap are not taken over: save what you need first",
                Safety.DISPLAY_ONLY,
                (
                    Command(("sudo", "snap", "remove", "docker")),
                    Command(("sudo", "apt-get", "install", "docker-ce", "nvidia-container-toolkit")),
                    Command(("sudo", "nvidia-ctk", "runtime", "configure", "--runtime=docker")),
                    Command(("sudo", "systemctl", "restart", "docker")),
                ),
            ),
        ),
        wont_help=(WontHelp("Reinstalling the NVIDIA Container Toolkit", "the snap does not see it"),),
        decide_by=(("snap", "list", "docker"),),
    )

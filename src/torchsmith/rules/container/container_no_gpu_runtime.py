"""
# The container was started without access to the GPU

## What it means
A container sees a GPU only if its engine puts the driver's libraries and device files into it. This one was started without, so
inside there is no nvidia-smi, no libcuda and no /dev/nvidia0, and `torch.cuda.is_available()` is False, although the host's GPU
may work.

## How it is told
The process runs in a container (/.dockerenv, mounts, variables), and neither a driver library nor a device file is in it. The
kernel, which is the host's, shows an NVIDIA GPU or NVIDIA's module; or the image says by its variables that it is made for a
GPU.

## What to do
Install the NVIDIA Container Toolkit on the host and start the container with the GPU: `--gpus all`, in compose a device
reservation, in Kubernetes a limit on `nvidia.com/gpu`, for Apptainer `--nv`.

## What not to do
Installing a driver inside the image: its version would have to equal the host's kernel module, and the device files would still
be missing.

## Sources
NVIDIA Container Toolkit documentation; Docker, Podman, Kubernetes and Apptainer documentation on GPUs.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Container, Jetson
from torchsmith.model.facts.driver import DeviceNodes
from torchsmith.model.facts.gpu import KernelModule, NvidiaLibraries, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.container.shared import NO_GPU, gpu_meant, gpu_outside, shut_out, weight

DOCKER = (("docker", "run", "--gpus", "all", "IMAGE"),)
# How each engine hands the GPU in: (what to do, commands).
ENGINES = {
    "docker": ("Install the NVIDIA Container Toolkit on the host and start the container with `--gpus all`", DOCKER),
    "containerd": (
        "Install the NVIDIA Container Toolkit on the host and start the container with `--gpus all`",
        (("nerdctl", "run", "--gpus", "all", "IMAGE"),),
    ),
    "podman": (
        "Let the NVIDIA Container Toolkit write a CDI specification on the host and pass its device",
        (
            ("sudo", "nvidia-ctk", "cdi", "generate", "--output=/etc/cdi/nvidia.yaml"),
            ("podman", "run", "--device", "nvidia.com/gpu=all", "IMAGE"),
        ),
    ),
    "kubernetes": ("Ask for a GPU in the pod: resources.limits `nvidia.com/gpu: 1`, on a node with NVIDIA's device plugin", ()),
    "apptainer": ("Start it with `--nv`", (("apptainer", "exec", "--nv", "IMAGE", "python"),)),
    "lxc": (
        "Give the container the GPU and the driver's libraries",
        (
            ("lxc", "config", "device", "add", "NAME", "gpu", "gpu"),
            ("lxc", "config", "set", "NAME", "nvidia.runtime=true"),
        ),
    ),
}
JETSON = ("Start the container with `--runtime nvidia`", (("docker", "run", "--runtime", "nvidia", "IMAGE"),))


@rule("container-no-gpu-runtime", explains=NO_GPU, systems=("linux",))
def check(
    *,
    machine: Machine,
    container: Container,
    variables: Variables,
    nvidia_libraries: NvidiaLibraries | Unknown,
    device_nodes: DeviceNodes | Unknown | None,
    pci_devices: PciDevices | Unknown,
    kernel_module: KernelModule | Unknown | None,
    jetson: Jetson | Unknown | None,
    torch: Torch | Unknown | None,
) -> Iterator[Finding]:
    """A container that nothing of the driver reached, and a reason to think that a GPU was meant."""
    if not shut_out(nvidia_libraries, device_nodes):
        return
    outside, meant = gpu_outside(pci_devices, kernel_module, jetson), gpu_meant(container, variables)
    # In Docker Desktop the kernel shows no PCI bus: a CUDA build is the only sign that is left.
    wanted = machine.wsl is not None and isinstance(torch, Torch) and torch.kind == "cuda"
    if not (outside or meant or wanted):
        return
    sure = bool(outside)
    title, commands = JETSON if isinstance(jetson, Jetson) else ENGINES.get(container.kind, ENGINES["docker"])
    has = "the host's GPU" if sure else "a GPU"
    yield Finding(
        weight(torch) if outside or meant else Severity.DEGRADED,
        "machine",
        f"this {container.kind or 'container'} container was started without {has}: no driver library, no device file",
        evidence=(*outside, *meant, Proof("container", ", ".join(container.marks)), Proof("nvidia_libraries", "none to load")),
        remedies=(
            Remedy(
                title,
                "the engine then puts the driver's libraries and device files into the container",
                Safety.DISPLAY_ONLY,
                tuple(Command(command) for command in commands),
            ),
        ),
        wont_help=(
            WontHelp(
                "Installing a driver in the image", "the kernel module is the host's, and the device files would still be missing"
            ),
            WontHelp("Reinstalling torch", "it already looks for a GPU that the container does not show"),
        ),
        confidence=0.95 if sure else 0.75 if meant else 0.5,
        decide_by=() if sure or meant else (("docker", "run", "--rm", "--gpus", "all", "ubuntu", "nvidia-smi"),),
    )


@told("container-no-gpu-runtime")
def answer(seen: Seen) -> Advice:
    """The engine's words, or a container that sees nothing of a driver."""
    kind = next((kind for kind in ("podman", "kubernetes", "apptainer") if _named(seen, kind)), "docker")
    title, usual = JETSON if seen.has("tegra-words") else ENGINES[kind]
    commands: tuple[tuple[str, ...], ...] = usual
    toolkit = (
        *_install(seen),
        Command(("sudo", "nvidia-ctk", "runtime", "configure", "--runtime=docker")),
        Command(("sudo", "systemctl", "restart", "docker")),
    )
    if kind == "docker" and title != JETSON[0] and _named(seen, "compose"):
        commands = (("docker", "compose", "up", "--force-recreate"),)
    return Advice(
        "machine",
        "the container was started without the GPU, or its engine has no NVIDIA runtime",
        remedies=(
            Remedy(
                title,
                "the engine then puts the driver's libraries and device files into the container; the package is in NVIDIA's "
                "repository; in compose, the GPU is asked for under deploy.resources.reservations.devices",
                Safety.DISPLAY_ONLY,
                (*(toolkit if kind == "docker" else ()), *(Command(command) for command in commands)),
            ),
        ),
        wont_help=(
            WontHelp(
                "Installing a driver in the image", "the kernel module is the host's, and the device files would still be missing"
            ),
            WontHelp("Reinstalling torch", "it already looks for a GPU that the container does not show"),
        ),
        decide_by=(("docker", "run", "--rm", "--gpus", "all", "ubuntu", "nvidia-smi"),),
    )


def _install(seen: Seen) -> tuple[Command, ...]:
    """The package of the toolkit, as the reporter's distribution installs it."""
    machine = seen.value("machine")
    ways = {"ubuntu": "apt-get", "debian": "apt-get", "fedora": "dnf", "rhel": "dnf", "opensuse": "zypper", "suse": "zypper"}
    tool = ways.get(machine.kin(ways)) if machine and not machine.wsl else None
    return (Command(("sudo", tool, "install", "nvidia-container-toolkit")),) if tool else ()


def _named(seen: Seen, engine: str) -> bool:
    return any(engine in complaint.text.lower() for complaint in seen.complaints)

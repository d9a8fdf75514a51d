"""
# The container lost the right to use its GPU

## What it means
The GPU worked in this container and then stopped: "Failed to initialize NVML: Unknown Error". The NVIDIA runtime had granted
the devices behind the engine's back, and when systemd set the container's cgroup up anew (`systemctl daemon-reload`, an
update), the grant was gone.

## How it is told
In a container, the device files are there and NVML ends in an unknown error or a refusal, while the host's module is loaded.

## What to do
Restart the container. To keep it from coming back, name the device files to the engine (`--device`), use CDI, or let Docker use
the cgroupfs driver instead of systemd's.

## What not to do
Restarting alone: it lasts until the next daemon-reload. Nothing is wrong with the driver or torch.

## Sources
NVIDIA Container Toolkit troubleshooting, "containers losing access to GPUs"; nvidia-docker issues 1671 and 1730.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Container
from torchsmith.model.facts.driver import DeviceNodes
from torchsmith.model.facts.gpu import NvidiaLibraries, NvidiaSmi
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.container.shared import NO_GPU, weight

NO_PERMISSION, UNKNOWN = 4, 999
DEVICES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm")


@rule("container-lost-gpu-cgroup", explains=(*NO_GPU, "device-node-permissions", "uvm-not-loaded"), systems=("linux",))
def check(
    container: Container,
    nvidia_libraries: NvidiaLibraries | Unknown,
    nvidia_smi: NvidiaSmi | Unknown | None,
    device_nodes: DeviceNodes,
    torch: Torch | Unknown | None,
) -> Iterator[Finding]:
    """Permission bits that refuse are another cause; here the files look as if they could be opened."""
    nodes = [node for node in device_nodes.nodes if node.path.startswith("/dev/nvidia") and node.path[11:].isdigit()]
    if not nodes or not all(node.usable for node in nodes):
        return
    evidence = []
    if isinstance(nvidia_libraries, NvidiaLibraries) and nvidia_libraries.nvml.status in {NO_PERMISSION, UNKNOWN}:
        nvml = nvidia_libraries.nvml
        evidence.append(Proof("nvidia_libraries", f"NVML status {nvml.status}: {nvml.message or 'unknown error'}"))
    if isinstance(nvidia_smi, NvidiaSmi) and "unknown error" in nvidia_smi.failure.lower():
        evidence.append(Proof("nvidia_smi", nvidia_smi.failure))
    if not evidence:
        return
    devices = tuple(part for path in (*(node.path for node in nodes), *DEVICES[1:]) for part in ("--device", path))
    yield Finding(
        weight(torch),
        "machine",
        "this container may no longer open its GPU, although the device files are still there",
        evidence=(*evidence, Proof("device_nodes", ", ".join(node.path for node in nodes)), Proof("container", container.kind)),
        remedies=(
            Remedy(
                "Start the container again, with its device files named to the engine",
                "what the engine itself grants survives `systemctl daemon-reload`",
                Safety.DISPLAY_ONLY,
                (Command(("docker", "run", "--gpus", "all", *devices, "IMAGE")),),
            ),
        ),
        wont_help=(
            WontHelp("Restarting the container as the only cure", "the next daemon-reload takes the GPU away again"),
            WontHelp("Reinstalling driver or torch", "neither was changed"),
        ),
        confidence=0.85,
    )


@told("container-lost-gpu-cgroup")
def answer(seen: Seen) -> Advice:
    """NVML: Unknown Error, in a container that worked before."""
    del seen
    devices = tuple(part for path in DEVICES for part in ("--device", path))
    return Advice(
        "machine",
        "the container may no longer open its GPU: systemd wrote its device rules anew, as after `systemctl daemon-reload`",
        remedies=(
            Remedy(
                "Start the container again, with its device files named to the engine (or by CDI)",
                "what the engine itself grants survives `systemctl daemon-reload`; so does the cgroupfs driver",
                Safety.DISPLAY_ONLY,
                (Command(("docker", "run", "--gpus", "all", *devices, "IMAGE")),),
            ),
        ),
        wont_help=(
            WontHelp("Restarting the container as the only cure", "the next daemon-reload takes the GPU away again"),
            WontHelp("Reinstalling driver or torch", "neither was changed"),
        ),
        decide_by=(("nvidia-smi",), ("ls", "-l", "/dev/")),
    )

"""
# This user may not open the GPU's device files

## What it means
The driver works for root, and /dev/nvidia* belong to a group that this user is not in, or the container's user is not: NVML
says "Insufficient Permissions", CUDA finds no device.

## How it is told
NVML answers status 4; or the device files' owner, group and permission bits do not let this user read and write, and CUDA
fails.

## What to do
Add the user to the group that owns the files (often video or render) and log in again; in a container pass the group
(`--group-add`). The driver's own default is 0666: a udev rule or NVreg_DeviceFileMode narrowed it.

## What not to do
`chmod 777` on the files: it is gone after the next start, and it opens them to everybody.

## Sources
NVIDIA driver README, NVreg_DeviceFileMode and its siblings; NVML API reference, NVML_ERROR_NO_PERMISSION.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Container
from torchsmith.model.facts.driver import NONE, WORKS, DeviceNode, DeviceNodes, DriverState
from torchsmith.model.facts.gpu import NvidiaLibraries
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, stopped_at

NO_PERMISSION = 4
NEEDED = ("/dev/nvidiactl", "/dev/nvidia-uvm")


@rule(
    "device-node-permissions",
    explains=(
        "no-nvidia-gpu",
        "driver-module-not-loaded",
        "gpu-init-failed-bios-bar",
        "uvm-broken-after-suspend",
        "cuda-does-not-start",
    ),
    systems=("linux",),
)
def check(
    driver_state: DriverState,
    nvidia_libraries: NvidiaLibraries | Unknown,
    device_nodes: DeviceNodes | Unknown | None,
    container: Container | Unknown | None,
) -> Iterator[Finding]:
    """NVML's own status, else files that this user may not open while CUDA fails."""
    if driver_state.stage in {WORKS, NONE}:
        return
    told = isinstance(nvidia_libraries, NvidiaLibraries) and (
        nvidia_libraries.nvml.status == NO_PERMISSION
        or any(status == NO_PERMISSION for _, status in nvidia_libraries.nvml.failed)
    )
    told = told or "insufficient permissions" in driver_state.says.lower()
    refused = [n for n in device_nodes.refused if _needed(n)] if isinstance(device_nodes, DeviceNodes) else []
    if not told and not refused:
        return
    evidence = [stopped_at(driver_state)]
    evidence += [Proof("device_nodes", f"{n.path}: mode {n.mode:04o}, user {n.uid}, group {n.gid}") for n in refused[:4]]
    inside = isinstance(container, Container)
    group = str(refused[0].gid) if refused else "GROUP"
    join = by_you(
        "Add the user to the group that owns the device files, and log in again",
        "" if refused else "`ls -l /dev/nvidia*` names the group, often video or render",
        ("ls", "-l", "/dev/nvidiactl"),
        ("sudo", "usermod", "-aG", "video", "USER"),
    )
    start = by_you(f"Start the container with the group that owns the device files: --group-add {group}")
    yield Finding(
        Severity.BLOCKER,
        "driver",
        "this user may not open the GPU's device files (/dev/nvidia*)",
        evidence=tuple(evidence),
        remedies=(start if inside else join,),
        wont_help=(WontHelp("chmod 777 on the device files", "gone after the next start, and open to everybody"), NOT_TORCH),
        confidence=0.95 if told and refused else 0.85,
    )


def _needed(node: DeviceNode) -> bool:
    """Whether CUDA opens it: the control node, the memory node, a GPU's own."""
    return node.path in NEEDED or node.path.removeprefix("/dev/nvidia").isdigit()


@told("device-node-permissions")
def answer(seen: Seen) -> Advice:
    """It works for root, or the files say so."""
    del seen
    return Advice(
        "driver",
        "this user may not open the GPU's device files (/dev/nvidia*)",
        remedies=(
            by_you(
                "Add the user to the group that owns the device files, and log in again",
                "`ls -l /dev/nvidia*` names the group, often video or render",
                ("sudo", "usermod", "-aG", "video", "USER"),
            ),
            by_you("A container is started with that group: --group-add GROUP"),
        ),
        wont_help=(WontHelp("chmod 777 on the device files", "gone after the next start, and open to everybody"), NOT_TORCH),
        decide_by=(("ls", "-l", "/dev/"), ("id",)),
    )

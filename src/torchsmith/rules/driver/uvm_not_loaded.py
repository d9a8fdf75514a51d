"""
# The nvidia-uvm module or its device file is missing

## What it means
CUDA needs a second kernel module, nvidia_uvm, and its device file /dev/nvidia-uvm. nvidia-smi needs neither, so it shows the
GPU while CUDA ends in "CUDA unknown error". Usually the first CUDA program loads the module through nvidia-modprobe; where that
is missing or not allowed (minimal images, hardened hosts, containers) nobody does.

## How it is told
NVML works, cuInit fails (999, 3, 304 or 100), the nvidia module is loaded, and /proc/modules has no nvidia_uvm or /dev has no
nvidia-uvm beside nvidiactl. Where neither could be read the rule is silent.

## What to do
Load it and make its device file: `sudo nvidia-modprobe -u -c=0`; for every start, list nvidia_uvm in /etc/modules-load.d.

## What not to do
Setting CUDA_VISIBLE_DEVICES, as the error message suggests: it has nothing to do with it.

## Sources
NVIDIA driver README, nvidia-modprobe; CUDA installation guide, device files.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import CUDA, DEVICES, DeviceNodes, DriverState
from torchsmith.model.facts.gpu import Gpus, KernelModule
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, stopped_at, the_gpus

CODES = frozenset({3, 100, 304, 999})


@rule("uvm-not-loaded", explains=("uvm-broken-after-suspend", "uvm-hmm-init-failure", "cuda-does-not-start"), systems=("linux",))
def check(
    driver_state: DriverState,
    kernel_module: KernelModule,
    device_nodes: DeviceNodes | Unknown | None,
    gpus: Gpus | Unknown | None,
) -> Iterator[Finding]:
    """CUDA does not start, and what it needs beside nvidia is not there."""
    if driver_state.stage not in {CUDA, DEVICES} or driver_state.code not in CODES or not kernel_module.loaded:
        return
    if driver_state.stage == DEVICES and not driver_state.gpu_on_bus:
        return
    nodes = device_nodes if isinstance(device_nodes, DeviceNodes) else None
    node_missing = bool(nodes and nodes.get("nvidiactl") and not nodes.get("nvidia-uvm"))
    if kernel_module.uvm and not node_missing:
        return
    evidence = [stopped_at(driver_state)]
    if not kernel_module.uvm:
        evidence.append(Proof("kernel_module", "nvidia is loaded, nvidia_uvm is not"))
    if node_missing:
        evidence.append(Proof("device_nodes", "/dev/nvidiactl is there, /dev/nvidia-uvm is not"))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"the driver shows {the_gpus(gpus)}, but "
        + ("its nvidia_uvm module is not loaded" if not kernel_module.uvm else "the device file /dev/nvidia-uvm is missing")
        + ", which CUDA needs",
        evidence=tuple(evidence),
        remedies=(
            by_you("Load the module and make its device file", "", ("sudo", "nvidia-modprobe", "-u", "-c=0")),
            by_you(
                "For every start, have systemd load it",
                "",
                ("sudo", "sh", "-c", "echo nvidia_uvm > /etc/modules-load.d/nvidia-uvm.conf"),
            ),
        ),
        wont_help=(WontHelp("Setting CUDA_VISIBLE_DEVICES", "the GPU is not hidden: CUDA cannot start"), NOT_TORCH),
        confidence=0.9,
    )


@told("uvm-not-loaded")
def answer(seen: Seen) -> Advice:
    """nvidia-smi needs no nvidia_uvm, CUDA does."""
    del seen
    return Advice(
        "driver",
        "CUDA cannot start on a GPU that nvidia-smi shows: the module nvidia_uvm or its device file is not there",
        remedies=(
            by_you(
                "Load the module and make its device file",
                "on the host, for a container",
                ("sudo", "nvidia-modprobe", "-u", "-c=0"),
            ),
            by_you(
                "For every start, have systemd load it",
                "",
                ("sudo", "sh", "-c", "echo nvidia_uvm > /etc/modules-load.d/nvidia-uvm.conf"),
            ),
        ),
        wont_help=(WontHelp("Setting CUDA_VISIBLE_DEVICES", "the GPU is not hidden: CUDA cannot start"), NOT_TORCH),
        decide_by=(("ls", "-l", "/dev/"),),
    )

"""
# A virtual GPU needs the GRID guest driver

## What it means
A vGPU shows the PCI id of the physical GPU, but only NVIDIA's GRID (vGPU) guest driver of the host's release can drive it. The
ordinary driver loads and refuses: "installed in this system is not supported by the NVIDIA ... driver release".

## How it is told
The kernel's log has that line for a data-centre or workstation GPU which this driver version does support on bare metal.
A GPU that is older than the open kernel module serves has another line ("System Processor (GSP)") and is not meant.

## What to do
Install the guest driver that belongs to the host's vGPU release; the cloud provider or the hypervisor's administrator has it.

## What not to do
The newest ordinary driver, or the data-centre driver: neither contains vGPU support.

## Sources
NVIDIA vGPU software documentation, guest driver; kernel messages of the nvidia module.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import drivers
from torchsmith.knowledge import gpus as table
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import WORKS, DriverState, KernelLog
from torchsmith.model.facts.gpu import NVIDIA, PciDevices
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, pci_name

REFUSED = "not supported by the"
DATACENTRE = frozenset({"datacentre", "workstation"})


@rule("vgpu-needs-grid-driver", explains=("driver-module-not-loaded", "no-nvidia-gpu", "cuda-does-not-start"), systems=("linux",))
def check(driver_state: DriverState, pci_devices: PciDevices, kernel_log: KernelLog) -> Iterator[Finding]:
    """The module refuses a data-centre GPU that its version supports on bare metal."""
    if driver_state.stage == WORKS:
        return
    said = kernel_log.find(REFUSED)
    version = next(
        (word for line in kernel_log.lines if "driver release" in line for word in line.split() if word[:3].isdigit()), ""
    )
    for card in pci_devices.of(NVIDIA):
        row = table.by_pci(card.device)
        if not said or row is None or row.klass not in DATACENTRE:
            continue
        if version and not drivers.serves(version, row.sm, windows=False):
            continue
        yield Finding(
            Severity.BLOCKER,
            "driver",
            f"{pci_name(card)} is a virtual GPU, and the installed driver is not the GRID guest driver",
            evidence=(Proof("kernel_log", said), Proof("pci_devices", pci_name(card))),
            remedies=(by_you("Install the GRID guest driver of the host's vGPU release", "the host's administrator has it"),),
            wont_help=(WontHelp("The newest ordinary driver", "vGPU support is in the GRID driver only"), NOT_TORCH),
            confidence=0.75,
            decide_by=(("lspci", "-nnvs", card.address),),
        )
        return


@told("vgpu-needs-grid-driver")
def answer(seen: Seen) -> Advice:
    """A virtual machine's GPU that the ordinary driver refuses."""
    release = seen.captured("release", "nvrm-release", "driver-release-refuses-gpu")
    return Advice(
        "driver",
        "the GPU of this virtual machine is a vGPU, and an ordinary driver"
        + (f" ({release})" if release else "")
        + " is installed",
        remedies=(by_you("Install the GRID guest driver of the host's vGPU release", "the host's administrator has it"),),
        wont_help=(WontHelp("The newest ordinary driver", "vGPU support is in the GRID driver only"), NOT_TORCH),
        decide_by=(("lspci", "-nnv", "-d", "10de:"),),
    )

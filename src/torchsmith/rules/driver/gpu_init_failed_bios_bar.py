"""
# The driver cannot start the GPU: the firmware gave it no memory window

## What it means
A GPU's memory is reached through windows (BARs) that the firmware lays out at start. Large GPUs need windows above 4 GB;
without "Above 4G Decoding" there is no room, and the module cannot start the card: "RmInitAdapter failed", "No devices were
found".

## How it is told
The kernel's log says that an I/O region is invalid or BAR1 empty. "RmInitAdapter failed" alone, or a module that is bound to a
card on the bus which neither NVML nor CUDA shows, says only that the card did not start: less sure, and marked so.

## What to do
Switch on Above 4G Decoding and Resizable BAR in the firmware's set-up, update the firmware; in a virtual machine give the guest
a large enough MMIO window.

## What not to do
Other driver versions meet the same firmware.

## Sources
NVIDIA driver README, "This PCI I/O region assigned to your NVIDIA device is invalid"; NVIDIA open-gpu-kernel-modules issue 862.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import drivers
from torchsmith.knowledge import gpus as table
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import DEVICES, WORKS, DeviceNodes, DriverState, KernelLog
from torchsmith.model.facts.gpu import NVIDIA, KernelModule, PciDevice, PciDevices
from torchsmith.model.facts.python import Variables
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, logged, pci_name, stopped_at

# The last two name the window itself; the first two say no more than that the card did not start.
FAILED = ("rminitadapter failed", "rm_init_adapter failed")
WINDOW = (
    "pci i/o region assigned to your nvidia device is invalid",
    "bar1 is 0m",
)
LOST = ("fallen off the bus",)


@rule("gpu-init-failed-bios-bar", explains=("no-nvidia-gpu", "cuda-does-not-start"), systems=("linux",))
def check(
    driver_state: DriverState,
    pci_devices: PciDevices,
    kernel_module: KernelModule,
    kernel_log: KernelLog | Unknown | None,
    device_nodes: DeviceNodes | Unknown | None,
    variables: Variables | Unknown,
) -> Iterator[Finding]:
    """The kernel's own words, else a card that the running module does not show."""
    cards = [card for card in pci_devices.of(NVIDIA) if card.driver in {"nvidia", ""}]
    if driver_state.stage == WORKS or not cards or not kernel_module.loaded:
        return
    window = "" if logged(kernel_log, *LOST) else logged(kernel_log, *WINDOW)
    said = window or ("" if logged(kernel_log, *LOST) else logged(kernel_log, *FAILED))
    dead = [gpu for gpu in kernel_module.gpus if not gpu.started]
    if not said and (driver_state.stage != DEVICES or _other_reason(cards, kernel_module, device_nodes, variables)):
        return
    evidence = [stopped_at(driver_state), Proof("pci_devices", ", ".join(map(pci_name, cards)))]
    if said:
        evidence.append(Proof("kernel_log", said))
    if dead:
        evidence.append(Proof("kernel_module", f"{dead[0].address} could not be started"))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"the driver is loaded and cannot start {', '.join(map(pci_name, cards))}",
        evidence=tuple(evidence),
        remedies=(
            by_you(
                "Switch on Above 4G Decoding and Resizable BAR in the firmware's set-up",
                "the card's memory window needs the room",
            ),
            by_you("Update the mainboard's firmware; in a virtual machine, enlarge the guest's MMIO window"),
        ),
        wont_help=(WontHelp("Another driver version", "the firmware lays the windows out the same way"), NOT_TORCH),
        confidence=0.85 if window else 0.6 if said else 0.5,
        decide_by=() if window else (("sudo", "dmesg"), ("lspci", "-vvd", "10de:")),
    )


def _other_reason(
    cards: list[PciDevice], module: KernelModule, nodes: DeviceNodes | Unknown | None, variables: Variables | Unknown
) -> bool:
    """Whether something known explains the missing GPU: driver version, module flavour, permissions, a scheduler."""
    rows = [table.by_pci(card.device) for card in cards]
    version = module.version
    for row in rows:
        if row and version and not drivers.serves(version, row.sm, windows=False):
            return True
        if row and row.sm >= 100 and module.flavour == "proprietary":
            return True
    if isinstance(nodes, DeviceNodes) and (nodes.refused or not nodes.get("nvidiactl")):
        return True
    return isinstance(variables, Variables) and any(variables.get(name) for name in ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"))


@told("gpu-init-failed-bios-bar")
def answer(seen: Seen) -> Advice:
    """The module is there and cannot start the card."""
    said = seen.has("no-room-for-the-gpu")
    return Advice(
        "driver",
        "the firmware gives the GPU no room in the address space, and the driver cannot start it"
        if said
        else "the driver is loaded and cannot start the GPU, as where the firmware gives it no room in the address space",
        remedies=(
            by_you(
                "Switch on Above 4G Decoding and Resizable BAR in the firmware's set-up",
                "the card's memory window needs the room",
            ),
            by_you("Update the mainboard's firmware; in a virtual machine, enlarge the guest's MMIO window"),
        ),
        wont_help=(WontHelp("Another driver version", "the firmware lays the windows out the same way"), NOT_TORCH),
        decide_by=(("sudo", "dmesg"),),
    )

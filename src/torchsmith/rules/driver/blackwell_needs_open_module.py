"""
# This GPU works with NVIDIA's open kernel module only

## What it means
NVIDIA publishes its kernel module in two flavours of the same version, proprietary and open. Blackwell GPUs (GeForce RTX 50,
RTX PRO Blackwell, B100, B200, GB200 ...) and what follows are driven by the open one only. With the other: "No devices were
found", while the installed version is new enough.

## How it is told
/proc/driver/nvidia/version names the flavour; the GPU's architecture is known from its PCI id; the driver shows no such GPU.
The kernel's log says "requires use of the NVIDIA open kernel modules" where it can be read.

## What to do
Install the open flavour of the same version (nvidia-driver-580-open, nvidia-open, nvidia-open-kernel-dkms) and reboot.

## What not to do
A newer version of the proprietary flavour does not know the GPU either.

## Sources
NVIDIA driver README, "Open Linux Kernel Modules"; NVIDIA developer blog on the transition to the open modules.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import drivers
from torchsmith.knowledge import gpus as table
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import WORKS, DriverState, KernelLog
from torchsmith.model.facts.gpu import NVIDIA, KernelModule, NvidiaLibraries, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import major
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, logged, pci_name
from torchsmith.rules.readings import told as told_of

FIRST_SM = 100
WORDS = ("requires use of the nvidia open kernel modules",)


@rule(
    "blackwell-needs-open-module",
    explains=("gpu-init-failed-bios-bar", "driver-module-not-loaded", "no-nvidia-gpu", "cuda-does-not-start"),
    systems=("linux",),
)
def check(
    machine: Machine,
    driver_state: DriverState,
    pci_devices: PciDevices,
    kernel_module: KernelModule,
    kernel_log: KernelLog | Unknown | None,
    nvidia_libraries: NvidiaLibraries | Unknown,
) -> Iterator[Finding]:
    """A Blackwell on the bus, the proprietary module, and fewer GPUs shown than there are."""
    said = logged(kernel_log, *WORDS)
    proprietary = kernel_module.flavour == "proprietary"
    if not said and not proprietary:
        return
    cards = pci_devices.of(NVIDIA)
    named = [(card, table.by_pci(card.device)) for card in cards]
    new = [card for card, row in named if row and row.sm >= FIRST_SM]
    shown = len(nvidia_libraries.nvml.devices) if isinstance(nvidia_libraries, NvidiaLibraries) else 0
    version = kernel_module.version or ""
    if version and not said:  # where the driver is too old for the GPU in either flavour, that is the cause
        new = [card for card in new if (row := table.by_pci(card.device)) and drivers.serves(version, row.sm, windows=False)]
    if not new or shown >= len(cards) or (driver_state.stage == WORKS and not said and shown == 0):
        return
    evidence = [Proof("pci_devices", ", ".join(map(pci_name, new)))]
    if proprietary:
        evidence.append(Proof("kernel_module", f"{kernel_module.version}, proprietary flavour"))
    if said:
        evidence.append(Proof("kernel_log", said))
    sm = max(row.sm for card in new if (row := table.by_pci(card.device)))
    packages = {
        "ubuntu": ("sudo", "apt", "install", f"nvidia-driver-{_branch(version, sm)}-open") if version else None,
        "debian": ("sudo", "apt", "install", "nvidia-open-kernel-dkms"),
        "arch": ("sudo", "pacman", "-S", "nvidia-open"),
    }
    package = packages.get(machine.kin(packages))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"{', '.join(map(pci_name, new))} needs NVIDIA's open kernel module, and the proprietary one is installed",
        evidence=tuple(evidence),
        remedies=(by_you("Install the open flavour of the driver, then reboot", "", *((package,) if package else ())),),
        wont_help=(WontHelp("A newer proprietary driver", "that flavour does not drive this GPU in any version"), NOT_TORCH),
    )


def _branch(version: str, sm: int) -> int:
    """The driver's branch, or the first one that knows the GPU: no older one drives it, open or not."""
    return max(major(version), major(drivers.floor_for_sm(sm, windows=False) or ""))


@told("blackwell-needs-open-module")
def answer(seen: Seen) -> Advice:
    """The kernel says it, or a Blackwell is named that the driver does not show."""
    smi, machine = seen.value("nvidia_smi"), seen.value("machine")
    sm = max((sm for sm in told_of.capabilities(seen) if sm >= FIRST_SM), default=FIRST_SM)
    branch = _branch(smi.driver, sm) if smi and smi.driver else 0
    ubuntu = bool(machine and machine.kin({"ubuntu": ()})) and branch
    package = (("sudo", "apt", "install", f"nvidia-driver-{branch}-open"),) if ubuntu else ()
    return Advice(
        "driver",
        "this GPU works with NVIDIA's open kernel module only, and the proprietary one is installed",
        remedies=(by_you("Install the open flavour of the driver (its package ends in -open), then reboot", "", *package),),
        wont_help=(WontHelp("A newer proprietary driver", "that flavour does not drive this GPU in any version"), NOT_TORCH),
        decide_by=(("sudo", "dmesg"),),
    )

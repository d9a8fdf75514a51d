"""
# The driver no longer supports this GPU

## What it means
Each driver branch drops old GPUs: 470 was the last one for Kepler, 580 the last for Maxwell, Pascal and Volta. A newer driver
loads and ignores the card: "No devices were found"; the kernel says that the GPU is supported through a legacy branch.

## How it is told
The GPU stands on the PCI bus, its architecture is known from its id, the installed branch is newer than that architecture's
last one, and the driver does not show the card.

## What to do
Install the last branch that serves the GPU, and a torch build with code for it.

## What not to do
A still newer driver. Reinstalling torch does not bring the card back.

## Sources
NVIDIA Unix driver archive and legacy GPU list; table of driver branches (`torchsmith facts drivers`).
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import drivers
from torchsmith.knowledge import gpus as table
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import DriverState, KernelLog
from torchsmith.model.facts.gpu import NVIDIA, Driver, NvidiaLibraries, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import major
from torchsmith.rules.driver.shared import by_you, logged, pci_name

LENT = frozenset({"vfio-pci", "pci-stub"})  # handed on to a virtual machine
WORDS = ("legacy drivers", "legacy gpu")


@rule("gpu-dropped-by-driver", explains=("no-nvidia-gpu", "gpu-init-failed-bios-bar", "cuda-does-not-start"))
def check(
    machine: Machine,
    driver: Driver,
    driver_state: DriverState,
    pci_devices: PciDevices,
    nvidia_libraries: NvidiaLibraries | Unknown,
    kernel_log: KernelLog | Unknown | None,
) -> Iterator[Finding]:
    """A card on the bus that the driver's branch has dropped and does not show."""
    del driver_state
    cards = pci_devices.of(NVIDIA)
    shown = nvidia_libraries.nvml.devices if isinstance(nvidia_libraries, NvidiaLibraries) else ()
    if not driver.version or len(shown) >= len(cards):
        return
    branch = drivers.branch_at_least(driver.version, windows=machine.os == "windows" or machine.wsl is not None)
    for index, card in enumerate(cards):
        row = table.by_pci(card.device)
        last = drivers.last_branch_for_sm(row.sm) if row else None
        if card.driver in LENT or row is None or last is None or branch is None or int(branch.name) <= major(last):
            continue
        if any(device.pci_device == card.device for device in shown):
            continue
        said = logged(kernel_log, *WORDS)
        evidence = [
            Proof("pci_devices", f"{pci_name(card)}: {row.architecture}"),
            Proof("driver", f"{driver.version}; {last} is the last branch for {row.architecture}"),
        ]
        if said:
            evidence.append(Proof("kernel_log", said))
        yield Finding(
            Severity.BLOCKER,
            f"gpu:{index}",
            f"driver {driver.version} no longer supports {pci_name(card)}: branch {last} is the last for {row.architecture}",
            evidence=tuple(evidence),
            remedies=(by_you(f"Install a driver of branch {last}", "newer ones have dropped this architecture"),),
            wont_help=(WontHelp("A still newer driver", "a dropped architecture does not come back"),),
            confidence=0.9,
        )


@told("gpu-dropped-by-driver")
def answer(seen: Seen) -> Advice:
    """The driver names the legacy branch that still serves the GPU."""
    branch = seen.captured("branch", "legacy-driver-needed")
    return Advice(
        "driver",
        "the installed driver no longer supports this GPU" + (f": branch {branch} is the last that does" if branch else ""),
        remedies=(
            by_you(f"Install a driver of branch {branch or 'that still serves this GPU (580 for Maxwell, Pascal and Volta)'}"),
        ),
        wont_help=(WontHelp("A still newer driver", "a dropped architecture does not come back"),),
        decide_by=(("lspci", "-nn", "-d", "10de:"),),
    )

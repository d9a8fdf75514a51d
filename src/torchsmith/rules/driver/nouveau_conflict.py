"""
# The free driver nouveau (or nova) holds the GPU

## What it means
Only one kernel driver can own a card. nouveau, or its successor nova, was there first, so NVIDIA's module finds nothing to
drive: "NVRM: No NVIDIA graphics adapter probed", "is already bound to NovaCore". CUDA needs NVIDIA's own module.

## How it is told
sysfs names the driver that is bound to the card, /proc/modules lists it, and NVIDIA's driver is installed and gets no answer.
Without NVIDIA's driver on the machine nouveau is merely the default, and `no-nvidia-driver` is the cause.

## What to do
Blacklist nouveau and nova (nova_core, nova_drm), rebuild the initramfs, reboot.

## What not to do
Another version of NVIDIA's driver meets the same owner.

## Sources
NVIDIA driver README, "Interaction with the Nouveau Driver"; kernel messages of the nvidia module.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import ABSENT, DEVICES, MODULE, DriverFiles, DriverState, KernelLog
from torchsmith.model.facts.gpu import NVIDIA, KernelModule, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, logged, pci_name

OWNERS = {"nouveau": "nouveau", "nova_core": "nova", "nova": "nova", "novacore": "nova"}
REBUILD = {
    "ubuntu": ("sudo", "update-initramfs", "-u"),
    "debian": ("sudo", "update-initramfs", "-u"),
    "fedora": ("sudo", "dracut", "--force"),
    "rhel": ("sudo", "dracut", "--force"),
    "arch": ("sudo", "mkinitcpio", "-P"),
}
WORDS = ("nouveau, rivafb", "already bound to nova", "already bound to nouveau")


@rule("nouveau-conflict", explains=("driver-module-not-loaded", "no-nvidia-gpu", "cuda-does-not-start"), systems=("linux",))
def check(
    machine: Machine,
    driver_state: DriverState,
    pci_devices: PciDevices | Unknown,
    kernel_module: KernelModule | Unknown | None,
    kernel_log: KernelLog | Unknown | None,
    driver_files: DriverFiles | Unknown | None,
) -> Iterator[Finding]:
    """NVIDIA's driver is installed, and another one is bound to the card."""
    installed = driver_state.stage in {MODULE, DEVICES} or (isinstance(driver_files, DriverFiles) and bool(driver_files.module))
    if not installed or driver_state.stage not in {MODULE, DEVICES, ABSENT}:
        return
    cards = pci_devices.of(NVIDIA) if isinstance(pci_devices, PciDevices) else ()
    held = [(card, OWNERS[card.driver]) for card in cards if card.driver in OWNERS]
    said = logged(kernel_log, *WORDS)
    module = kernel_module if isinstance(kernel_module, KernelModule) else None
    running = "" if module is None else "nouveau" if module.nouveau else "nova" if module.nova else ""
    if not held and not (running and (said or not cards)):
        return
    owner = held[0][1] if held else running
    evidence = [Proof("pci_devices", f"{pci_name(card)} is bound to {name}") for card, name in held]
    if running:
        evidence.append(Proof("kernel_module", f"{running} is loaded, nvidia is not"))
    if said:
        evidence.append(Proof("kernel_log", said))
    names = ("nova_core", "nova_drm") if owner == "nova" else ("nouveau",)
    lines = "\\n".join(f"blacklist {name}" for name in names) + ("\\noptions nouveau modeset=0" if owner == "nouveau" else "")
    rebuild = REBUILD.get(machine.kin(REBUILD))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"the kernel driver {owner} holds {pci_name(held[0][0]) if held else 'the GPU'}, so NVIDIA's module cannot",
        evidence=tuple(evidence),
        remedies=(
            by_you(
                f"Blacklist {' and '.join(names)}, rebuild the initramfs, reboot",
                "",
                ("sudo", "sh", "-c", f"printf '{lines}\\n' > /etc/modprobe.d/blacklist-{owner}.conf"),
                *((rebuild,) if rebuild else ()),
                ("sudo", "reboot"),
            ),
        ),
        wont_help=(WontHelp("Another version of NVIDIA's driver", "the card stays with its owner"), NOT_TORCH),
        confidence=0.95 if held else 0.8,
    )


@told("nouveau-conflict")
def answer(seen: Seen) -> Advice:
    """The text names the kernel driver that holds the card."""
    nova = any("nova" in complaint.text.lower().replace("nouveau", "") for complaint in seen.complaints)
    owner, modules = ("nova", "nova_core and nova_drm") if nova else ("nouveau", "nouveau")
    machine = seen.value("machine")
    rebuild = REBUILD.get(machine.kin(REBUILD)) if machine else None
    return Advice(
        "driver",
        f"the kernel's free driver {owner} holds the GPU, so NVIDIA's module cannot",
        remedies=(
            by_you(
                f"Blacklist {modules} in /etc/modprobe.d, rebuild the initramfs, reboot",
                "",
                *((rebuild,) if rebuild else ()),
                ("sudo", "reboot"),
            ),
        ),
        wont_help=(WontHelp("Another version of NVIDIA's driver", "the card stays with its owner"), NOT_TORCH),
        decide_by=(("lspci", "-nnk", "-d", "10de:"),),
    )

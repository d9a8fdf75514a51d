"""
# Secure Boot refuses NVIDIA's kernel module

## What it means
With Secure Boot on, the kernel loads only modules signed with a key that the firmware or the machine owner enrolled. A module
built here by DKMS or akmods is signed with a local key, or not at all: "Required key not available".

## How it is told
The kernel's log says so; or Secure Boot is on (EFI variable SecureBoot), the module's file is there for the running kernel, and
it is not loaded although nothing else holds the card.

## What to do
Enrol the key that signed the module (`mokutil --import`, then confirm at the next start), or install the distribution's signed
module, or switch Secure Boot off in the firmware.

## What not to do
Installing the driver again: the new build is refused like the old one.

## Sources
Kernel documentation, module signing; UEFI specification, SecureBoot variable; Debian, Ubuntu and Fedora pages on Secure Boot.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import ABSENT, MODULE, DriverFiles, DriverState, KernelLog
from torchsmith.model.facts.gpu import KernelModule
from torchsmith.model.facts.machine import Machine
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, logged

WORDS = ("required key not available", "loading of unsigned module is rejected", "unsigned module loading is restricted")
KEYS = {
    "ubuntu": "/var/lib/shim-signed/mok/MOK.der",
    "debian": "/var/lib/dkms/mok.pub",
    "fedora": "/etc/pki/akmods/certs/public_key.der",
}


@rule(
    "secure-boot-blocks-module",
    explains=("driver-module-not-loaded", "no-nvidia-driver", "no-nvidia-gpu", "cuda-does-not-start"),
    systems=("linux",),
)
def check(
    machine: Machine,
    driver_state: DriverState,
    driver_files: DriverFiles,
    kernel_module: KernelModule | Unknown | None,
    kernel_log: KernelLog | Unknown | None,
) -> Iterator[Finding]:
    """The kernel's own words, else Secure Boot on and a module that is there and not loaded."""
    if driver_state.stage not in {MODULE, ABSENT}:
        return
    module = kernel_module if isinstance(kernel_module, KernelModule) else None
    if module is None or module.loaded or module.nouveau or module.nova:
        return
    said = logged(kernel_log, *WORDS)
    if driver_files.secure_boot is False or not (said or (driver_files.secure_boot and driver_files.module)):
        return
    if not said and (driver_files.blocked or driver_state.gpu_on_bus is False):
        return  # where no card stands on the bus nothing asks for the module
    evidence = [Proof("kernel_module", "not loaded")]
    if driver_files.secure_boot:
        evidence.append(Proof("driver_files", "Secure Boot is on; the module is " + (driver_files.module or "built elsewhere")))
    if said:
        evidence.append(Proof("kernel_log", said))
    key = KEYS.get(machine.kin(KEYS))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        "Secure Boot is on, and the kernel refuses NVIDIA's module, whose key is not enrolled",
        evidence=tuple(evidence),
        remedies=(
            by_you(
                "Enrol the key that signed the module, reboot, and confirm it on the blue screen",
                "",
                *((("sudo", "mokutil", "--import", key),) if key else ()),
                ("sudo", "reboot"),
            ),
            by_you("Or switch Secure Boot off in the firmware's set-up"),
        ),
        wont_help=(WontHelp("Installing the driver again", "the new module is signed with the same unknown key"), NOT_TORCH),
        confidence=0.95 if said else 0.7,
        decide_by=() if said else (("mokutil", "--sb-state"), ("sudo", "modprobe", "nvidia")),
    )


@told("secure-boot-blocks-module")
def answer(seen: Seen) -> Advice:
    """The kernel's refusal, or a module that does not load where Secure Boot is usual."""
    refused = seen.has("module-key-refused", "module-not-inserted")
    machine = seen.value("machine")
    key = KEYS.get(machine.kin(KEYS)) if machine else None
    return Advice(
        "driver",
        "Secure Boot is on, and the kernel refuses NVIDIA's module, whose key is not enrolled"
        if refused
        else "NVIDIA's kernel module does not load, as where Secure Boot refuses an unsigned module",
        remedies=(
            by_you(
                "Enrol the key that signed the module, reboot, and confirm it on the blue screen (MOK management)",
                "" if key else f"the key lies at {', '.join(f'{path} ({name.title()})' for name, path in KEYS.items())}",
                *((("sudo", "mokutil", "--import", key),) if key else ()),
                ("sudo", "reboot"),
            ),
            by_you("Or switch Secure Boot off in the firmware's set-up"),
        ),
        wont_help=(WontHelp("Installing the driver again", "the new module is signed with the same unknown key"), NOT_TORCH),
        decide_by=(("mokutil", "--sb-state"),),
    )

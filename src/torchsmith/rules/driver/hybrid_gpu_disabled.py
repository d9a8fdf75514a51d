"""
# The laptop's NVIDIA GPU is switched off

## What it means
Laptops with two GPUs can run on the integrated one alone: prime-select, envycontrol, system76-power or bbswitch take the NVIDIA
GPU off the bus or keep its module from loading. nvidia-smi then finds no device, although driver and torch are fine.

## How it is told
/etc/prime-discrete says `off`, bbswitch says OFF, a udev rule removes the GPU, or modprobe's configuration blacklists nvidia,
and the driver shows no GPU.

## What to do
Choose the NVIDIA or the on-demand profile, then reboot.

## What not to do
Reinstalling the driver leaves the profile as it is.

## Sources
Ubuntu nvidia-prime; envycontrol and bbswitch documentation.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import ABSENT, DEVICES, MODULE, DriverFiles, DriverState
from torchsmith.model.facts.gpu import KernelModule
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, stopped_at


@rule(
    "hybrid-gpu-disabled",
    explains=("driver-module-not-loaded", "no-nvidia-gpu", "no-nvidia-driver", "cuda-does-not-start"),
    systems=("linux",),
)
def check(
    driver_state: DriverState, driver_files: DriverFiles, kernel_module: KernelModule | Unknown | None
) -> Iterator[Finding]:
    """Something on this machine switches the NVIDIA GPU off."""
    if driver_state.stage not in {MODULE, DEVICES, ABSENT}:
        return
    loaded = isinstance(kernel_module, KernelModule) and kernel_module.loaded
    why = driver_files.prime or ("" if loaded else ", ".join(driver_files.blocked))
    if not why:
        return
    by_modprobe = not driver_files.prime
    yield Finding(
        Severity.BLOCKER,
        "driver",
        "the NVIDIA GPU is switched off on this machine: "
        + ("modprobe's configuration keeps its module from loading" if by_modprobe else why),
        evidence=(stopped_at(driver_state), Proof("driver_files", why)),
        remedies=(
            by_you(
                "Choose the NVIDIA or the on-demand profile, then reboot",
                "with envycontrol: `envycontrol -s nvidia`",
                ("sudo", "prime-select", "on-demand"),
                ("sudo", "reboot"),
            )
            if not by_modprobe
            else by_you(f"Remove the line that blacklists nvidia from {why}, rebuild the initramfs, reboot"),
        ),
        wont_help=(WontHelp("Reinstalling the driver", "the profile stays"), NOT_TORCH),
        confidence=0.9 if driver_files.prime else 0.8,
    )


@told("hybrid-gpu-disabled")
def answer(seen: Seen) -> Advice:
    """A laptop that runs on its processor's graphics."""
    del seen
    return Advice(
        "driver",
        "the NVIDIA GPU of this laptop is switched off: the profile of its processor's graphics is chosen",
        remedies=(
            by_you(
                "Choose the NVIDIA or the on-demand profile, then reboot",
                "with envycontrol: `envycontrol -s nvidia`",
                ("sudo", "prime-select", "on-demand"),
                ("sudo", "reboot"),
            ),
        ),
        wont_help=(WontHelp("Reinstalling the driver", "the profile stays"), NOT_TORCH),
        decide_by=(("prime-select", "query"),),
    )

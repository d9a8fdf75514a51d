"""
# The GPU is too old for the open kernel module

## What it means
NVIDIA's open kernel modules serve Turing (GTX 16, RTX 20, T4) and newer. From branch 560 on, packages install them by
default. On a Maxwell, Pascal or Volta card they load and find no GPU that they can drive: "No devices were found".

## How it is told
The loaded module calls itself open in /proc/driver/nvidia/version, the driver counts no GPU that works, and the PCI id
belongs to a GPU older than Turing.

## What to do
Install the proprietary flavour of the same branch; 580 is the last branch for these GPUs.

## What not to do
A newer driver has dropped these GPUs. Firmware settings and another torch build change nothing.

## Sources
NVIDIA open GPU kernel modules, supported GPUs (`torchsmith facts compat_rules`).
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import WORKS, DriverState
from torchsmith.model.facts.gpu import Gpus, KernelModule
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.rules.common import gpu_names
from torchsmith.rules.driver.shared import by_you

TURING = 75


@rule(
    "open-module-needs-turing",
    explains=("gpu-init-failed-bios-bar", "no-nvidia-driver", "no-nvidia-gpu", "cuda-does-not-start", "driver-module-not-loaded"),
    systems=("linux",),
)
def check(driver_state: DriverState, gpus: Gpus, kernel_module: KernelModule) -> Iterator[Finding]:
    """Every GPU here is older than the open module serves."""
    old = [device for device in gpus if device.sm and device.sm < TURING]
    if kernel_module.flavour != "open" or driver_state.stage == WORKS or not old or len(old) < len(gpus):
        return
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"{gpu_names(old)} needs the proprietary kernel module; the open one is loaded, which serves Turing and newer",
        evidence=(
            Proof("kernel_module", f"open, version {kernel_module.version}"),
            Proof("gpus", gpu_names(old)),
            Proof(driver_state.fact, driver_state.says or driver_state.stage),
        ),
        remedies=(
            by_you(
                "Install the proprietary flavour of the driver, branch 580 or older",
                "on Ubuntu the package without `-open`, as nvidia-driver-580",
            ),
        ),
        wont_help=(
            WontHelp("A newer driver", "580 is the last branch for these GPUs"),
            WontHelp("Firmware settings (ReBAR, above-4G decoding)", "the module does not know the chip"),
        ),
        confidence=0.9,
    )


@told("open-module-needs-turing")
def answer(seen: Seen) -> Advice:
    """The open module says that the GPU lacks the processor it needs."""
    del seen
    return Advice(
        "driver",
        "NVIDIA's open kernel module is installed, and this GPU, older than Turing, needs the proprietary one",
        remedies=(
            by_you(
                "Install the proprietary flavour of the driver, branch 580 or older, then reboot",
                "on Ubuntu the package without `-open`, as nvidia-driver-580",
            ),
        ),
        wont_help=(
            WontHelp("A newer driver", "580 is the last branch for these GPUs"),
            WontHelp("Firmware settings (ReBAR, above-4G decoding)", "the module does not know the chip"),
        ),
        decide_by=(("sudo", "dmesg"),),
    )

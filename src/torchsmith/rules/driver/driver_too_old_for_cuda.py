"""
# The driver is too old for this build's CUDA

## What it means
torch brings its own CUDA runtime, and each CUDA major needs a driver at least as new as that major's floor: 525 for CUDA 12, 580 for
CUDA 13. Below it CUDA does not start: "The NVIDIA driver on your system is too old".

## How it is told
The driver version, from NVML or the kernel module, against the runtime version in torch/version.py. Inside one CUDA major an older
driver is enough (minor-version compatibility): a driver that prints "CUDA 12.2" runs a cu126 build.

## What to do
Update the driver, or install the same torch built with an older CUDA that this driver can run.

## What not to do
Installing a CUDA toolkit does not change the driver. The CUDA version that nvidia-smi prints need not equal torch's.

## Sources
NVIDIA CUDA compatibility guide, minor-version compatibility; driver table (`torchsmith facts drivers`).
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule
from torchsmith.knowledge import drivers
from torchsmith.model.facts.gpu import Driver
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.torch import FittingBuild, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least, major
from torchsmith.rules.common import reinstall


@rule("driver-too-old-for-cuda")
def check(
    machine: Machine, torch: Torch, driver: Driver, fitting_build: FittingBuild | Unknown | None
) -> Iterator[Finding]:
    """The driver is below the floor of torch's CUDA major."""
    if torch.cuda is None or not driver.version:
        return
    floor = drivers.floor(major(torch.cuda), windows=machine.os == "windows" or machine.wsl is not None)
    if floor is None or at_least(driver.version, floor):
        return
    update = Remedy(
        f"Update the NVIDIA driver to {floor} or newer",
        "the driver belongs to the machine, not to this environment" + ("; in WSL it is Windows' driver" if machine.wsl else ""),
        Safety.DISPLAY_ONLY,
    )
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"driver {driver.version} is too old for CUDA {torch.cuda}, which torch {torch.version} was built with",
        evidence=(
            Proof("driver", f"{driver.version} (runs up to CUDA {driver.cuda})" if driver.cuda else driver.version),
            Proof("torch", f"{torch.version}: CUDA {torch.cuda}, which needs driver {floor} or newer"),
        ),
        remedies=(*reinstall(fitting_build, "a build whose CUDA this driver can run"), update),
        wont_help=(
            WontHelp("Installing a newer CUDA toolkit", "torch brings its own; the driver stays as it is"),
            WontHelp("Reinstalling the same torch", "its CUDA stays the same"),
        ),
    )

"""
# The driver cannot compile this build's PTX for the GPU

## What it means
Inside one CUDA major an older driver runs a newer runtime, with one hole that matters to torch: code that exists only as PTX
must be compiled by the driver, and a driver does not know PTX of a newer CUDA: "the provided PTX was compiled with an
unsupported toolchain". Builds that carry finished code for the GPU (SASS) are not concerned, and a driver one minor behind is
healthy for them.

## How it is told
torch's GPU code serves the GPU by PTX only, and the driver's CUDA version is below the one torch was made with, in the same
major. Or CUDA_FORCE_PTX_JIT makes the driver compile everything.

## What to do
Update the driver to the level of torch's CUDA, or install a build that has finished code for the GPU.

## What not to do
Reinstalling the same torch; installing a CUDA toolkit.

## Sources
NVIDIA CUDA compatibility guide, limits of minor-version compatibility; CUDA_ERROR_UNSUPPORTED_PTX_VERSION.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import drivers
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Driver
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.torch import FittingBuild, GpuCoverage, Torch
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least, major, minor
from torchsmith.rules.common import reinstall
from torchsmith.rules.driver.shared import by_you

FORCE = "CUDA_FORCE_PTX_JIT"


@rule("driver-minor-compat-feature", explains=("gpu-arch-not-in-build-too-new",))
def check(
    machine: Machine,
    torch: Torch,
    driver: Driver,
    gpu_coverage: GpuCoverage,
    variables: Variables | Unknown,
    fitting_build: FittingBuild | Unknown | None,
) -> Iterator[Finding]:
    """Only where the driver has to compile: PTX for a GPU without SASS."""
    if torch.cuda is None or driver.cuda is None or major(torch.cuda) != major(driver.cuda):
        return
    if at_least(driver.cuda, minor(torch.cuda)):
        return
    forced = isinstance(variables, Variables) and variables.get(FORCE) == "1"
    floor = drivers.first_for(torch.cuda, windows=machine.os == "windows" or machine.wsl is not None)
    for device in gpu_coverage.devices:
        if not device.ptx_driver and device.how != "jit" and not (forced and device.how == "native"):
            continue
        why = f"{FORCE}=1 makes the driver compile all code" if forced else "torch has only PTX for it"
        evidence = [
            Proof("driver", f"{driver.version}, CUDA {driver.cuda}"),
            Proof("gpu_coverage", f"{device.name}: {device.native} of {device.total} kernel groups have finished code"),
            Proof("torch", f"{torch.version}: CUDA {torch.cuda}"),
        ]
        if forced:
            evidence.append(Proof("variables", {FORCE: "1"}))
        yield Finding(
            Severity.BLOCKER,
            f"gpu:{device.index}",
            f"the driver (CUDA {driver.cuda}) must compile PTX of CUDA {torch.cuda} for {device.name}: {why}",
            evidence=tuple(evidence),
            remedies=(
                by_you(f"Update the NVIDIA driver to {floor} or newer" if floor else "Update the NVIDIA driver"),
                *reinstall(fitting_build, "with finished code for this GPU"),
            ),
            wont_help=(WontHelp("Installing a CUDA toolkit", "the driver compiles PTX, not the toolkit"),),
            confidence=0.85,
        )


@told("driver-minor-compat-feature")
def answer(seen: Seen) -> Advice:
    """A driver of the same CUDA major that lacks what the newer minor needs."""
    symbol, smi, torch = seen.captured("symbol", "driver-lacks-function"), seen.value("nvidia_smi"), seen.value("torch")
    lacks = (
        f"it has no {symbol}"
        if re.fullmatch(r"cu\w{2,60}", symbol)
        else "it cannot compile the PTX, or lacks a call, of the newer CUDA"
    )
    ages = f" (CUDA {smi.cuda}, the build's is {torch.cuda})" if smi and smi.cuda and torch and torch.cuda else ""
    return Advice(
        "driver",
        f"the driver runs this CUDA's major, but is older than the build's minor{ages}: {lacks}",
        remedies=(
            by_you(
                "Update the NVIDIA driver to one of the build's CUDA or newer", "it compiles PTX and brings libcuda's functions"
            ),
            *reinstall(seen.value("fitting_build"), "with finished code for this GPU"),
            by_you("Or use a build made with a CUDA that is no newer than the driver's"),
        ),
        wont_help=(
            WontHelp("Reinstalling the same torch", "its code stays as new as it is"),
            WontHelp("Installing a CUDA toolkit", "the driver compiles PTX, not the toolkit"),
        ),
        decide_by=(("nvidia-smi",),),
    )

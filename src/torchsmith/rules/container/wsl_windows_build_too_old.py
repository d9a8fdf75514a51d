"""
# This Windows is too old for CUDA in WSL

## What it means
WSL 2 reaches the GPU through a device that Windows offers from Windows 10 version 21H2 (build 19044) and Windows 11 on. On an
older build there is no /dev/dxg, and no driver can change that.

## How it is told
CUDA does not start in WSL 2, there is no /dev/dxg, and Windows names a build below 19044.

## What to do
Update Windows to Windows 10 21H2 or later, or Windows 11; then `wsl --update` and a current NVIDIA driver in Windows.

## What not to do
Installing a Linux driver inside WSL: the driver is Windows' own.

## Sources
NVIDIA, CUDA on WSL user guide; Microsoft, GPU accelerated machine learning in WSL.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Wsl
from torchsmith.model.facts.gpu import NvidiaLibraries
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.container.shared import NO_GPU, weight, works

FIRST_BUILD = 19044


@rule("wsl-windows-build-too-old", explains=(*NO_GPU, "wsl-driver-not-visible"), systems=("wsl",))
def check(wsl: Wsl, nvidia_libraries: NvidiaLibraries | Unknown, torch: Torch | Unknown | None) -> Iterator[Finding]:
    """A preview build may have the device all the same: then the build says nothing."""
    if wsl.version != 2 or wsl.dxg or works(nvidia_libraries):
        return
    if wsl.windows_build is None or wsl.windows_build >= FIRST_BUILD:
        return
    yield Finding(
        weight(torch),
        "machine",
        f"Windows build {wsl.windows_build} is too old for CUDA in WSL, which begins with build {FIRST_BUILD} (Windows 10 21H2)",
        evidence=(Proof("wsl", f"Windows build {wsl.windows_build}, no /dev/dxg"),),
        remedies=(
            Remedy(
                "Update Windows to Windows 10 21H2 or later, or Windows 11",
                "the GPU's way into WSL is part of Windows",
                Safety.DISPLAY_ONLY,
            ),
        ),
        wont_help=(WontHelp("Installing a driver inside WSL", "WSL uses the driver of Windows"),),
    )


@told("wsl-windows-build-too-old")
def answer(seen: Seen) -> Advice:
    """Windows names its build or its version."""
    build = seen.captured("build", "windows-build")
    return Advice(
        "machine",
        f"{f'Windows build {build}' if build else 'this Windows'} is too old for CUDA in WSL, which begins with "
        f"build {FIRST_BUILD} (Windows 10 21H2)",
        remedies=(
            Remedy(
                "Update Windows to Windows 10 21H2 or later, or Windows 11",
                "the GPU's way into WSL is part of Windows",
                Safety.DISPLAY_ONLY,
            ),
        ),
        wont_help=(WontHelp("Installing a driver inside WSL", "WSL uses the driver of Windows"),),
        decide_by=(("cmd.exe", "/c", "ver"),),
    )

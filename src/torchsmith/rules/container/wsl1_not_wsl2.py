"""
# This is WSL 1, which has no GPU

## What it means
WSL 1 translates Linux system calls and has no Linux kernel; Windows' GPU driver can be reached from WSL 2 only. torch finds no
driver here, while the same GPU works in Windows itself.

## How it is told
The kernel calls itself 4.4.0-...-Microsoft; WSL 2 has a real kernel, ...-microsoft-standard-WSL2.

## What to do
Convert the distribution with `wsl --set-version NAME 2` in Windows. Files are kept.

## What not to do
Installing a Linux driver or a CUDA toolkit: no kernel is there that could load the driver.

## Sources
Microsoft, comparing WSL versions; NVIDIA, CUDA on WSL user guide.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.container.shared import NO_GPU, weight


@rule("wsl1-not-wsl2", explains=(*NO_GPU, "wsl-driver-not-visible", "wsl-windows-build-too-old"), systems=("wsl",))
def check(machine: Machine, torch: Torch | Unknown | None) -> Iterator[Finding]:
    """WSL 1, whatever is installed in it."""
    if machine.wsl != 1:
        return
    yield Finding(
        weight(torch),
        "machine",
        "this distribution runs in WSL 1, from which no GPU can be reached",
        evidence=(Proof("machine", f"kernel {machine.kernel}"),),
        remedies=(
            Remedy(
                "Convert the distribution to WSL 2, in a Windows terminal",
                "only WSL 2 reaches Windows' GPU driver; `wsl -l -v` shows the distribution's name",
                Safety.DISPLAY_ONLY,
                (Command(("wsl", "--set-version", "NAME", "2")),),
            ),
        ),
        wont_help=(WontHelp("Installing a Linux driver or CUDA here", "WSL 1 has no kernel that could load a driver"),),
    )


@told("wsl1-not-wsl2")
def answer(seen: Seen) -> Advice:
    """WSL 1, whatever is installed in it."""
    del seen
    return Advice(
        "machine",
        "this distribution runs in WSL 1, from which no GPU can be reached",
        remedies=(
            Remedy(
                "Convert the distribution to WSL 2, in a Windows terminal",
                "only WSL 2 reaches Windows' GPU driver; `wsl -l -v` shows the distribution's name",
                Safety.DISPLAY_ONLY,
                (Command(("wsl", "--set-version", "NAME", "2")),),
            ),
        ),
        wont_help=(WontHelp("Installing a Linux driver or CUDA here", "WSL 1 has no kernel that could load a driver"),),
        decide_by=(("wsl.exe", "-l", "-v"),),
    )

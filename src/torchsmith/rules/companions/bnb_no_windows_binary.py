"""
# bitsandbytes has no library for this system or CUDA

## What it means
bitsandbytes brings one library per CUDA version. Releases before 0.43 brought none for Windows at all, and none knows
a CUDA newer than itself: "Required library version not found: libbitsandbytes_cuda126.so", and it falls back to its
CPU library.

## How it is told
The names of the libraries in the package, against the CUDA of torch; BNB_CUDA_VERSION, which chooses another one, is
heeded.

## What to do
Install a newer bitsandbytes.

## What not to do
Copying a DLL into the package or editing its sources.

## Sources
bitsandbytes' installation guide and release notes (Windows wheels from 0.43.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Install
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.install import BitsandbytesLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.versions import at_least
from torchsmith.rules.libraries.told import by_you, install, torch_said

FIRST_WINDOWS = "0.43.0"


@rule("bnb-no-windows-binary")
def check(
    machine: Machine, torch: Torch, variables: Variables, bitsandbytes_libraries: BitsandbytesLibraries
) -> Iterator[Finding]:
    """Beside a CUDA build of torch only."""
    if torch.kind != "cuda" or not torch.cuda or machine.os == "macos":
        return
    have = bitsandbytes_libraries
    label = (variables.get("BNB_CUDA_VERSION") or torch.cuda).replace(".", "")
    old = machine.os == "windows" and not at_least(have.version, FIRST_WINDOWS)
    if not old and label in have.cuda:
        return
    carried = ", ".join(have.cuda) or "none"
    yield Finding(
        Severity.DEGRADED,
        "package:bitsandbytes",
        f"bitsandbytes {have.version} has no library for " + ("Windows" if old else f"CUDA {torch.cuda}"),
        evidence=(
            Proof("bitsandbytes_libraries", f"CUDA libraries: {carried}", have.folder),
            Proof("torch", f"{torch.version}: CUDA {torch.cuda}"),
        ),
        remedies=(
            Remedy(
                "Install a newer bitsandbytes",
                "each release adds the CUDA versions of its time",
                actions=(Install((f"bitsandbytes>{have.version}",)),),
            ),
        ),
        wont_help=(WontHelp("Copying a library into the package, or editing it", "it has to be compiled for this CUDA"),),
        confidence=0.9 if old else 0.8,
    )


@told("bnb-no-windows-binary")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    windows = seen.os == "windows"
    have = seen.package("bitsandbytes")
    what = f"bitsandbytes {have}" if have else "this bitsandbytes"
    newer = (
        f"bitsandbytes>{have}"
        if re.fullmatch(r"[\d.]{3,12}", have) and at_least(have, FIRST_WINDOWS)
        else f"bitsandbytes>={FIRST_WINDOWS}"
    )
    fork = by_you("Remove old forks first", "they shadow it", ("pip", "uninstall", "-y", "bitsandbytes-windows"))
    return Advice(
        "package:bitsandbytes",
        f"{what} has no library for " + ("Windows" if windows else f"the CUDA of {torch_said(seen)}"),
        remedies=(
            install(seen, f"Install {newer}", "each release adds the CUDA versions of its time", newer),
            fork if windows else by_you("Or a torch of a CUDA that its release has"),
        ),
        wont_help=(
            WontHelp("Copying a DLL into the package, or editing cuda_setup/main.py", "it has to be compiled for this CUDA"),
            WontHelp("Adding folders with libcudart.so to LD_LIBRARY_PATH on Windows", "Windows does not read that variable"),
        ),
        decide_by=(("python", "-m", "bitsandbytes"),),
    )

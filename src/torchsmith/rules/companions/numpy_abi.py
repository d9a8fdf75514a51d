"""
# torch was built for NumPy 1, and NumPy 2 is installed

## What it means
torch up to 2.2 (on Windows up to 2.3) was compiled against NumPy 1, whose binary interface NumPy 2 does not offer.
torch starts with the warning "A module that was compiled using NumPy 1.x cannot be run in NumPy 2", and from then on
`torch.from_numpy` and `.numpy()` fail with "Numpy is not available". GPU work that touches no NumPy array goes on.

## How it is told
torch's own binary names the NumPy module that it will import: only the old one (`numpy.core`) was there in NumPy 1
headers. That is held against the installed NumPy.

## What to do
Install `numpy<2`, or a torch of 2.3 (Windows: 2.4.1) or later.

## What not to do
Reinstalling the same torch: its binary stays what it is.

## Sources
NumPy 2.0 migration guide; numpy/_core/code_generators/generate_numpy_api.py; binaries of torch 1.13 to 2.15.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import torch_releases
from torchsmith.model.action import Install
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.install import NumpyAbi
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter, Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import major
from torchsmith.rules.libraries.told import COLLECT_ENV, by_you, install, torch_said


@rule("numpy-abi")
def check(
    machine: Machine, interpreter: Interpreter, torch: Torch, packages: Packages, numpy_abi: NumpyAbi | Unknown
) -> Iterator[Finding]:
    """The binary's word first; where it cannot be read, that of the table, and then it is said."""
    installed = packages.version("numpy")
    if installed is None or major(installed) < 2:
        return
    if isinstance(numpy_abi, NumpyAbi):
        abi, proof, sure = numpy_abi.abi, Proof("numpy_abi", f"{numpy_abi.path}: built with NumPy 1 headers"), 0.95
    else:
        listed = torch_releases.numpy_abi(torch.version, windows=machine.os == "windows", python_tag=interpreter.tag)
        abi, sure = str(listed or ""), 0.75
        proof = Proof(
            "numpy_abi", f"torch {torch.version} is listed as built with NumPy 1 ({numpy_abi.reason})", "table of releases"
        )
    if abi != "1":
        return
    yield Finding(
        Severity.DEGRADED,
        "package:numpy",
        f"torch {torch.version} was built for NumPy 1, and NumPy {installed} is installed",
        evidence=(proof, Proof("packages", f"numpy {installed}")),
        remedies=(
            Remedy(
                "Install a NumPy before 2", "the binary interface that this torch was built for", actions=(Install(("numpy<2",)),)
            ),
        ),
        wont_help=(WontHelp("Reinstalling the same torch", "its binary stays what it is"),),
        confidence=sure,
    )


@told("numpy-abi")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    have = seen.package("numpy") or seen.captured("numpy", "numpy-1-module")
    shown = f" {have}" if re.fullmatch(r"[\d.]{1,12}", have) else ""
    if _too_old(seen):
        summary = f"a compiled module needs a newer NumPy than the installed one{shown}"
        wanted = _needed(int(seen.captured("built", "numpy-array-api"), 16))
        first = install(seen, f"Install {wanted}", "the first that offers what the module was built for", wanted)
    elif seen.has("numpy-1-name-removed") and not seen.has("numpy-1-module", "numpy-array-api", "numpy-size-changed"):
        summary = f"the program and the installed NumPy{shown} are of different generations"
        first = install(seen, "Install a NumPy of the program's time", "it still has the names that are missing", "numpy<2")
    else:
        summary = f"{torch_said(seen)}, or another compiled module, was built for NumPy 1, and NumPy{shown or ' 2'} is installed"
        first = install(seen, "Install a NumPy before 2", "the binary interface that the module was built for", "numpy<2")
    broken = seen.has("numpy-array-api", "numpy-size-changed")
    return Advice(
        "package:numpy",
        summary,
        remedies=(
            first,
            by_you("Or a torch from 2.3 on and newer releases of the modules that complain", "they are built for both"),
        ),
        wont_help=(
            WontHelp("Reinstalling the same torch", "its binary stays what it is"),
            WontHelp("Another CUDA or driver", "NumPy has nothing to do with either"),
        ),
        decide_by=COLLECT_ENV,
        severity=Severity.BLOCKER if broken else Severity.DEGRADED,
    )


_TWO = 0x2000000
"""NumPy 2's binary interface (ABI); smaller numbers up to 0xff are those of the C interface (API)."""
_FIRST = ((0x14, "2.3"), (0x13, "2.1"), (0x12, "2.0"), (0x11, "1.25"), (0x10, "1.23"), (0xF, "1.22"), (0xE, "1.20"))
"""API -> the first NumPy that offers it. Source: numpy/_core/code_generators/cversions.txt and meson.build."""


def _needed(built: int) -> str:
    """The NumPy for a module of this API or ABI: of the same major, for the other one lacks what it was built for."""
    if built > 0xFF:
        return "numpy>=2" if built >= _TWO else "numpy<2"
    first = next((version for api, version in _FIRST if built >= api), "1.19")
    return f"numpy>={first}" if first.startswith("2") else f"numpy>={first},<2"


def _too_old(seen: Seen) -> bool:
    """Whether the module was compiled against a newer binary interface than NumPy offers."""
    built, here = seen.captured("built", "numpy-array-api"), seen.captured("have", "numpy-array-api")
    return bool(built and here) and int(built, 16) > int(here, 16)

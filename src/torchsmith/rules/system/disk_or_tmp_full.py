"""
# Too little room on disk for torch

## What it means
A CUDA build of torch is a download of 3 to 4 GB that unpacks to about 5.5 GB. pip keeps the download in the temporary folder
while it unpacks; where that is a small memory disk, the installation ends in "[Errno 28] No space left on device" although the
home folder has room.

## How it is told
torch is not installed, and the free space of the environment's disk or of the temporary folder is below what the fitting build
needs.

## What to do
Point TMPDIR at a disk with room, clean pip's or uv's cache, or make the environment on a larger disk.

## What not to do
`--no-cache-dir` alone: the download still goes through the temporary folder. More memory helps only if the temporary folder is
in memory.

## Sources
Download sizes of the wheels on the package index; unpacked size of torch 2.14.1 with CUDA 13.0, measured.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.system import Room
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown

GB = 10**9
# Bytes that the download and the unpacked files need: (temporary folder, environment).
CUDA, CPU = (4 * GB, 6 * GB), (GB // 2, GB)


@rule("disk-or-tmp-full", explains=("torch-not-installed", "torch-install-incomplete"))
def check(machine: Machine, room: Room, gpus: Gpus | Unknown | None, torch: Torch | Unknown | None) -> Iterator[Finding]:
    """Judged against a CUDA build where there is a GPU for it, else against a CPU build."""
    if isinstance(torch, Torch):
        return
    cuda = isinstance(gpus, Gpus) and bool(gpus)
    temp_needs, site_needs = CUDA if cuda else CPU
    short = []
    if room.temp_free is not None and room.temp_free < temp_needs:
        short.append((room.temp, room.temp_free, temp_needs))
    if room.site_free is not None and room.site_free < site_needs:
        short.append((room.site, room.site_free, site_needs))
    if not short:
        return
    names = " and ".join(f"{path} has {free / GB:.1f} GB free" for path, free, _ in short)
    only_temp = all(path == room.temp for path, _, _ in short)
    variable = "TEMP" if machine.os == "windows" else "TMPDIR"
    move = Remedy(
        f"Point {variable} at a folder on a disk with room",
        actions=(SetVariable(variable, "FOLDER"),),
        safety=Safety.DISPLAY_ONLY,
    )
    free_some = Remedy(
        "Free some room, or make the environment on a larger disk",
        "caches of pip and uv are often the largest part",
        Safety.DISPLAY_ONLY,
    )
    yield Finding(
        Severity.DEGRADED,
        "machine",
        f"{names}: too little for torch",
        evidence=tuple(
            Proof("room", f"{path}: {free / GB:.1f} GB free, {needs / GB:.1f} GB needed") for path, free, needs in short
        ),
        remedies=(move,) if only_temp else (free_some,),
        wont_help=(WontHelp("--no-cache-dir alone", "the download still goes through the temporary folder"),),
        confidence=0.8,
    )


@told("disk-or-tmp-full")
def answer(seen: Seen) -> Advice:
    """Which disk, the text hardly ever tells."""
    windows = seen.os == "windows"
    variable = "TEMP" if windows else "TMPDIR"
    clean = (("python", "-m", "pip", "cache", "purge"),)
    return Advice(
        "machine",
        "A disk or the temporary folder has no room left: wheels of torch take some gigabytes while they are unpacked",
        (
            Remedy(
                f"Point {variable} at a folder on a disk with room",
                "the temporary folder is often small although the home folder has room",
                Safety.DISPLAY_ONLY,
                (SetVariable(variable, "FOLDER"),),
            ),
            Remedy("Clean the caches of pip, uv and conda, and unused images of Docker", safety=Safety.UNSAFE, commands=clean),
        ),
        (
            WontHelp("--no-cache-dir alone", "the download still goes through the temporary folder"),
            WontHelp("More memory", "it helps only where the temporary folder lies in memory"),
        ),
        () if windows else (("df", "-h"),),
    )

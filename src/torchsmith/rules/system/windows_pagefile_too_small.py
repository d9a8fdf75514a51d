"""
# Windows' page file is small or off

## What it means
Windows promises memory before it is used. The CUDA libraries of torch ask for several gigabytes in every process that loads
them; with a small fixed page file, or none, the promise is refused: "[WinError 1455] The paging file is too small for this
operation to complete". A DataLoader with workers loads them once per worker.

## How it is told
The registry's list of page files: none, or a fixed size below 16 GiB in all. This is a note: memory enough may make up for it.

## What to do
Let Windows manage the page file, or set 16 GiB or more; use fewer workers.

## What not to do
Reinstalling torch: the library named in the message is whole.

## Sources
pytorch issue 59904; Microsoft, system commit limit.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule
from torchsmith.model.action import Command
from torchsmith.model.facts.system import WindowsSettings
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp

ENOUGH = 16 * 1024  # MiB


@rule("windows-pagefile-too-small", systems=("windows",))
def check(windows_settings: WindowsSettings, torch: Torch) -> Iterator[Finding]:
    """A page file that Windows sizes itself is never too small."""
    files = windows_settings.page_files
    if torch.kind != "cuda" or files is None or any(last == 0 for _, _, last in files):
        return
    total = sum(last for _, _, last in files)
    if total >= ENOUGH:
        return
    shown = f"at most {total} MiB" if files else "switched off"
    yield Finding(
        Severity.NOTE,
        "machine",
        f"Windows' page file is {shown}: several processes that load CUDA may be refused memory (WinError 1455)",
        evidence=(Proof("windows_settings", [" ".join(map(str, file)) for file in files]),),
        remedies=(
            Remedy(
                "Let Windows manage the page file: System, Advanced, Performance, Virtual memory",
                "it then grows as far as the promised memory needs",
                Safety.DISPLAY_ONLY,
                (Command(("SystemPropertiesPerformance.exe",)),),
            ),
        ),
        wont_help=(WontHelp("Reinstalling torch", "the library that the message names is whole"),),
        confidence=0.7,
    )

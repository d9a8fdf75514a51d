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

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.system import WindowsSettings
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.rules.libraries.told import CHECK, by_you

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


@told("windows-pagefile-too-small")
def answer(seen: Seen) -> Advice:
    """The same for every text."""
    del seen
    return Advice(
        "machine",
        "Windows refuses more committed memory (WinError 1455): the page file is too small for what the processes reserve",
        remedies=(
            by_you(
                "Let Windows manage the page file, or set 30 GB or more: System, Advanced, Performance, Virtual memory",
                "it then grows as far as the promised memory needs",
                ("SystemPropertiesPerformance.exe",),
            ),
            by_you("Use fewer worker processes (num_workers=0, --workers 0)", "each one loads the CUDA libraries again"),
        ),
        wont_help=(
            WontHelp("Reinstalling torch", "the library that the message names is whole"),
            WontHelp("More GPU memory or a smaller batch", "it is the memory of Windows that ends"),
        ),
        decide_by=CHECK,
    )

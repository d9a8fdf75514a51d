"""
# pip ran out of memory while caching a large wheel

## What it means
Older pip versions hold a whole wheel in memory to write it into the cache, some more than once. torch's wheels are as
large as the memory of a small machine: pip ends with MemoryError, or the kernel kills it at 99 %.

## How it is told
MemoryError under `pip/_vendor/cachecontrol` or `msgpack`, or "Killed" right after the download of a large wheel.

## What to do
`pip install --no-cache-dir`, a newer pip (23.3 and later write to disk), or uv; on very small machines a CPU build,
or swap space.

## What not to do
Freeing GPU memory or reinstalling CUDA: it is the host's memory, during the download.

## Sources
pip changelog and issue tracker.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, WontHelp


@told("pip-cache-memory")
def answer(seen: Seen) -> Advice:
    """The same for every wheel."""
    del seen
    pip = ("python", "-m", "pip", "install")
    return Advice(
        "machine",
        "pip needed more memory than this machine has while it stored a large wheel in its cache",
        remedies=(
            Remedy(
                "Install without the cache",
                "the wheel is then written to disk piece by piece",
                commands=((*pip, "--no-cache-dir", "torch"),),
            ),
            Remedy("Update pip", "newer versions do not hold the wheel in memory", commands=((*pip, "--upgrade", "pip"),)),
        ),
        wont_help=(
            WontHelp("Freeing GPU memory", "it is the machine's own memory that is used up"),
            WontHelp("Another CUDA version, driver or torch release", "their wheels are as large"),
        ),
        decide_by=(("dmesg",),),
    )

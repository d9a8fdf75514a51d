"""What the rules on toolkits say alike. All of them are notes: a torch from wheels runs without any toolkit."""

from __future__ import annotations

from torchsmith.model.facts.toolkit import Toolkit, Toolkits
from torchsmith.model.finding import Proof, WontHelp

RUNS = WontHelp("Reinstalling torch for this", "torch itself runs; only building extensions is concerned")


def named(toolkit: Toolkit) -> str:
    """``CUDA 12.4 in /usr/local/cuda``; the version is left out where nothing says it."""
    return f"CUDA {toolkit.version} in {toolkit.path}" if toolkit.version else f"the toolkit in {toolkit.path}"


def active(toolkits: Toolkits, toolkit: Toolkit) -> Proof:
    """The proof of which toolkit builds would take, and why that one."""
    return Proof("toolkits", f"{named(toolkit)}, taken because of {toolkits.why}")

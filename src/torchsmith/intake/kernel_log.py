"""Lines of dmesg or journalctl that speak of NVIDIA's driver, its GPUs, or what took them, and the module's version."""

from __future__ import annotations

from torchsmith.intake.clue import Clue, Line
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "kernel log"
WORDS = ("nvrm", "nouveau", "nvidia", "xid (", "unsigned module", "lockdown", "suspend exit", "] ", "kernel: ", "pci ")
"""A text without any of these has nothing for this format."""
# dmesg's seconds or, with -H, its distance from the line before; journalctl's and syslog's `kernel: `.
_LINE = pattern(
    r"\bNVRM: |\bnouveau [0-9a-f]{4}:|\bnvidia: (?:probe of|module verification|loading out-of-tree)"
    r"|\[\s{0,8}\d{1,8}\.\d{6}\] |\[\s{0,8}\+\d{1,5}\.\d{6}\] |\bkernel: .{0,80}(?i:nvidia|nouveau|nova|lockdown)"
    r"|\bXid \((?:PCI:)?[0-9a-fA-F:.]{4,20}\): \d|\bpci [0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d: BAR"
    r"|\bLoading of unsigned module|\bLockdown: |\bPM: suspend exit"
)
_MODULE = pattern(
    r"NVIDIA UNIX (?:Open )?(?:Kernel Module for )?\S{3,10}(?: Kernel Module)?\s{1,8}(?P<version>\d{3}\.\d{2,3}(?:\.\d{2,3})?)\b"
)


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """One clue per line, as it stands, and one for the version with which the module was loaded."""
    for line in lines:
        if _LINE.search(line.text):
            yield Clue("kernel-log", line.text.strip()[:400], FORM, line.number)
        if "NVIDIA UNIX" in line.text and (module := _MODULE.search(line.text)):
            yield Clue("driver-word", module["version"], FORM, line.number)

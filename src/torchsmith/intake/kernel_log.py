"""Lines of dmesg or journalctl that speak of NVIDIA's driver, its GPUs, or what took them."""

from __future__ import annotations

import re

from torchsmith.intake.clue import Clue, Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "kernel log"
_LINE = re.compile(
    r"\bNVRM: |\bnouveau [0-9a-f]{4}:|\bnvidia: (?:probe of|module verification|loading out-of-tree)|\[\s{0,8}\d{1,8}\.\d{6}\] "
)


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """One clue per line, as it stands."""
    return (Clue("kernel-log", line.text.strip()[:400], FORM, line.number) for line in lines if _LINE.search(line.text))

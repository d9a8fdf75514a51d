"""GPUs of AMD and Intel by name, for assumptions; which of them torch has a build for, ``accelerators`` says."""

from __future__ import annotations

from torchsmith.knowledge.accelerators import AMD, INTEL
from torchsmith.model.pattern import pattern
from torchsmith.model.record import packed

VENDORS = {"AMD": AMD, "Intel": INTEL}
_NOISE = frozenset({"amd", "ati", "radeon", "intel", "corporation", "instinct", "graphics", "gpu", "card", "the"})
_WORD = pattern(r"[a-z]+|\d+[a-z]*")


@packed
class OtherGpu:
    """``target`` is AMD's name of the architecture (gfx1100), empty for Intel's."""

    name: str
    maker: str
    vendor: int
    device: int
    target: str


def by_name(text: str) -> OtherGpu | None:
    """The GPU of a product name, or of AMD's name of an architecture; None if it is neither."""
    from torchsmith.knowledge.compiled.other_gpus import ROWS

    wanted = _significant(text)
    for name, aliases, maker, device, target in ROWS:
        for written in (name, *(aliases.split("; ") if aliases else ())):
            if wanted and _significant(written) == wanted:
                return OtherGpu(
                    f"{maker} {name}" if written == name else f"{maker} {written}", maker, VENDORS[maker], device, target or ""
                )
    found = [row for row in ROWS if row[4] and row[4] == text.strip().lower()]
    if found:
        return OtherGpu(f"AMD {found[-1][4]}", found[-1][2], VENDORS[found[-1][2]], found[-1][3], found[-1][4] or "")
    return None


def nearest(text: str) -> list[str]:
    """Up to two names that a mistyped one may have meant."""
    from difflib import get_close_matches

    from torchsmith.knowledge.compiled.other_gpus import ROWS

    names = {_significant(word): word for row in ROWS for word in (row[0], *((row[1] or "").split("; ")), row[4] or "") if word}
    return [names[key] for key in get_close_matches(_significant(text), list(names), n=2, cutoff=0.75)]


def _significant(text: str) -> str:
    """The letters and digits that tell one product from another: makers' words and spaces mean nothing."""
    return "".join(word for word in _WORD.findall(text.lower()) if word not in _NOISE)

"""Few short texts that stand for the literals of all signatures. For the compiler of the tables; not for the hot path.

Every literal contains one of them, and none of them is ordinary: data/ordinary.log shows what a build prints that goes well.
A literal that is ordinary itself has none: the signature that needs it is looked for in the excerpt of a large log only.
"""

from __future__ import annotations

from collections import Counter
from importlib.resources import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LENGTH = 4
LONGER = (6, 9, 14, 100)
"""Lengths of the needles of literals of which every four characters are ordinary."""
COMMON = 0.01
"""Share of ordinary lines from which on a text is ordinary."""
# What cleaning may make of something else: tabs become spaces, quotes of typography plain ones.
_MADE = ("  ", "'", '"')


def ordinary() -> str:
    """Lines of a log in which nothing is wrong, in lower case."""
    return files("torchsmith.knowledge").joinpath("data").joinpath("ordinary.log").read_text("utf-8").lower()


def cover(literals: Iterable[str], sample: str) -> dict[str, tuple[str, ...]]:
    """The needles, each with the literals that it stands for; of those that are ordinary, none."""
    most = COMMON * sample.count("\n")
    counts = Counter(sample[at : at + LENGTH] for at in range(len(sample) - LENGTH + 1))
    grams = {literal: _grams(literal, sample, counts, most) for literal in sorted(set(literals))}
    places: dict[str, set[str]] = {}
    for literal, own in grams.items():
        for gram in own:
            places.setdefault(gram, set()).add(literal)
    taken: dict[str, tuple[str, ...]] = {}
    while places:
        best = max(places, key=lambda gram: (len(places[gram]), -counts[gram], gram))
        if not places[best]:
            break
        taken[best] = tuple(sorted(places[best]))
        for literal in taken[best]:
            for gram in grams[literal]:
                places[gram].discard(literal)
    return taken


def _grams(literal: str, sample: str, counts: Counter[str], most: float) -> list[str]:
    """What would do for a literal: four characters that are rare, else more of them."""
    rare = [gram for gram in _cut(literal, LENGTH) if counts[gram] <= most]
    if rare:
        return [gram for gram in rare if " " not in gram] or rare  # one word is found fastest without any extra, too
    for length in LONGER:
        longer = [gram for gram in _cut(literal, min(length, len(literal))) if sample.count(gram) <= most]
        if longer:
            return [min(longer, key=lambda gram: counts[gram[:LENGTH]])]
    return []


def _cut(literal: str, length: int) -> list[str]:
    grams = (literal[at : at + length] for at in range(len(literal) - length + 1))
    return [gram for gram in grams if not any(made in gram for made in _MADE)]

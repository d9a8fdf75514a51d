"""Few short texts that stand for many: where in a large log could one of a thousand literals be?

Every literal contains at least one of the needles. Some sixty needles of four characters are found at several times the speed
at which the literals themselves are, if none of them is common in this very log: so its own text says which to take.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

LENGTH = 4
LONGER = (6, 9, 14)
"""Lengths of the needles of literals of which every four characters are common."""
TOGETHER = 60
"""Needles that one automaton finds at full speed (the vector instructions that it uses have room for 64)."""
COMMON = 0.004
"""Share of a log's lines above which a text is common."""
# What cleaning may make of something else: a tab becomes spaces, quotes of typography become plain ones.
_MADE = (b"  ", b"'", b'"', b"-", b"`", b"*", b"&", b"<", b">", b"\\")


def cover(literals: Iterable[bytes], sample: bytes, avoid: Iterable[bytes] = ()) -> dict[bytes, tuple[bytes, ...]]:
    """The needles, each with its literals: all in lower case. ``sample`` is a part of the log, ``avoid`` is known to be common."""
    counts = _counted(sample)
    most = COMMON * sample.count(b"\n")
    common = {gram for gram, count in counts.items() if count > most} | set(avoid)
    grams = {literal: _grams(literal, counts, common) for literal in literals}
    places: dict[bytes, set[bytes]] = {}
    for literal, own in grams.items():
        for gram in own:
            places.setdefault(gram, set()).add(literal)
    taken: dict[bytes, tuple[bytes, ...]] = {}
    while places:
        best = max(places, key=lambda gram: (len(places[gram]), -counts.get(gram, 0), gram))
        if not places[best]:
            break
        taken[best] = tuple(sorted(places[best]))
        for literal in taken[best]:
            for gram in grams[literal]:
                places[gram].discard(literal)
    return taken


def _counted(sample: bytes) -> dict[bytes, int]:
    from collections import Counter

    return Counter([sample[at : at + LENGTH] for at in range(len(sample) - LENGTH + 1)])


def _grams(literal: bytes, counts: Mapping[bytes, int], common: set[bytes]) -> list[bytes]:
    """The needles that would do for a literal: short ones, else longer ones that begin rare, else as much of it as can be."""
    safe = [gram for gram in _cut(literal, LENGTH) if gram not in common]
    if safe:
        return safe
    for length in LONGER:
        longer = [gram for gram in _cut(literal, length) if gram not in common]
        if longer:
            return [min(longer, key=lambda gram: counts.get(gram[:LENGTH], 0))]
    parts = [literal]
    for made in _MADE:
        parts = [piece for part in parts for piece in part.split(made)]
    return [max(parts, key=len)]


def _cut(literal: bytes, length: int) -> list[bytes]:
    grams = [literal[at : at + length] for at in range(len(literal) - length + 1)]
    return [gram for gram in grams if not any(made in gram for made in _MADE)]


class Plain:
    """Finds needles with nothing but the standard library."""

    def __init__(self, needles: Sequence[bytes]) -> None:
        self._needles = needles

    def starts(self, block: bytes) -> list[int]:
        """Where needles stand, in order, at least one place in each line that has one."""
        found = []
        for needle in self._needles:
            at = block.find(needle)
            while at >= 0:
                found.append(at)
                end = block.find(b"\n", at)
                at = block.find(needle, end) if end >= 0 else -1
        return sorted(found)


class Fast:
    """Finds needles with the extra ``logs``: Aho-Corasick in Rust, with vector instructions."""

    def __init__(self, needles: Sequence[bytes]) -> None:
        from ahocorasick_rs import BytesAhoCorasick, MatchKind

        parts = [needles[at : at + TOGETHER] for at in range(0, len(needles), TOGETHER)]
        self._automata: list[Any] = [BytesAhoCorasick(part, matchkind=MatchKind.LeftmostFirst) for part in parts]

    def starts(self, block: bytes) -> list[int]:
        """Where needles stand, in order, at least one place in each line that has one."""
        found = [start for automaton in self._automata for _, start, _ in automaton.find_matches_as_indexes(block)]
        return sorted(found) if len(self._automata) > 1 else found


def finder() -> type[Fast | Plain]:
    """The faster of the two that is there."""
    try:
        import ahocorasick_rs  # noqa: F401
    except ImportError:
        return Plain
    return Fast

"""Where in a block of a log any of some hundred short texts stands: in Rust (the extra ``logs``), or in Python."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

WORDS = 150_000
"""Words that are remembered: a log says the same ones again and again."""
SHORT = 4
"""Characters of a part below which it would be in every other word."""


class Fast:
    """Aho-Corasick: one step for each byte, however many texts there are."""

    def __init__(self, needles: Sequence[bytes]) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

        self._needles = needles
        self._any: Any = BytesAhoCorasick(needles, matchkind=MatchKind.LeftmostFirst, implementation=Implementation.DFA)
        self._every: Any = BytesAhoCorasick(needles)

    def starts(self, low: bytes) -> list[int]:
        """Places in the block, in order: at least one in each line that has a needle, and perhaps some in others."""
        return [start for _, start, _ in self._any.find_matches_as_indexes(low)]

    def within(self, low: bytes) -> set[bytes]:
        """Every needle of a line."""
        return {self._needles[index] for index, _, _ in self._every.find_matches_as_indexes(low, overlapping=True)}


class Plain:
    """Looks at each word once: one that has no part of any needle in it is never looked at again."""

    def __init__(self, needles: Sequence[bytes]) -> None:
        self._by_part: dict[bytes, list[bytes]] = {}
        self._phrases: list[bytes] = []
        for needle in needles:
            part = max(needle.split(), key=len)
            if len(part) < SHORT:
                self._phrases.append(needle)
            else:
                self._by_part.setdefault(part, []).append(needle)
        self._cold: set[bytes] = set()
        self._hot: dict[bytes, tuple[bytes, ...]] = {}

    def starts(self, low: bytes) -> list[int]:
        """Places in the block, in order: at least one in each line that has a needle, and perhaps some in others."""
        hot = self._learn(set(low.split()))
        found = {at for word in hot for at in _places(low, word)}
        return sorted(found.union(*(_places(low, phrase) for phrase in self._phrases)))

    def within(self, low: bytes) -> set[bytes]:
        """Every needle of a line."""
        hot = self._learn(set(low.split()))
        likely = [needle for word in hot for needle in self._hot[word]]
        return {needle for needle in (*likely, *self._phrases) if needle in low}

    def _learn(self, words: set[bytes]) -> set[bytes]:
        """Those of the words that have a part of a needle in them."""
        fresh = words - self._cold - self._hot.keys()
        if fresh:
            if len(self._cold) > WORDS:
                self._cold = set()
            joined = b" ".join(fresh)
            present = [part for part in self._by_part if part in joined]
            for word in fresh:
                parts = [part for part in present if part in word]
                if parts:
                    self._hot[word] = tuple(needle for part in parts for needle in self._by_part[part])
                else:
                    self._cold.add(word)
            if len(self._hot) > WORDS:
                self._hot = {word: self._hot[word] for word in words & self._hot.keys()}
        return words & self._hot.keys()


def _places(low: bytes, word: bytes) -> Iterable[int]:
    """One place in each line that has the word."""
    at = low.find(word)
    while at >= 0:
        yield at
        end = low.find(b"\n", at)
        at = low.find(word, end) if end >= 0 else -1


def best() -> type[Fast | Plain]:
    """The faster of the two that is there."""
    try:
        import ahocorasick_rs  # noqa: F401
    except ImportError:
        return Plain
    return Fast

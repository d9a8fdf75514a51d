"""Where in a block of a log any of some hundred short texts stands: in Rust (the extra ``logs``), or with the standard library."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

WORDS = 150_000
"""Words that are remembered: a log says the same ones again and again."""


class Fast:
    """Aho-Corasick: one step for each byte, however many texts there are."""

    def __init__(self, needles: Sequence[bytes]) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

        self._any: Any = BytesAhoCorasick(needles, matchkind=MatchKind.LeftmostFirst, implementation=Implementation.DFA)

    def starts(self, low: bytes) -> list[int]:
        """Places in the block, in order: at least one in each line that has a needle, and perhaps some in others."""
        return [start for _, start, _ in self._any.find_matches_as_indexes(low)]


class Plain:
    """Looks at each word once: one that has no part of any needle in it is never looked at again."""

    def __init__(self, needles: Sequence[bytes]) -> None:
        self._parts = _shortest({max(needle.split(), key=len) for needle in needles})
        self._cold: set[bytes] = set()
        self._hot: set[bytes] = set()

    def starts(self, low: bytes) -> list[int]:
        """Places in the block, in order: at least one in each line that has a needle, and perhaps some in others."""
        words = set(low.split())
        fresh = words - self._cold - self._hot
        joined = b" ".join(fresh)
        present = [part for part in self._parts if part in joined]
        hot = {word for word in fresh if any(part in word for part in present)}
        if len(self._cold) + len(self._hot) > WORDS:
            self._cold, self._hot = set(), self._hot & words
        self._cold |= fresh - hot
        self._hot |= hot
        return sorted({at for word in words & self._hot for at in _places(low, word)})


def _shortest(parts: set[bytes]) -> list[bytes]:
    """Without those that contain another one."""
    kept: list[bytes] = []
    for part in sorted(parts, key=lambda part: (len(part), part)):
        if not any(other in part for other in kept):
            kept.append(part)
    return kept


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

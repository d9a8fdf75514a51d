"""Where in a block of a log any of some hundred short texts stands: with Hyperscan (the extra ``logs``), or in Python."""

from __future__ import annotations

from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

REMEMBERED = 16 << 20
"""Bytes of words that are remembered: a log says the same ones again and again."""
# Numbers differ where words do not.
_NUMBERS_ALIKE = bytes(48 if 48 <= byte < 58 else byte for byte in range(256))


_SHORT = b"\1\2"
"""A text so short makes Hyperscan take an engine that is measured 1.5 to 2 times as fast for our needles; no log has it."""


class Fast:
    """Hyperscan: vector instructions, capitals or not, however many texts there are as long as they are rare."""

    def __init__(self, needles: Sequence[bytes]) -> None:
        import hyperscan

        self._needles = needles
        self._base: Any = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        texts = [*needles, _SHORT]
        flags = [hyperscan.HS_FLAG_CASELESS] * len(texts)
        self._base.compile(expressions=texts, ids=list(range(len(texts))), flags=flags, literal=True)

    def places(self, block: bytes) -> list[int]:
        """Places in the block, in order: at least one in each line that has a needle, and perhaps some in others."""
        return sorted(end - 1 for _, end in self._found(block))

    def within(self, line: bytes) -> set[bytes]:
        """Every needle of a line."""
        return {self._needles[index] for index, _ in self._found(line) if index < len(self._needles)}

    def _found(self, data: bytes) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        self._base.scan(data, match_event_handler=lambda index, _start, end, *_: found.append((index, end)))
        return found


class Plain:
    """Looks at each pair of words once: two words of a needle are enough to look for all of it."""

    def __init__(self, needles: Sequence[bytes]) -> None:
        self._needles = [(needle, _part(needle).translate(_NUMBERS_ALIKE)) for needle in needles]
        self._cold: set[tuple[bytes, bytes]] = set()
        self._hot: dict[tuple[bytes, bytes], tuple[bytes, ...]] = {}
        self._size = 0

    def places(self, block: bytes) -> list[int]:
        """Places in the block, in order: at least one in each line that has a needle, and perhaps some in others."""
        low = block.lower()
        return sorted({at for needle in self._likely(low) for at in _places(low, needle)})

    def within(self, line: bytes) -> set[bytes]:
        """Every needle of a line."""
        low = line.lower()
        return {needle for needle in self._likely(low) if needle in low}

    def _likely(self, low: bytes) -> set[bytes]:
        """Needles of which two words are there, numbers aside."""
        pairs = set(pairwise((b"", *low.translate(_NUMBERS_ALIKE).split(), b"")))
        fresh = pairs - self._cold - self._hot.keys()
        if fresh:
            self._learn(fresh)
        return {needle for pair in pairs & self._hot.keys() for needle in self._hot[pair]}

    def _learn(self, pairs: set[tuple[bytes, bytes]]) -> None:
        size = sum(len(one) + len(other) for one, other in pairs)
        self._size += size
        if self._size > REMEMBERED:
            self._cold, self._hot, self._size = set(), {}, size
        joined = b"\n".join(map(b" ".join, pairs))
        present = [each for each in self._needles if each[1] in joined]
        for pair in pairs:
            said = b" ".join(pair) if present else b""
            if own := tuple(needle for needle, alike in present if alike in said):
                self._hot[pair] = own
            else:
                self._cold.add(pair)


def _part(needle: bytes) -> bytes:
    """The longest two neighbouring words."""
    words = needle.split(b" ")
    return max(map(b" ".join, pairwise(words)), key=len) if len(words) > 2 else needle


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
        import hyperscan  # noqa: F401
    except ImportError:
        return Plain
    return Fast

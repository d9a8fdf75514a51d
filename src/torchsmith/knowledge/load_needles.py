"""Short, rare texts by which the lines of a large log are found. For the compiler of the tables; not for the hot path.

data/ordinary.log shows what builds and installations print that go well. Of what a signature needs (``load_signatures.needs``)
a group is chosen of which every match holds one text, none of them made of ordinary words only; then few needles, parts of these
texts that stand nowhere in the ordinary log, such that each text holds one. What a signature says in ordinary words
only is looked for in the excerpt of a large log.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from importlib.resources import files
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torchsmith.knowledge.load_signatures import Needs

LENGTHS = (5, 7, 9, 12, 16, 24)
"""Lengths of needles; the longer ones where all parts of a shorter length are ordinary."""
SHORTEST, LONGEST = 4, 12
"""Characters of the shortest needle, and of one that is not made longer any more."""
ROUNDS = 3
"""Groups are chosen for few needles, and needles for few groups: after some turns nothing is gained."""
# What cleaning may make of something else: tabs become spaces, quotes of typography plain ones, entities, tags and stars nothing.
_MADE = ("  ", *"'\"`<>&*|\\")


def ordinary() -> str:
    """Lines of logs in which nothing is wrong, in lower case."""
    return files("torchsmith.knowledge").joinpath("data").joinpath("ordinary.log").read_text("utf-8").lower()


class Chosen(NamedTuple):
    """The needles, each with the texts that it stands for; and of each signature the texts of which a match holds one.

    ``partly``: signatures some of whose ways have nothing but ordinary words, or all of them.
    """

    needles: dict[str, tuple[str, ...]]
    groups: dict[str, tuple[str, ...]]
    partly: tuple[str, ...]


class _Group(NamedTuple):
    lacking: bool
    price: float
    texts: tuple[str, ...]


def choose(needs: Mapping[str, Needs], sample: str) -> Chosen:
    """Few rare needles for what these signatures need."""
    known = {length: _parts(sample, length) for length in LENGTHS}
    rare = {text: _rare(text, sample, known) for need in needs.values() for text in _texts(need)}
    price = {text: 1.0 for text, parts in rare.items() if parts}
    for _ in range(ROUNDS):
        groups = {name: _cheapest(need, price) for name, need in needs.items()}
        needles = _cover({text for group in groups.values() for text in group.texts}, rare)
        # What shares a needle with others costs less than what needs one of its own.
        price = {
            text: min((1 / (1 + len(own)) for needle, own in needles.items() if needle in text), default=1.5) for text in price
        }
    longer = sorted((_longer(needle, own), tuple(sorted(own))) for needle, own in needles.items())
    return Chosen(
        dict(longer),
        {name: group.texts for name, group in groups.items() if group.texts},
        tuple(name for name, group in groups.items() if group.lacking),
    )


def _texts(need: Needs) -> Iterable[str]:
    if isinstance(need, str):
        return (need,)
    return (text for part in need[1:] for text in _texts(part))


def _cheapest(need: Needs, price: Mapping[str, float]) -> _Group:
    """The group of texts for which the least is to be paid; lacking if some way has nothing but ordinary words."""
    if isinstance(need, str):
        return _Group(False, price[need], (need,)) if need in price else _Group(True, 0, ())
    parts = [_cheapest(part, price) for part in need[1:]]
    if need[0] == "|":
        texts = {text for part in parts for text in part.texts}
        return _Group(any(part.lacking for part in parts), sum(part.price for part in parts), tuple(sorted(texts)))
    return min((part for part in parts if part.texts), default=_Group(True, 0, ()))


def _rare(text: str, sample: str, known: Mapping[int, frozenset[str]]) -> frozenset[str]:
    """Parts of a text, as short as may be, that stand nowhere in the sample."""
    if not text.isascii():
        return frozenset()
    for length in LENGTHS:
        if len(text) <= length:
            break
        if rare := {part for part in _parts(text, length) - known[length] if _sound(part)}:
            return frozenset(rare)
    return frozenset({text} if len(text) >= SHORTEST and _sound(text) and text not in sample else ())


def _parts(text: str, length: int) -> frozenset[str]:
    return frozenset(text[at : at + length] for at in range(len(text) - length + 1))


def _sound(part: str) -> bool:
    return not any(made in part for made in _MADE)


def _cover(texts: Iterable[str], rare: Mapping[str, frozenset[str]]) -> dict[str, set[str]]:
    """Few parts such that each text has one, with the texts that have it: always the part that most texts still lack."""
    left = set(texts)
    places: dict[str, set[str]] = {}
    for text in left:
        for part in rare[text]:
            places.setdefault(part, set()).add(text)
    heap = [(-len(own), part) for part, own in places.items()]
    heapify(heap)
    taken = {}
    while left:
        promised, part = heappop(heap)
        own = places[part] & left
        if len(own) == -promised:
            taken[part] = own
            left -= own
        elif own:
            heappush(heap, (-len(own), part))
    return taken


def _longer(needle: str, texts: Iterable[str]) -> str:
    """The needle with what stands around it in all of its texts: the longer, the rarer."""
    first, *others = sorted(texts, key=len)
    at = first.index(needle)
    begin, end = at, at + len(needle)
    while end - begin < LONGEST:
        if end < len(first) and _fits(first[begin : end + 1], others):
            end += 1
        elif begin and _fits(first[begin - 1 : end], others):
            begin -= 1
        else:
            break
    return first[begin:end]


def _fits(part: str, texts: Iterable[str]) -> bool:
    return _sound(part) and all(part in text for text in texts)

"""Damage that binary formats are sensitive to: numbers, places, sizes, lost and doubled parts."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal

_EDGES = (0, 1, 2, 3, 7, 8, 16, 0x40, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_WIDE = (1 << 32, 1 << 40, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
_TEXT = tuple(b"0 1 9 -1 99999999999999999999 0x10 .. / \\ , ; : = \n \r\n \t \xff \xc3\xa9 {} [] () \" ' # %s".split(b" "))


def mutated(  # noqa: C901 - one branch for each kind of damage
    data: bytes, random: Random, limit: int, words: Sequence[bytes] = (), other: bytes = b""
) -> bytes:
    """``data`` with a few kinds of damage, at most ``limit`` bytes; ``words`` belong to the format, ``other`` is another file."""
    made = bytearray(data)
    for _ in range(1 + int(random.expovariate(0.6))):
        size = len(made)
        at = _somewhere(random, size)
        kind = random.randrange(16)
        if kind <= 5:
            _put_number(made, at, random)
        elif kind <= 7:
            _add(made, at, random)
        elif kind == 8:
            made[at : at + 1] = bytes([random.randrange(256)])
        elif kind == 9:
            del made[_somewhere(random, size) :]
        elif kind == 10:
            del made[at : at + random.choice((1, 2, 4, 8, 16, 24, 64))]
        elif kind == 11:
            made[at:at] = made[(source := _somewhere(random, size)) : source + random.choice((4, 8, 16, 24, 40, 56, 64, 256))]
        elif kind == 12:
            part = made[(source := _somewhere(random, size)) : source + random.choice((2, 4, 8, 16, 24, 40, 64))]
            made[at : at + len(part)] = part
        elif kind == 13:
            word = random.choice(words or _TEXT)
            made[at : at + (len(word) if random.random() < 0.7 else 0)] = word
        elif kind == 14:
            source, length = _somewhere(random, len(other)), random.choice((8, 24, 64, 256, 1024))
            made[at : at + random.choice((0, length))] = other[source : source + length]
        else:
            made += bytes(random.choice((1, 8, 64, 512))) if random.random() < 0.5 else random.choice(words or _TEXT)
    return bytes(made[:limit])


def _somewhere(random: Random, size: int) -> int:
    """A place, more often near the start or the end, where the headers are, and at a multiple of a number's size."""
    if size == 0:
        return 0
    dice = random.random()
    at = random.randrange(min(size, 256) if dice < 0.35 else size)
    if dice > 0.85:
        at = size - 1 - random.randrange(min(size, 512))
    return at & -random.choice((1, 2, 4, 8))


def _put_number(made: bytearray, at: int, random: Random) -> None:
    width = random.choice((1, 2, 4, 8))
    dice = random.random()
    size = len(made)
    if dice < 0.4:
        number = random.choice(_EDGES if width < 8 else _EDGES + _WIDE)
    elif dice < 0.6:
        number = size + random.randint(-9, 9)
    elif dice < 0.8:
        number = random.randint(0, 2 * size)
    else:
        number = random.getrandbits(8 * width)
    _write(made, at, width, number, random)


def _add(made: bytearray, at: int, random: Random) -> None:
    width = random.choice((1, 2, 4, 8))
    order = _order(random)
    number = int.from_bytes(made[at : at + width], order) + random.choice((-64, -16, -8, -2, -1, 1, 2, 8, 16, 64, 4096))
    made[at : at + width] = (number & ((1 << 8 * width) - 1)).to_bytes(width, order)


def _write(made: bytearray, at: int, width: int, number: int, random: Random) -> None:
    made[at : at + width] = (number & ((1 << 8 * width) - 1)).to_bytes(width, _order(random))


def _order(random: Random) -> Literal["little", "big"]:
    return "little" if random.random() < 0.85 else "big"

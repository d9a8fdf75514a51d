"""Versions as the field writes them, compared by their numbers.

Drivers (570.86.15), CUDA (12.8), torch (2.14.1+cu126, 2.9.0.dev20250901+cu130). PEP 440 in full is ``packaging``'s
business; here one release is compared with another.
"""

from __future__ import annotations

import re
from functools import lru_cache

from torchsmith.model.pattern import pattern

_NUMBER = pattern(r"\d+")
_RELEASE = pattern(r"v?(\d+(?:\.\d+)*)(?:[.-]?(a|b|rc|dev|nv|alpha|beta)[.-]?\d*)?")


_KEYS: dict[str, tuple[int, ...]] = {}
_MOST = 4096
"""Versions that are remembered: few stand behind many comparisons, and hostile input must not fill the memory."""


@lru_cache(4096)
def key(version: str) -> tuple[int, ...]:
    """The numbers of a version's release part: ``key("2.14.1+cu126") == (2, 14, 1)``; empty for no version."""
    known = _KEYS.get(version)
    if known is None:
        matched = _RELEASE.match(version.strip())
        known = tuple(int(number) for number in _NUMBER.findall(matched[1])) if matched else ()
        if len(_KEYS) < _MOST:
            _KEYS[version] = known
    return known


def at_least(version: str, least: str) -> bool:
    """Whether ``version`` is ``least`` or newer; missing parts count as zero. ``580`` is at least ``580.00``."""
    mine, floor = key(version), key(least)
    width = max(len(mine), len(floor))
    return mine + (0,) * (width - len(mine)) >= floor + (0,) * (width - len(floor))


def is_prerelease(version: str) -> bool:
    """Whether the version names a development, alpha, beta or candidate build."""
    matched = _RELEASE.match(version.strip())
    return bool(matched and matched[2] and matched[2] != "nv")


def local_label(version: str) -> str:
    """The local part of a version: ``cu126`` of ``2.14.1+cu126``; empty if there is none."""
    return version.partition("+")[2]


def public(version: str) -> str:
    """The version without its local part."""
    return version.partition("+")[0]


def major(version: str) -> int:
    """The first number of a version; 0 if there is none."""
    numbers = key(version)
    return numbers[0] if numbers else 0


def minor(version: str) -> str:
    """The first two numbers: ``minor("12.8.1") == "12.8"``."""
    return ".".join(str(number) for number in key(version)[:2])


@lru_cache(1024)
def cuda_of_label(label: str) -> str | None:
    """``12.6`` of ``cu126``, ``13.0`` of ``cu130``, ``9.2`` of ``cu92``; None for another label."""
    matched = re.fullmatch(r"cu(\d+)(\d)", label)
    return f"{int(matched[1])}.{matched[2]}" if matched else None


def compute_capability(sm: int) -> str:
    """``12.0`` for 120, ``8.6`` for 86."""
    return f"{sm // 10}.{sm % 10}"

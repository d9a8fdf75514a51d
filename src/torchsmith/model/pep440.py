"""Versions and requirements of Python packages, as PEP 440 orders and matches them; what is not one sorts before all."""

from __future__ import annotations

from functools import lru_cache

from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VERSION = pattern(
    r"\s*v?(?:(?P<epoch>\d{1,9})!)?(?P<release>\d{1,18}(?:\.\d{1,18}){0,20})"
    r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>\d{0,18}))?"
    r"(?P<post>-(?P<post_short>\d{1,18})|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>\d{0,18}))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_number>\d{0,18}))?(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*",
    0x102,  # re.IGNORECASE | re.ASCII
)
_OPERATORS = ("===", "==", "!=", "<=", ">=", "~=", "<", ">")
_PRE = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}


@lru_cache(4096)  # few versions are compared often: a decision reads the same ones ten thousand times
def key(version: str) -> tuple[Any, ...]:
    """A value that orders versions; ``()`` for what is none."""
    plain, _, label = version.partition("+")
    if _numbers(plain) and (label.isalnum() or plain == version) and version.isascii():  # most are: no pattern is needed
        return (0, _short(_numbers(plain)), (2,), -1, (1, 0), _local(label))
    found = _VERSION.fullmatch(version)
    if not found:
        return ()
    release = _short(tuple(int(number) for number in found["release"].split(".")))
    pre, post = found["pre"], bool(found["post"])
    if pre:
        stage: tuple[Any, ...] = (1, _PRE.get(pre.lower(), pre.lower()), int(found["pre_number"] or 0))
    else:
        stage = (0,) if found["dev"] and not post else (2,)  # a development version comes before every pre-release
    after = int(found["post_short"] or found["post_number"] or 0) if post else -1
    dev = (0, int(found["dev_number"] or 0)) if found["dev"] else (1, 0)
    return (int(found["epoch"] or 0), release, stage, after, dev, _local(found["local"]))


@lru_cache(4096)
def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version that is nothing but a release: ``(2, 14, 1)``; empty for any other."""
    parts = version.split(".")
    plain = version.isascii() and len(parts) <= 21 and all(part.isdigit() and len(part) <= 18 for part in parts)
    return tuple(map(int, parts)) if plain else ()


def _short(release: tuple[int, ...]) -> tuple[int, ...]:
    """Without zeros at its end: 2.0 is 2."""
    while len(release) > 1 and not release[-1]:
        release = release[:-1]
    return release


def _local(label: str | None) -> tuple[tuple[int, Any], ...]:
    parts = (label or "").lower().replace("-", ".").replace("_", ".").split(".") if label else []
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in parts)


def is_version(text: str) -> bool:
    """Whether it is a version at all."""
    return bool(key(text))


def is_prerelease(version: str) -> bool:
    """Whether it is an alpha, beta, candidate or development version."""
    found = None if _numbers(version) else _VERSION.fullmatch(version)
    return bool(found and (found["pre"] or found["dev"]))


def public(version: str) -> str:
    """The version without its local label."""
    return version.partition("+")[0]


def equal(candidate: str, wanted: str) -> bool:
    """Whether ``==wanted`` takes the candidate: a local label matters only where it was asked for."""
    if "+" not in wanted:
        candidate = public(candidate)
    return bool(key(wanted)) and key(candidate) == key(wanted)


def allows(specifier: str, version: str) -> bool:
    """Whether a version set such as ``>=3.8,!=3.9.*,<4`` takes the version; one that cannot be understood takes every."""
    return all(_holds(operator, wanted, version) for operator, wanted in _clauses(specifier))


@lru_cache(4096)
def _clauses(specifier: str) -> tuple[tuple[str, str], ...]:
    """The operators of a version set, each with its version; without those that cannot be understood."""
    found = []
    for part in specifier.split(","):
        clause = part.strip()
        operator = next((sign for sign in _OPERATORS if clause.startswith(sign)), "")
        wanted = clause[len(operator) :].split()
        if operator and len(wanted) == 1:
            found.append((operator, wanted[0]))
    return tuple(found)


def _holds(operator: str, wanted: str, version: str) -> bool:
    if wanted.endswith(".*"):
        return _starts(version, wanted[:-2]) == (operator != "!=")
    left, right = key(version), key(wanted)
    if not left or not right:
        return True
    plain = key(public(version))
    if operator == "~=":
        return plain >= right and _starts(version, wanted.rpartition(".")[0])
    if operator in {"<", ">"}:
        same = left[:2] == right[:2]
        if operator == "<":  # a pre-release of the bound is not below it
            return plain < right and not (same and is_prerelease(version) and not is_prerelease(wanted))
        return plain > right and not (same and right[3] < 0 <= left[3])
    if operator in {"<=", ">="}:
        return plain <= right if operator == "<=" else plain >= right
    if operator == "===":
        return version == wanted
    return equal(version, wanted) == (operator == "==")


def _starts(version: str, prefix: str) -> bool:
    numbers_of, expected_of = _numbers(version), _numbers(prefix)
    if numbers_of and expected_of:
        return (*numbers_of, *[0] * len(expected_of))[: len(expected_of)] == expected_of
    mine, wanted = _VERSION.fullmatch(version), _VERSION.fullmatch(prefix)
    if not mine or not wanted:
        return True
    if int(mine["epoch"] or 0) != int(wanted["epoch"] or 0):
        return False
    numbers, expected = mine["release"].split("."), wanted["release"].split(".")
    numbers += ["0"] * (len(expected) - len(numbers))
    return [int(number) for number in numbers[: len(expected)]] == [int(number) for number in expected]

"""The signatures as they are written, for the compiler and the laws. Not for the hot path."""

from __future__ import annotations

import re
import re._constants as codes  # the names of the parser's own tree
import re._parser as parser
import tomllib
from importlib.resources import files
from typing import Any, NamedTuple

ROLES = ("fatal", "warning", "aftermath", "context")
SHORTEST = 4
"""Characters of a required literal: shorter ones occur in every block of a log."""


class Entry(NamedTuple):
    """One entry of a file of signatures."""

    id: str
    role: str
    says: str
    pattern: str
    points: tuple[tuple[str, float, tuple[str, ...], tuple[str, ...]], ...]
    over: tuple[str, ...]
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...]
    source: str
    file: str


class SignatureError(ValueError):
    """An entry is not what it must be."""


def entries() -> tuple[Entry, ...]:
    """Every entry, in the order of the files' names; ``SignatureError`` for one that lacks something."""
    folder = files("torchsmith.knowledge").joinpath("data").joinpath("signatures")
    names = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(_entry(raw, f.name) for f in names for raw in tomllib.loads(f.read_text("utf-8")).get("signature", ()))


def _entry(raw: dict[str, Any], file: str) -> Entry:
    name = f"{file}: {raw.get('id', '?')}"
    allowed = {"id", "role", "says", "pattern", "points", "over", "example", "counter_example", "source"}
    if unknown := set(raw) - allowed:
        raise SignatureError(f"{name}: unknown field {', '.join(sorted(unknown))}")
    if lacking := {"id", "role", "says", "pattern", "example", "counter_example"} - set(raw):
        raise SignatureError(f"{name}: lacks {', '.join(sorted(lacking))}")
    if raw["role"] not in ROLES:
        raise SignatureError(f"{name}: role is one of {', '.join(ROLES)}")
    points = []
    for point in raw.get("points", ()):
        if unknown := set(point) - {"to", "sure", "beside", "without"}:
            raise SignatureError(f"{name}: unknown field {', '.join(sorted(unknown))} in a point")
        points.append((point["to"], float(point["sure"]), tuple(point.get("beside", ())), tuple(point.get("without", ()))))
    return Entry(
        raw["id"],
        raw["role"],
        raw["says"],
        raw["pattern"],
        tuple(points),
        tuple(raw.get("over", ())),
        _texts(raw["example"]),
        _texts(raw["counter_example"]),
        raw.get("source", ""),
        file,
    )


def _texts(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def literals(pattern: str) -> tuple[str, ...]:
    """Lower-case texts of which any match of ``pattern`` contains at least one; empty if there are none long enough."""
    return tuple(sorted(_required(parser.parse(pattern)) or ()))


def _required(tree: Any) -> frozenset[str] | None:
    """The best set of alternatives that one of the parts of a sequence requires: the one whose shortest member is longest."""
    best: frozenset[str] | None = None
    run = ""
    for code, value in [*tree, (None, None)]:
        if code is codes.LITERAL and chr(value).isascii():
            run += chr(value).lower()
            continue
        if len(run) >= SHORTEST:
            best = _better(best, frozenset({run}))
        run = ""
        if code is codes.SUBPATTERN:
            best = _better(best, _required(value[3]))
        elif code is codes.BRANCH:
            branches = [_required(branch) for branch in value[1]]
            best = _better(best, frozenset().union(*branches) if all(branches) else None)  # type: ignore[arg-type]
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT) and value[0] >= 1:
            best = _better(best, _required(value[2]))
    return best


def _better(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if not one or not other:
        return one or other
    # A space is common; what has a rare character tells more than its length does.
    return max(one, other, key=lambda texts: min(map(len, texts)) - 2 * len(texts))


def matches(entry: Entry, text: str) -> bool:
    """Whether the pattern is found in a line."""
    return re.search(entry.pattern, text) is not None

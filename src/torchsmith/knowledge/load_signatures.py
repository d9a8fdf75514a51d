"""The signatures as they are written, for the compiler and the laws. Not for the hot path."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from importlib.resources import files
from typing import Any, NamedTuple

# Python's own parser of patterns and the names of its tree.
parser: Any = import_module("re._parser")
codes: Any = import_module("re._constants")

ROLES = ("fatal", "warning", "aftermath", "context")
SHORTEST, LEAST = 4, 3
"""Characters of a literal by which lines are found, and of one that is asked for besides: shorter ones tell nothing."""
COMMON = frozenset(
    {
        *("torch", "pytorch", "cuda", "nvidia", "python", "driver", "kernel", "package", "environment", "module", "library"),
        *("error", "warning", "fatal", "failed", "found", "file", "line", "code", "import", "with", "after"),
        *("install", "installed", "installing", "version", "build", "available", "support", "supported", "change", "remove"),
    }
)
"""Words that most logs have."""


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


Needs = str | tuple[Any, ...]
"""What a match must contain: a text in lower case, or ``("&", ...)`` and ``("|", ...)`` over such."""


def needs(pattern: str) -> Needs:
    """What any match of ``pattern`` contains; ``("&",)`` if nothing is certain."""
    return _needs(parser.parse(pattern))


def literals(pattern: str) -> tuple[str, ...]:
    """Texts of which any match of ``pattern`` contains at least one, chosen to be rare; empty if there are none long enough."""
    return tuple(sorted(_cover(needs(pattern)) or ()))


def _needs(tree: Any) -> Needs:
    parts: list[Needs] = []
    run = ""
    for code, value in [*tree, (None, None)]:
        letter = _letter(code, value)
        if letter:
            run += letter
            continue
        if len(run) >= LEAST:
            parts.append(run)
        run = ""
        if code is codes.SUBPATTERN:
            parts.append(_needs(value[3]))
        elif code is codes.BRANCH:
            parts.append(("|", *(_needs(branch) for branch in value[1])))
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT) and value[0] >= 1:
            parts.append(_needs(value[2]))
    return _simple("&", [part for part in parts if _certain(part)])


def _letter(code: Any, value: Any) -> str:
    """The character that an element of a pattern stands for, its case aside: ``T``, ``[Tt]``; empty for any other."""
    if code is codes.LITERAL:
        return chr(value).lower() if chr(value).isascii() else ""
    if code is codes.IN and all(kind is codes.LITERAL for kind, _ in value):
        letters = {chr(each).lower() for _, each in value}
        return letters.pop() if len(letters) == 1 and all(letter.isascii() for letter in letters) else ""
    return ""


def _certain(part: Needs) -> bool:
    """Whether something is required: one way without needs leaves an alternative without any."""
    if isinstance(part, str):
        return True
    return all(map(_certain, part[1:])) if part[0] == "|" else len(part) > 1


def _simple(kind: str, parts: list[Needs]) -> Needs:
    flat = [each for part in parts for each in (part[1:] if not isinstance(part, str) and part[0] == kind else (part,))]
    return flat[0] if len(flat) == 1 else (kind, *dict.fromkeys(flat))


def _cover(part: Needs) -> frozenset[str] | None:
    """The rarest texts of which one must be there."""
    if isinstance(part, str):
        return frozenset({part}) if len(part) >= SHORTEST else None
    covers = [_cover(each) for each in part[1:]]
    if part[0] == "|":
        return frozenset().union(*covers) if covers and all(covers) else None  # type: ignore[arg-type]
    return max((cover for cover in covers if cover), key=_worth, default=None)


def _worth(texts: frozenset[str]) -> int:
    """How well these texts narrow a search down: by the shortest of them; a word that every log has narrows nothing."""
    return min(0 if text.strip(" .:='\"`(") in COMMON else len(text) for text in texts) * 4 - len(texts)


def matches(entry: Entry, text: str) -> bool:
    """Whether the pattern is found in a line."""
    return re.search(entry.pattern, text) is not None

"""What conda and mamba mean to install: the tables in front of ``Proceed ([y]/n)?``, of every release."""

from __future__ import annotations

import re

from torchsmith.intake.clue import Clue, Line
from torchsmith.intake.pip_list import normal
from torchsmith.model.facts.project import Change
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "conda install"
_MATTER = pattern(
    r"(?:lib)?(?:py)?torch[\w-]*|cuda[\w-]*|cpuonly|cudnn|numpy|python|mkl|nccl|magma|_openmp_mutex|(?:llvm-|intel-)?openmp|triton\w*"
)
_CLASSIC = pattern(
    r"\s{1,8}(?P<name>[a-z_][\w.-]{0,60})\s{1,60}"
    r"(?P<one>\S{3,160})(?:\s{1,20}-->\s{1,20}(?P<two>\S{3,160}))?\s{0,8}$"
)
_PART = pattern(
    r"(?:(?P<channel>[\w./:-]{1,80})::)?(?:[a-z_][\w.]*(?:-[a-z_][\w.]*){0,8}-)?(?P<version>\d[\w.!+]{0,40})-(?P<build>[\w.~]{1,60})"
)
_COLUMNS = pattern(
    r"[│\s]{1,8}(?P<sign>[-+~]) (?P<name>[a-z_][\w.-]{0,60})\s{1,60}(?P<version>\d[\w.!+]{0,40})\s{1,40}(?P<build>\S{1,60})"
    r"\s{1,40}(?P<channel>\S{1,80})"
)
_FETCHED = pattern(
    r"\s{1,8}(?P<name>[a-z_][\w-]{0,60})-(?P<version>\d[\w.!+]{0,40})\s{0,40}\|\s{1,8}(?P<build>\S{1,60})\s{1,60}"
    r"[\d.]{1,8} [KMG]?B"
)


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """One change per package that matters here, and the record that it leaves."""
    table = False
    for line in lines:
        text = line.text
        if "package" in text and re.search(
            r"packages will be (?:INSTALLED|UPDATED|SUPERSEDED|DOWNGRADED|REMOVED|downloaded)", text
        ):
            table = True
            continue
        found = _classic(text) if table else None
        found = found or _columns(text) or _fetched(text)
        if found is None:
            continue
        name, before, after, build, channel = found
        if not _MATTER.fullmatch(name):
            continue
        yield Clue("change", Change("conda", normal(name), before, after, build, line.number), FORM, line.number)
        if after:
            yield Clue("conda", (normal(name), after, build.rstrip("~"), channel, False), FORM, line.number)


Found = tuple[str, str, str, str, str]


def _classic(text: str) -> Found | None:
    matched = _CLASSIC.match(text)
    if matched is None:
        return None
    one, two = _PART.match(matched["one"]), _PART.match(matched["two"] or "")
    new = two or one
    if one is None or new is None:
        return None
    return matched["name"], one["version"] if two else "", new["version"], new["build"], new["channel"] or ""


def _columns(text: str) -> Found | None:
    matched = _COLUMNS.match(text)
    if matched is None:
        return None
    gone = matched["sign"] == "-"
    version = matched["version"]
    return matched["name"], version if gone else "", "" if gone else version, matched["build"], matched["channel"]


def _fetched(text: str) -> Found | None:
    matched = _FETCHED.match(text) if "|" in text else None
    return (matched["name"], "", matched["version"], matched["build"], "") if matched else None

"""What installers print: pip, uv, Poetry, PDM, pipenv, conda and mamba; the commands that call them, and what these did.

The end of it is a list of packages: the last version that the text leaves in the environment.
"""

from __future__ import annotations

import re

from torchsmith.host.redact import without_secrets
from torchsmith.intake import commands, conda_changes, pythons
from torchsmith.intake.clue import Clue, Line
from torchsmith.intake.pip_list import normal
from torchsmith.model.facts.install import Index, Indexes
from torchsmith.model.facts.project import Change, Clash, Satisfied, Transcript
from torchsmith.model.facts.python import Environment
from torchsmith.model.known import Fact, Known
from torchsmith.model.pattern import pattern
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from torchsmith.intake.clue import Clues

FORM = "install log"
KEPT = 400
"""Changes, requirements and commands that are kept: more belong to no text that a person pastes."""
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,80}[A-Za-z0-9])?"
_VERSION = r"\d[A-Za-z0-9]{0,39}(?:[.!+_-][A-Za-z0-9]{1,40}){0,12}"
_UV = pattern(
    rf"(?:\s{{1,4}}(?P<sign>[-+~])|(?P<bare>[+~])) (?P<name>{_NAME})==(?P<version>{_VERSION})(?: \(from .{{0,300}}\))?\s{{0,4}}$"
)
# Without one of these a line such as ``- torch==2.4.0`` is an item of a list.
_OF_UV = pattern(rf"^\s{{0,4}}\+ {_NAME}==\d|\bUninstalled \d|\buv (?:sync|run)\b")
# No line without one of these words tells of a change.
_VERBS = ("nstall", "Updat", "Downgrad", "Remov", "Upgrad")
_POETRY = pattern(
    r"[\s│|]{0,8}[-•*] (?P<verb>Installing|Updating|Downgrading|Removing|Upgrading)"
    rf" (?P<name>{_NAME}) \((?P<before>{_VERSION})(?: [^\s()]{{1,200}})?(?: -> (?P<after>{_VERSION})(?: [^\s()]{{1,200}})?)?\)"
)
_PDM = pattern(
    rf"[\s│|]{{0,8}}(?:✔|✓|✖|⠋|-) (?P<verb>Install|Update|Remove) (?P<name>{_NAME}) (?P<before>{_VERSION})"
    rf"(?: -> (?P<after>{_VERSION}))?"
)
_DASHED = r"[A-Za-z0-9][A-Za-z0-9._]{0,80}(?:-[A-Za-z][A-Za-z0-9._]{0,40}){0,8}"
_OLD = pattern(
    rf"(?:Found existing installation: (?P<found>{_NAME}) (?P<version>{_VERSION})"
    rf"|(?:Successfully uninstalled|Uninstalling) (?P<gone>{_DASHED})"
    rf"-(?P<old>{_VERSION}):?\s{{0,4}}$)"
)
_NEW = pattern(r"(?:Successfully installed|Would install) (?P<list>\S.{0,4000})")
_PAIR = pattern(rf"(?P<name>{_DASHED})-(?P<version>{_VERSION})$")
_SATISFIED = pattern(
    rf"Requirement already (?:satisfied|up-to-date)(?: \([^)]{{1,40}}\))?: (?P<asked>(?P<name>{_NAME})[^\s(]{{0,80}})"
    rf"(?: from \S{{1,200}})?(?: in \S{{1,300}})?.{{0,200}}?\((?P<version>{_VERSION})\)"
)
_LOOKING = pattern(r"Looking in (?P<kind>indexes|links): (?P<urls>\S.{0,600})")
_CLASH = pattern(
    rf"(?P<package>{_NAME}) (?P<version>{_VERSION}) (?:requires|depends on|has requirement)"
    rf" (?P<requires>(?P<name>{_NAME})[^\s;]{{0,80}})"
    rf".{{0,120}}?,? but you(?:'ll)? have (?P<other>{_NAME}) (?P<have>{_VERSION}) which is incompatible"
)


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """Commands, indexes, changes and requirements; then one clue per package for what they leave."""
    found: list[Clue] = []
    uv = any(_OF_UV.search(line.text) for line in lines if "+ " in line.text or "uv " in line.text or "Unin" in line.text)
    for line in lines:
        found += _changes(line, uv)
        found += _others(line)
        if len(found) > KEPT * 4:
            break
    yield from _left(found)
    yield from found
    yield from conda_changes.read(lines)
    yield from commands.read(lines)


def _left(found: Sequence[Clue]) -> Iterator[Clue]:
    """The packages that are there in the end, each from the last line that tells of it."""
    left: dict[str, tuple[str, int]] = {}
    for clue in found:
        if clue.about == "change":
            name, version = clue.value.package, clue.value.after
        elif clue.about == "satisfied":
            name, version = clue.value.package, clue.value.version
        elif clue.about == "clash":
            name, version = normal(clue.value.name), clue.value.have
        else:
            continue
        left.pop(name, None)
        if version:
            left[name] = (version, clue.line)
    for name, (version, number) in left.items():
        yield Clue("package", (name, version), FORM, number)


def _changes(line: Line, uv: bool) -> Iterator[Clue]:
    text = line.text
    if uv and "==" in text and (matched := _UV.match(text)):
        version, gone = matched["version"], matched["sign"] == "-"
        yield _change("uv", matched["name"], version if gone else "", "" if gone else version, line)
    elif not any(map(text.__contains__, _VERBS)) or text.rstrip().endswith(("Failed", "Already installed")):
        return
    elif matched := _POETRY.match(text):
        yield _versions("poetry", matched, matched["verb"] == "Removing", line)
    elif matched := _PDM.match(text):
        yield _versions("pdm", matched, matched["verb"] == "Remove", line)
    else:
        if matched := _OLD.search(text):
            yield _change("pip", matched["found"] or matched["gone"], matched["version"] or matched["old"], "", line)
        if matched := _NEW.search(text):
            for word in matched["list"].split()[:KEPT]:
                if pair := _PAIR.match(word):
                    yield _change("pip", pair["name"], "", pair["version"], line)


def _versions(manager: str, matched: re.Match[str], removed: bool, line: Line) -> Clue:
    before, after = (matched["before"], matched["after"]) if matched["after"] else ("", matched["before"])
    return _change(manager, matched["name"], after if removed else before, "" if removed else after, line)


def _change(manager: str, name: str, before: str, after: str, line: Line) -> Clue:
    return Clue("change", Change(manager, normal(name), before, after, "", line.number), FORM, line.number)


def _others(line: Line) -> Iterator[Clue]:
    text = line.text
    if "Requirement already" in text and (matched := _SATISFIED.search(text)):
        name = normal(matched["name"])
        yield Clue("satisfied", Satisfied(name, matched["asked"], matched["version"], line.number), FORM, line.number)
    elif "Looking in" in text and (matched := _LOOKING.search(text)):
        for place, url in enumerate(matched["urls"].split(", ")[:10]):
            kind = "links" if matched["kind"] == "links" else "extra" if place else "index"
            yield Clue("looked-in", Index(without_secrets(url.strip()), kind, "pip"), FORM, line.number)
    elif "which is incompatible" in text and (matched := _CLASH.search(text)):
        clash = Clash(
            normal(matched["package"]), matched["version"], matched["requires"].rstrip(","), matched["other"], matched["have"]
        )
        yield Clue("clash", clash, FORM, line.number)
    elif "__" in text and (matched := re.search(r"\b(?P<name>__(?:cuda|glibc|archspec))[= ](?P<version>[\w.]{1,20})", text)):
        yield Clue("virtual", (matched["name"], matched["version"]), FORM, line.number)


def facts(clues: Clues) -> dict[str, Fact[Any]]:
    """The transcript; empty where no installer spoke."""
    told = tuple(clues.of("change", "satisfied", "request", "looked-in", "clash", "virtual"))
    if not told:
        return {}
    by: dict[str, list[Any]] = {}
    for clue in sorted(told, key=lambda clue: clue.line):
        by.setdefault(clue.about, []).append(clue.value)
    indexes = tuple(dict.fromkeys(by.get("looked-in", ())))
    requests = tuple(by.get("request", ()))[:KEPT]
    value = Transcript(
        joined(by.get("change", [])),
        tuple(by.get("satisfied", ()))[:KEPT],
        requests,
        indexes,
        tuple(by.get("clash", ()))[:KEPT],
        tuple(dict.fromkeys(by.get("virtual", ()))),
    )
    source = min(told, key=lambda clue: clue.line).source
    found: dict[str, Fact[Any]] = {"transcript": Known(value, source)}
    manager = next((m for m in map(_manager, reversed(told)) if m), "")
    if manager:
        found["environment"] = Known(Environment(pythons.kind(clues), manager, "pasted text"), source)
    named = tuple(dict.fromkeys([*indexes, *(index for request in requests for index in request.indexes)]))
    if named:
        found["indexes"] = Known(Indexes(named), source)
    return found


def _manager(clue: Clue) -> str:
    """The manager of a project that a change or a command shows; pip and conda are told by the packages."""
    manager = getattr(clue.value, "manager", "")
    if manager == "uv":
        return "uv-project" if getattr(clue.value, "verb", "") in {"sync", "add", "lock", "run"} else ""
    return manager if manager in {"poetry", "pdm"} else "uv" if manager == "uv pip" else ""


def joined(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Changes with their two halves put together: what was taken away, then what came in its place."""
    found: list[Change] = []
    waiting: dict[tuple[str, str], str] = {}
    for change in changes:
        key = (change.manager, change.package)
        if change.before and not change.after:
            waiting[key] = change.before
            continue
        if change.after and not change.before and key in waiting:
            found.append(replace(change, before=waiting.pop(key)))
        else:
            found.append(change)
    return tuple(found + [Change(manager, package, version, "") for (manager, package), version in waiting.items()])[:KEPT]

"""What an answer is made of: no pasted text in a command unchecked, and no signature or group asked for that does not exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import torchsmith.rules
from torchsmith.app.answers import TOLD
from torchsmith.knowledge import load_signatures
from torchsmith.model import action as actions
from torchsmith.model.complaint import Complaint, Seen
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Package, Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Known
from torchsmith.model.position import Position

ENTRIES = {entry.id: entry for entry in load_signatures.entries()}
GROUPS = {name: set(re.compile(entry.pattern).groupindex) for name, entry in ENTRIES.items()}
ALL = tuple(ENTRIES)
MARK = "pwned"
HOSTILE = (
    f"$({MARK})",
    f"; {MARK}",
    f"--index-url={MARK}",
    f"-r/etc/{MARK}",
    f"../{MARK}",
    f"`{MARK}`",
    f'" & {MARK}',
    f"{MARK}\n",
)
INSTALLED = f"nvidia-{MARK}-cu12"
"""An installed package as a list of packages names it, in letters that mean nothing to a shell: it may be uninstalled."""
NAME = f"{MARK}-1.0"
"""A name that any pattern of names lets pass: whose it is, no pattern can tell."""


def _group(pattern: str, name: str) -> str:
    """The part of a pattern that a named group is made of."""
    start = place = pattern.index(f"(?P<{name}>") + len(f"(?P<{name}>")
    depth, inside = 1, False
    while depth:
        letter = pattern[place]
        if letter == "\\":
            place += 1
        elif inside:
            inside = letter != "]" or pattern[place - 1] == "["
        elif letter == "[":
            inside = True
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        place += 1
    return pattern[start : place - 1]


def _flags(pattern: str) -> str:
    return "(?i)" if pattern.startswith("(?i)") else ""


PARTS = {
    (name, group): re.compile(_flags(entry.pattern) + _group(entry.pattern, group))
    for name, entry in ENTRIES.items()
    for group in GROUPS[name]
}


@cache
def _usual(name: str) -> dict[str, str]:
    """What the groups catch in the examples."""
    found: dict[str, str] = {}
    for example in ENTRIES[name].examples:
        for line in example.splitlines():
            matched = re.search(ENTRIES[name].pattern, line)
            found |= {key: value for key, value in (matched.groupdict() if matched else {}).items() if value}
    return found


@cache
def _captured(name: str, said: str) -> dict[str, str]:
    """Every group with this text, where its pattern lets it pass; else with what it catches in an example."""
    given = {group: said for group in GROUPS[name] if PARTS[name, group].fullmatch(said)}
    return {**_usual(name), **given}


@cache
def _seen(said: str, *, ids: tuple[str, ...], system: str) -> Seen:
    """Complaints of these signatures that caught this wherever they can, beside packages and a torch that say it too."""
    complaints = tuple(
        Complaint(name, ENTRIES[name].role, "", said, Position(number, 1), _captured(name, said))
        for number, name in enumerate(ids, 1)
    )
    packages = (Package(MARK, "1.0", ""), Package(INSTALLED, "1.0", ""), Package("numpy", f"1.0+{MARK}", ""))
    facts = {
        "machine": Known(Machine(system, "x86_64", distro="ubuntu" if system == "linux" else ""), "text"),
        "torch": Known(Torch(f"/{MARK}", f"2.5.1+{MARK}", "cuda", MARK, "12.4"), "text"),
        "packages": Known(Packages(packages), "text"),
    }
    return Seen(complaints, facts)


def _words(slug: str, seen: Seen) -> Iterator[str]:
    """Every word that the answer puts into a command or an action."""
    advice = import_module(TOLD[slug]).answer(seen)
    for remedy in advice.remedies:
        for command in remedy.commands:
            yield from command
        for action in remedy.actions:
            yield from _strings([getattr(action, name) for name in type(action).__annotations__])
    for command in advice.decide_by:
        yield from command


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


@pytest.mark.parametrize("slug", sorted(TOLD))
@pytest.mark.parametrize("system", ["linux", "windows"])
def test_no_pasted_text_reaches_a_command(slug: str, system: str) -> None:
    """Each signature alone, since answers ask for one after another; all together, since some ask for two."""
    asked = tuple(name for name in _asked_ids(slug) if name in ENTRIES)
    for said in HOSTILE:
        for ids in (*((name,) for name in asked), ALL):
            for word in _words(slug, _seen(said, ids=ids, system=system)):
                assert MARK not in word or word == INSTALLED, (ids if len(ids) == 1 else "all signatures", said, word)


@pytest.mark.parametrize("slug", sorted(TOLD))
def test_no_pasted_name_is_installed(slug: str) -> None:
    """A module or package of which only the text speaks may be anybody's: its name is not given to an installer."""
    for ids in (*((name,) for name in _asked_ids(slug) if name in ENTRIES), ALL):
        seen = _seen(NAME, ids=ids, system="linux")
        for remedy in import_module(TOLD[slug]).answer(seen).remedies:
            wanted = [word for action in remedy.actions if isinstance(action, actions.Install) for word in action.requirements]
            wanted += [word for command in remedy.commands if "install" in command for word in command]
            assert not [word for word in wanted if word.startswith(MARK)], ids[:1]


# ---- what rules ask for exists

FILES = sorted(Path(torchsmith.rules.__file__).parent.rglob("*.py"))


def _calls(file: Path) -> Iterator[tuple[str, list[ast.expr]]]:
    """The questions that a file asks about complaints: ``seen.has(...)``, ``told.of(seen, ...)``, ``seen.captured(...)``."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
        owner = node.func.value.id if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) else ""
        if name in {"has", "first", "captured"} and owner == "seen":
            yield name, node.args
        elif name == "of" and owner in {"told", "told_of"}:
            yield name, node.args[1:]


def _texts(nodes: list[ast.expr]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


@cache
def _asked_ids(slug: str) -> list[str]:
    """The signatures that stand as texts in the file of an answer: in calls, tables and constants."""
    file = Path(str(import_module(TOLD[slug]).__file__))
    found = [node.value for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Constant)]
    return list(dict.fromkeys(text for text in found if isinstance(text, str) and text in ENTRIES))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_what_is_asked_for_exists(file: Path) -> None:
    for kind, nodes in _calls(file):
        texts = _texts(nodes)
        if kind != "captured":
            assert set(texts) <= set(ENTRIES), kind
            continue
        starred = len(_texts(nodes[1:])) != len(nodes[1:])
        group, ids = (texts[0], texts[1:]) if _texts(nodes[:1]) else ("", texts)
        assert set(ids) <= set(ENTRIES)
        if group and ids and not starred:
            lacks = [name for name in ids if group not in GROUPS[name]]
            assert not lacks, f"no group {group}"
        elif group and not starred:
            assert any(group in groups for groups in GROUPS.values()), group

"""What a project's change is, case by case: each file of `changes` is a question and a project, of `expected` the answer.

`TORCHSMITH_WRITE_EXPECTED=1` writes the answers anew; read the difference before you keep it.
"""

import copy
import json
import os
import random
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.managers.projects import PYTHON, option

from torchsmith.managers import transactions
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits import base, toml
from torchsmith.model.choice import Place
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages
from torchsmith.model.transaction import Transaction

HERE = Path(__file__).parent
CASES = sorted(path.stem for path in (HERE / "changes").glob("*.txt"))
ROOT = "/home/me/demo"


def asked(name: str) -> tuple[dict[str, str], dict[str, str]]:
    """The question's words, and the files of the project."""
    head, *parts = (HERE / "changes" / f"{name}.txt").read_text().split("=== ")
    words = dict(line.split(": ", 1) for line in head.splitlines() if line)
    return words, {f"{ROOT}/{file}": text for file, _, text in (part.partition("\n") for part in parts)}


def made(name: str, other: dict[str, str] | None = None) -> tuple[Transaction, dict[str, str]]:
    words, files = asked(name)
    files = other or files
    manager = words["manager"]
    folder = f"{ROOT}/{words.get('folder', '')}".rstrip("/")
    listed = [word.split(" ") for word in words.get("installed", "").split(", ") if word]
    packages = Packages(tuple(Package(package, version, "") for package, version in listed))
    prefix = f"{ROOT}/.venv"
    fresh = "fresh" in words
    place = Place(
        "linux",
        "bash",
        None if fresh else Environment("venv", words.get("environment", manager), project=folder),
        None if fresh else Interpreter(f"{prefix}/bin/python", PYTHON, prefix, "/usr", 64, "x86_64", "linux", "venv", (), ()),
        PastedProject(manager=manager, folder=folder, files=("pyproject.toml",)),
        fresh=fresh,
        torch=packages.version("torch") or "",
        packages=packages if listed else None,
        broken="broken" in words,
        goal=words.get("goal", ""),
        tools=tuple((tool, version) for tool, version in [words["tools"].split(" ")]) if "tools" in words else (),
    )
    wanted = option(manager, words["build"], words.get("index"), vision="vision" in words)
    known: dict[str, str] = {}
    while new := [path for path in transactions.wanted(wanted, place, known) if path in files and path not in known]:
        known |= {path: files[path] for path in new}
    return transactions.made(wanted, place, known), known


def told(transaction: Transaction, files: dict[str, str]) -> str:
    """The answer as a person can read it."""
    place = transaction.environment
    lines = [f"== {transaction.title}"]
    if place is not None:
        lines += [f"environment: {place.prefix}", *([f"made by: {' '.join(place.create)}"] if place.create else [])]
    for edit in transaction.edits:
        assert edit.text is not None
        assert edit.before == transactions.digest(files[edit.path])
        lines.append(base.difference(files[edit.path], edit.text, edit.path.removeprefix(f"{ROOT}/")))
    for run in transaction.runs:
        lines += [f"-- {run.why}", *(f"   {name}={value}" for name, value in run.variables), f"   $ {' '.join(run.argv)}"]
        for name, text in run.given:
            now = (
                next((edit.text for edit in transaction.edits if edit.path.endswith(name)), None) or files[f"{run.folder}/{name}"]
            )
            given = base.difference(now, text, name).splitlines()[2:]
            lines += [f"   with {line}" for line in given if line[0] in "+-"]
        if run.folder:
            lines.append(f"   in {run.folder}" + (f", writes {', '.join(run.writes)}" if run.writes else ""))
    wanted = transaction.expected
    lines.append(f"expected: {wanted.torch}; {', '.join('=='.join(each) for each in wanted.packages)}")
    lines += [f"by hand: {' '.join(each.argv)}  # {each.why}" for each in transaction.shown]
    return "\n".join(
        (*lines, *(f"note: {note}" for note in transaction.notes), *(f"index: {each}" for each in transaction.indexes))
    )


@pytest.mark.parametrize("name", CASES)
def test_the_change_is_as_expected(name: str) -> None:
    try:
        answer = told(*made(name)) + "\n"
    except CannotDo as why:
        answer = f"cannot: {why}\n"
    file = HERE / "expected" / f"change-{name}.txt"
    if os.environ.get("TORCHSMITH_WRITE_EXPECTED"):
        file.write_text(answer)
    assert answer == file.read_text()


@pytest.mark.parametrize("name", CASES)
def test_what_was_changed_needs_no_second_change(name: str) -> None:
    try:
        transaction, files = made(name)
    except CannotDo:
        return
    words, _ = asked(name)
    for edit in transaction.edits:
        assert edit.text is not None
        toml.read(edit.text)
    if words.get("goal") == "update-others":
        assert not transaction.edits
        return
    after = {**files, **{edit.path: edit.text for edit in transaction.edits if edit.text is not None}}
    manager = words["manager"]
    wanted = option(manager, words["build"], words.get("index"), vision="vision" in words)
    folder = f"{ROOT}/{words.get('folder', '')}".rstrip("/")
    place = Place("linux", "bash", None, None, PastedProject(folder=folder), fresh=True, here=folder)
    if manager == "cpu":
        return
    assert transactions.made(wanted, place, after).edits == ()


SAMPLED = int(os.environ.get("TORCHSMITH_ODD", "8"))
"""Values that are tried of each case."""
ODD: tuple[object, ...] = (
    True,
    5,
    "torch",
    [],
    {},
    [[]],
    [{}],
    ["torch", 5],
    {"torch": 5},
    {"torch": [5]},
    {"torch": {"index": 5, "source": 5}},
    [{"name": 5}],
)


def places_in(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*found, *(each for key, one in pairs for each in places_in(one, (*path, key)))]


@pytest.mark.parametrize("name", [name for name in CASES if "toml" not in name and "two-tables" not in name])
def test_odd_values_are_refused_or_borne(name: str) -> None:
    """Each value of pyproject.toml in turn is something else: a refusal or a change, and no fault."""
    words, files = asked(name)
    path = f"{ROOT}/{words.get('folder', '')}".rstrip("/") + "/pyproject.toml"
    data = tomllib.loads(files[path])
    every = [(where, odd) for where in places_in(data) for odd in ODD]
    for where, odd in random.Random(name).sample(every, min(len(every), SAMPLED)):
        changed = copy.deepcopy(data)
        holder: Any = changed
        for key in where[:-1]:
            holder = holder[key]
        holder[where[-1]] = odd
        text = "".join(f"{key} = {written(value)}\n" for key, value in changed.items())
        try:
            transaction, _ = made(name, {**files, path: text})
        except CannotDo:
            continue
        for edit in transaction.edits:
            assert edit.text is not None
            tomllib.loads(edit.text)


def written(value: object) -> str:
    """A value as TOML, tables in line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {written(one)}' for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)

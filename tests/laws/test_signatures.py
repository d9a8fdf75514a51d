"""Every signature is its own test: its examples match, its counter-examples do not, and no line makes it slow."""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import Any

import pytest

from torchsmith.app.answers import READINGS, TOLD
from torchsmith.app.catalogue import RULES
from torchsmith.app.pages import page
from torchsmith.intake import signatures as intake
from torchsmith.intake import text
from torchsmith.knowledge import causes, load_signatures, signatures
from torchsmith.knowledge.load_signatures import codes, parser

ENTRIES = load_signatures.entries()
EACH = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
OUTSIDE_RE2 = {
    codes.ASSERT,
    codes.ASSERT_NOT,
    codes.GROUPREF,
    codes.GROUPREF_EXISTS,
    codes.ATOMIC_GROUP,
    codes.POSSESSIVE_REPEAT,
}
RE2_REPEAT = 1000
LINE = 16 * 1024
BOUND = 0.5  # seconds for one signature on one adversarial line of 16 KiB, on a busy machine


@EACH
def test_examples(entry: load_signatures.Entry) -> None:
    for example in entry.examples:
        complaints = intake.read(text.lines(example))
        assert entry.id in {complaint.signature for complaint in complaints}, example
    for counter in entry.counter_examples:
        complaints = intake.read(text.lines(counter))
        assert entry.id not in {complaint.signature for complaint in complaints}, counter


@EACH
def test_a_required_literal_is_known(entry: load_signatures.Entry) -> None:
    literals = load_signatures.literals(entry.pattern)
    assert literals, "give the pattern a fixed text that every match contains"
    for example in entry.examples:
        assert any(literal in example.lower() for literal in literals), example


@EACH
def test_it_keeps_to_re2(entry: load_signatures.Entry) -> None:
    assert not set(_codes(parser.parse(entry.pattern))) & OUTSIDE_RE2
    for repeat in re.findall(r"(?<!\\)\{(\d*),?(\d*)\}", entry.pattern):
        assert all(int(number) <= RE2_REPEAT for number in repeat if number)
    re2 = pytest.importorskip("re2")
    re2.compile(entry.pattern)


def _codes(tree: Any) -> list[Any]:
    found = []
    for code, value in tree:
        found.append(code)
        for part in _trees(value):
            found += _codes(part)
    return found


def _trees(value: Any) -> list[Any]:
    if isinstance(value, parser.SubPattern):
        return [value]
    if isinstance(value, tuple | list):
        return [tree for item in value for tree in _trees(item)]
    return []


@EACH
def test_no_line_makes_it_slow(entry: load_signatures.Entry) -> None:
    pattern = re.compile(entry.pattern)
    for line in _adversarial(entry):
        # A pattern that explodes does so every time; a machine that stalls does not stall four times.
        assert any(_seconds(pattern, line) < BOUND for _ in range(4)), line[:80]


def _seconds(pattern: re.Pattern[str], line: str) -> float:
    start = time.process_time()
    pattern.search(line)
    return time.process_time() - start


def _adversarial(entry: load_signatures.Entry) -> list[str]:
    """Lines of 16 KiB that begin a match again and again and never end it."""
    lines = ["a" * LINE, " " * LINE, "/" * LINE, "0" * LINE, "'" * LINE]
    for example in entry.examples:
        for part in (example, example[: len(example) // 2], example[:-1], example[-20:]):
            piece = part.replace("\n", " ") or "x"
            lines.append((piece * (LINE // len(piece) + 1))[:LINE])
            lines.append((piece + "a" * LINE)[:LINE])
            lines.append((piece[: len(piece) // 3] + " " * LINE)[:LINE])
    return lines


def test_ids_are_unique() -> None:
    assert not [name for name, count in Counter(entry.id for entry in ENTRIES).items() if count > 1]


@EACH
def test_it_points_at_what_exists(entry: load_signatures.Entry) -> None:
    ids = {other.id for other in ENTRIES}
    assert {cause for cause, *_ in entry.points} <= set(causes.slugs())
    assert all(0 < sure < 1 for _, sure, *_ in entry.points)
    words = {word for *_, beside, without in entry.points for word in (*beside, *without)}
    assert {word for word in words if ":" not in word} <= ids
    assert {word.partition(":")[0] for word in words if ":" in word} <= {"os", "package", "fact"}
    assert set(entry.over) <= ids
    assert entry.role == "context" or entry.points or entry.id in READINGS, "a complaint points at a cause"


def test_readings_read_what_exists() -> None:
    assert set(READINGS) <= {entry.id for entry in ENTRIES}


@pytest.mark.parametrize("slug", causes.slugs())
def test_every_cause_can_be_told_and_answered(slug: str) -> None:
    pointed = {point.cause for signature in signatures.every() for point in signature.points}
    assert slug in pointed | {rule.slug for rule in RULES} or _read(slug)
    assert slug in TOLD, "no rule's file has a `told` answer for it"
    assert page(slug).startswith("# ")


def _read(slug: str) -> bool:
    """Whether a reading names the cause."""
    from importlib import import_module
    from inspect import getsource

    return any(f'"{slug}"' in getsource(import_module(module)) for module, _ in READINGS.values())

"""Cases of our own, one JSON object a line: what is pasted, and the cause that must come first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tools.score_cases import score

from torchsmith.knowledge import causes

HERE = Path(__file__).parent / "cases"
CASES = [json.loads(line) for file in sorted(HERE.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines() if line]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_cause_comes_first(case: dict[str, Any]) -> None:
    given = score(case)
    if case["probe"] == "yes" and not case["negative"]:
        assert given.humble, given.causes
    else:
        assert given.strict, given.causes
    assert not (case["negative"] and given.false_alarm), given.verdict


def test_every_cause_has_a_case() -> None:
    assert set(causes.slugs()) - {case["cause"] for case in CASES} == set()


def test_ids_are_unique() -> None:
    assert len({case["id"] for case in CASES}) == len(CASES)

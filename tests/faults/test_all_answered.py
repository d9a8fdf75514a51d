"""Each of the 41 faults has its tests, and they exist."""

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAULTS = tomllib.loads((Path(__file__).parent / "faults.toml").read_text(encoding="utf-8"))
GROUPS = {"F": 10, "C": 5, "E": 6, "T": 5, "S": 5, "W": 1, "N": 1, "R": 4, "I": 2, "P": 2}


@cache
def names(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))


def test_none_is_missing() -> None:
    assert set(FAULTS) == {f"{group}{number:02}" for group, count in GROUPS.items() for number in range(1, count + 1)}
    assert len(FAULTS) == 41


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_answered(fault: str) -> None:
    answer = FAULTS[fault]
    assert answer["fault"]
    assert answer["tests"] or answer["reason"]
    for test in answer["tests"]:
        file, _, name = test.partition("::")
        assert name in names(file), test

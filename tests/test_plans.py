"""The table of machines and goals with the right answer and its reason: ``tests/plans/*.toml``, asked in this process.

``python -m tools.ask_plans --misses`` asks the same, or any other file of questions, and prints the score.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tools import ask_plans

from torchsmith.model import pep440

QUESTIONS = ask_plans.load(Path(__file__).parent / "plans")
LEAST = 150

# Asked once more through the command line, project and all: one of each kind of answer.
ASKED = (
    "RTX 5070 Ti with driver 581.57 on Windows with Python 3.13",
    "RTX 5090 beside a GTX 1080 Ti on Linux",
    "RTX 5090 under driver 470",
    "whisperx 3.4.2 beside an RTX 3060",
    "a Poetry project on cu128 to be moved to cu129",
    "a GPU that nobody knows",
)


@pytest.mark.parametrize(
    ("family", "question"), QUESTIONS, ids=[f"{family}: {question['name']}" for family, question in QUESTIONS]
)
def test_the_answer_is_the_right_one(family: str, question: ask_plans.Question) -> None:
    wrong = ask_plans.faults(question)
    assert not wrong, f"{family}: {question['name']}\nright because {question['because']}\n" + "\n".join(wrong)


def test_there_are_enough_questions_each_with_its_reason_and_source() -> None:
    assert len(QUESTIONS) >= LEAST
    names = Counter(question["name"] for _, question in QUESTIONS)
    assert not [name for name, number in names.items() if number > 1]
    for _, question in QUESTIONS:
        assert question["because"]
        assert question["source"]
        assert set(question) & ask_plans.EXPECTED, question["name"]


@pytest.mark.parametrize("name", ASKED)
def test_the_command_line_answers_the_same(name: str, tmp_path: Path) -> None:
    question = next(question for _, question in QUESTIONS if question["name"] == name)
    for file, text in question.get("project", {}).items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    place = ["--assume", f"project={tmp_path}"] if "project" in question else []
    command = [sys.executable, "-m", "torchsmith", "plan", "--json", *ask_plans.arguments(question), *place]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if "error" in question:
        assert (told.returncode, told.stdout) == (2, "")
        assert "Traceback" not in told.stderr
        return
    assert told.returncode == (0 if question["satisfied"] else 1), told.stderr
    document = json.loads(told.stdout)
    assert document["satisfied"] is question["satisfied"]
    right = question.get("first", {})
    if right:
        first = document["options"][0]
        assert pep440.allows(right.get("torch", ""), first["torch"]) if "torch" in right else True
        for key in ("approach", "build", "python"):
            assert key not in right or first[key] in right[key]


def test_a_wrong_answer_is_found() -> None:
    """The judge itself: a right answer passes, and each kind of wrong one is told."""
    question = {
        "name": "x",
        "assume": ["gpu=RTX 5090", "driver=580.95.05", "os=linux", "python=3.12"],
        "because": "-",
        "source": "-",
    }
    assert ask_plans.faults({**question, "satisfied": True, "first": {"build": ["cu130", "cu132"]}}) == []
    wrong = {
        "satisfied": False,
        "first": {"build": "cu118", "torch": "<2"},
        "offered": ["cu126"],
        "never": ["cu128"],
        "rejected": {"cu126": "python"},
        "why_not": {"cu126": "python", "cu130": "rejected"},
        "remark": "no plan says this",
        "risk": "no plan says this",
        "command": "no plan says this",
        "packages": {"torch": "==1.0"},
    }
    for key, value in wrong.items():
        assert ask_plans.faults({**question, key: value}), key
    assert ask_plans.faults({**question, "error": "nobody refuses this"})
    assert ask_plans.faults({**question, "assume": ["gpu=no such GPU"], "satisfied": True})

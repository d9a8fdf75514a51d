"""What README states of the project is counted, not remembered."""

from __future__ import annotations

import io
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests import machines
from torchsmith import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_machines_are_counted_apart() -> None:
    of = machines.counts()
    assert f"Machines in the suite: {', '.join(f'{of[origin]} {origin}' for origin in machines.ORIGINS)}." in README


def test_every_verb_in_it_exists() -> None:
    named = set(re.findall(r"^torchsmith ([a-z-]+)", README, re.MULTILINE))
    assert named == set(cli.VERBS)


def test_its_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    broken = [
        (page.name, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_its_explanation_is_what_explain_prints(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(
        r"^\$ torchsmith explain <<'END'\n(?P<text>.*?)^END\n(?P<answer>.*?)^```$", README, re.MULTILINE | re.DOTALL
    )
    assert found
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(found["text"].encode())))
    assert cli.run(["explain"]) == 1
    answer = capsys.readouterr().out
    for part in found["answer"].split("...\n"):
        assert part in answer


def test_its_plan_is_what_plan_prints(capsys: pytest.CaptureFixture[str]) -> None:
    found = re.search(r"^\$ torchsmith (?P<command>plan .*?)\n(?P<answer>.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found
    assert cli.run(shlex.split(found["command"])) == 0
    answer = capsys.readouterr().out
    for part in found["answer"].split("...\n"):
        assert part in answer

"""What README states of the project is counted, not remembered."""

from __future__ import annotations

import re
from pathlib import Path

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

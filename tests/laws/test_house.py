"""The laws of the house: who imports whom, who touches the outside, what every rule and verb must say."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from torchsmith import cli
from torchsmith.app.catalogue import DETAILS, NODES, RULES
from torchsmith.app.pages import page
from torchsmith.app.ranking import ORDER
from torchsmith.engine.declare import RuleNode
from torchsmith.knowledge import causes
from torchsmith.report import machine

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "torchsmith"
HEADINGS = ["What it means", "How it is told", "What to do", "What not to do", "Sources"]
TOOLS = {
    "imports": ["lint-imports"],
    "style": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy"],
}
COMPILERS = ["compile_catalogue.py", "compile_knowledge.py"]


@pytest.mark.parametrize("tool", TOOLS)
def test_tool(tool: str) -> None:
    program, *arguments = TOOLS[tool]
    ran = subprocess.run(
        [Path(sys.executable).parent / program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-6000:]


@pytest.mark.parametrize("script", COMPILERS)
def test_compiled_form_equals_its_source(script: str) -> None:
    ran = subprocess.run([sys.executable, ROOT / "tools" / script, "--check"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def python_files() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if "compiled" not in path.parts)


@pytest.mark.parametrize(
    "path", [p for p in python_files() if not {"host", "act"} & set(p.parts) and p.name not in {"cli.py", "__main__.py"}]
)
def test_only_the_door_opens_files(path: Path) -> None:
    called = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "exec", "eval", "__import__"}, path


@pytest.mark.parametrize("path", python_files())
def test_a_module_fits_in_a_head(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.slug)
def test_a_rule_is_its_own_page(rule: RuleNode) -> None:
    slug, module = rule.slug, rule.module
    text = page(slug)
    assert re.match(r"# \S", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert module.rpartition(".")[2] == slug.replace("-", "_"), "a rule's file bears its slug"
    assert all(len(section.strip()) > 20 for section in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:-1])


def test_every_rule_establishes_a_cause_of_the_taxonomy() -> None:
    assert {rule.slug for rule in RULES} <= set(causes.slugs())


def test_what_a_rule_explains_exists() -> None:
    assert {slug for rule in RULES for slug in rule.explains} <= set(causes.slugs())


def test_every_rule_has_its_place_in_the_ranking() -> None:
    assert not {rule.slug for rule in RULES} - set(ORDER)
    assert len(ORDER) == len(set(ORDER))


def test_no_fact_is_collected_for_nothing() -> None:
    shown = {"environment", "machine", "torch", "gpus", "driver", "interpreter", "target"}
    used = {need.fact for node in NODES for need in node.needs} | {need.fact for rule in RULES for need in rule.needs} | shown
    assert {node.fact for node in NODES} <= used
    assert {node.fact for node in DETAILS} <= machine.SHOWN


def test_nothing_needs_a_detail() -> None:
    details = {node.fact for node in DETAILS}
    needed = {need.fact for node in (*NODES, *DETAILS) for need in node.needs} | {
        need.fact for rule in RULES for need in rule.needs
    }
    assert not details & needed


def test_every_verb_is_documented() -> None:
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text()
    assert all(f"## `torchsmith {verb}" in reference for verb in cli.VERBS)


def test_no_registry_host_is_named() -> None:
    hosts = re.compile(r"pypi[.]org|pythonhoste[d][.]org|npmj[s][.]org|deb[.]debian[.]org")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    texts = [ROOT / name for name in listed if (ROOT / name).is_file() and not name.endswith((".png", ".bin", ".gz"))]
    assert not [path for path in texts if hosts.search(path.read_text(errors="replace"))]

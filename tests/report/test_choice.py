"""What a person reads of a decision, and what programs read: whole reports, columns, hostile text."""

from __future__ import annotations

import json
import os
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.report import made_up, made_up_choice

from torchsmith import __version__
from torchsmith.report import choice_json, choice_markdown, choice_text, choice_words

if TYPE_CHECKING:
    from torchsmith.model.choice import Choice

EXPECTED = Path(__file__).parent / "expected_choices"
WRITE = "TORCHSMITH_WRITE_EXPECTED"
SCHEMAS = resources.files("torchsmith.report").joinpath("schema")
PLAN = json.loads(SCHEMAS.joinpath("plan-1.schema.json").read_text())
WHY_NOT = json.loads(SCHEMAS.joinpath("why-not-1.schema.json").read_text())


def told(choice: Choice, **options: Any) -> str:
    return choice_text.render(choice, made_up.diagnosis(), **options)


REPORTS: dict[str, Any] = {
    "plan.txt": lambda: told(made_up_choice.choice()),
    "plan-narrow.txt": lambda: told(made_up_choice.choice(), width=40),
    "plan-colour.txt": lambda: told(made_up_choice.choice(), colour=True),
    "plan-verbose.txt": lambda: told(made_up_choice.choice(), verbose=True),
    "plan-all.txt": lambda: told(made_up_choice.choice(), every=True),
    "plan-nothing-to-change.txt": lambda: told(made_up_choice.choice(nothing=True)),
    "plan-nothing-fits.txt": lambda: told(made_up_choice.choice(satisfied=False)),
    "plan.md": lambda: choice_markdown.render(made_up_choice.choice(), made_up.diagnosis()),
    "why-not-rejected.txt": lambda: choice_text.render_answer(made_up_choice.answer()),
    "why-not-offered.txt": lambda: choice_text.render_answer(made_up_choice.answer(verdict="offered")),
}


@pytest.mark.parametrize("name", REPORTS)
def test_whole_reports(name: str) -> None:
    report = REPORTS[name]().replace(f"torchsmith {__version__}", "torchsmith VERSION")
    path = EXPECTED / name
    if os.environ.get(WRITE):
        path.write_text(report)
    assert report == path.read_text(), f"if the new report is the better one: {WRITE}=1 pytest {Path(__file__).name}"


def test_no_report_is_left_over() -> None:
    assert {path.name for path in EXPECTED.iterdir()} == set(REPORTS)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_lines_are_as_wide_as_the_terminal_where_words_allow(width: int) -> None:
    for line in told(made_up_choice.choice(), width=width, verbose=True).splitlines():
        fixed = line.startswith(("  python", "  --", "  torchsmith", " ")) and not line.startswith("  Weights")
        assert len(line) <= width or fixed, line


def test_the_table_fits_80_columns_also_with_the_longest_names() -> None:
    for line in told(made_up_choice.choice()).splitlines():
        assert len(line) <= 80 or line.startswith("  python"), line


def test_colours_are_all_that_colour_adds() -> None:
    plain, coloured = (told(made_up_choice.choice(), colour=colour, verbose=True) for colour in (False, True))
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[\d;]+m", "", coloured) == plain


def test_rejections_are_folded_by_what_is_said_without_what_is_offered() -> None:
    lines = choice_words.rejections(made_up_choice.choice())
    assert [who for who, _ in lines] == ["cu132, cu124", "dll-copy", "rocm6.2 (2.6.0)"]
    assert choice_words.to_ask(made_up_choice.choice()) == "cu132"


@pytest.mark.parametrize(
    ("worth", "sign"), [(1.0, "++"), (0.9, "++"), (0.89, "+"), (0.7, "+"), (0.5, "o"), (0.3, "-"), (0.0, "--")]
)
def test_marks_read_without_colour(worth: float, sign: str) -> None:
    assert choice_words.mark(worth) == sign


def test_the_document_keeps_the_contract() -> None:
    for choice in (made_up_choice.choice(), made_up_choice.choice(nothing=True), made_up_choice.choice(satisfied=False)):
        document = choice_json.document(choice)
        jsonschema.validate(document, PLAN)
        assert document["options"][0]["packages"][1] == {"name": "numpy", "version": "2.3.4", "index": None}
    for verdict in ("rejected", "offered", "unknown-candidate"):
        jsonschema.validate(json.loads(choice_json.render_answer(made_up_choice.answer(verdict=verdict))), WHY_NOT)


def test_the_id_of_a_plan_is_that_of_its_content() -> None:
    first, again = (choice_json.document(made_up_choice.choice()) for _ in range(2))
    other = choice_json.document(made_up_choice.choice(nothing=True))
    assert first == again
    assert first["plan_id"] != other["plan_id"]


HOSTILE = st.text(
    st.sampled_from("\x00\x07\x1b\x7f\x85\x9b\r\n\t\u200b\u202e\u2028\ufeff\udcff ]0;[31m`<>@#|") | st.characters(), max_size=30
)


@settings(max_examples=40, deadline=None)
@given(HOSTILE)
def test_outside_text_never_reaches_the_terminal_raw(words: str) -> None:
    for choice in (made_up_choice.choice(words), made_up_choice.choice(words, satisfied=False)):
        for every in (False, True):
            report = choice_text.render(choice, made_up.diagnosis(words), 80, verbose=True, every=every)
            assert report.replace("\n", "").isprintable()
        assert choice_markdown.render(choice, made_up.diagnosis(words)).replace("\n", "").isprintable()
        assert choice_json.render(choice).isascii()
    for verdict in ("rejected", "offered"):
        assert choice_text.render_answer(made_up_choice.answer(words, verdict)).replace("\n", "").isprintable()


def test_nothing_of_outside_lives_in_markdown() -> None:
    page = choice_markdown.render(made_up_choice.choice(" @octocat <script>x</script> #12"), made_up.diagnosis())
    for fence in re.findall(r"`+[^`]+`+", page):
        page = page.replace(fence, "")
    assert "@octocat" not in page
    assert "<script" not in page
    assert "#12" not in page

"""``torchsmith rule``: every cause has one page, wherever it is written."""

from __future__ import annotations

import re

import pytest

from torchsmith.app.answers import TOLD
from torchsmith.app.catalogue import RULES
from torchsmith.app.pages import listing, page

HEADINGS = ["What it means", "How it is told", "What to do", "What not to do", "Sources"]


@pytest.mark.parametrize("slug", sorted(TOLD))
def test_a_cause_that_only_a_text_tells_of_has_its_page(slug: str) -> None:
    text = page(slug)
    assert re.match(r"# \S", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS


def test_the_list_names_every_page_once() -> None:
    lines = [line.split(maxsplit=1) for line in listing().splitlines()]
    assert len(lines) == len({slug for slug, _ in lines})
    assert {slug for slug, _ in lines} == {*TOLD, *(node.slug for node in RULES)}
    assert all(title.strip() for _, title in lines)

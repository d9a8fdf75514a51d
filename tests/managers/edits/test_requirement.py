"""A requirement in its parts, held against what `packaging` reads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from torchsmith.managers.edits.base import EditError
from torchsmith.managers.edits.requirement import name_of, parts, split

PIECES = st.sampled_from(
    [
        *("torch", "Foo_Bar.x", "a", "[x]", "[x, y]", " ", ">=1", "==2.8.0+cu129", ",<3", "(>=1)", "~=1.0", "-", "."),
        *(";", " ; ", "python_version<'3.12'", "sys_platform == 'linux'", "@ https://e.org/a;b.whl", " @ file:///x#sha256=aa"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=6).map("".join))
def test_what_packaging_reads_is_read_alike(text: str) -> None:
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        return
    name, extras, specifier, marker = parts(text)
    assert canonicalize_name(wanted.name) == name_of(text)
    assert name == wanted.name
    assert {each.strip() for each in extras.strip("[]").split(",")} - {""} == wanted.extras
    assert bool(marker) == (wanted.marker is not None)
    again = Requirement(f"{name}{extras} {specifier} {marker}")
    assert again == wanted


@pytest.mark.parametrize("text", ["", "-r x", "./torch", "torch/", "!x", "torch==1\n--pre", "https://e.org/x.whl"])
def test_what_is_no_requirement(text: str) -> None:
    with pytest.raises(EditError):
        parts(text)


def test_what_has_no_name() -> None:
    assert split(";x") is None
    assert (name_of("torch/"), name_of("-e ."), name_of("Foo_Bar")) == ("", "", "foo-bar")

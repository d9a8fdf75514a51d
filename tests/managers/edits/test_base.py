"""Lines, newlines, digests and differences."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchsmith.managers.edits import base
from torchsmith.model.transaction import ENCODING


@given(st.binary(max_size=40))
def test_a_digest_is_that_of_the_bytes(data: bytes) -> None:
    assert base.digest(data.decode(*ENCODING)) == hashlib.sha256(data).hexdigest()


@given(st.text(st.sampled_from("ab\n\r\x0c\x85\u2028 ")))
def test_lines_are_the_whole_text(text: str) -> None:
    found = base.lines(text)
    assert "".join(found) == text
    assert all(line for line in found)
    assert all(base.end_of(line) in {"\n", "\r\n", "\r"} for line in found[:-1])
    assert all(letter not in base.bare(line) for line in found for letter in "\r\n")
    if "\r" not in text:
        assert found == text.split("\n")[:-1] or [line.rstrip("\n") for line in found] == text.removesuffix("\n").split("\n")


@pytest.mark.parametrize(
    ("text", "at", "end"),
    [
        ("", None, "\n"),
        ("a", None, "\n"),
        ("a\r\nb\nc\r\n", None, "\r\n"),
        ("a\r\nb\n", 3, "\r\n"),
        ("a\r\nb\n", 5, "\n"),
        ("a\rb", None, "\r"),
    ],
)
def test_the_newline_of_a_text(text: str, at: int | None, end: str) -> None:
    assert base.newline(text, at) == end


def test_what_changed_is_named_by_line() -> None:
    assert base.changed_lines("a\nb\nc\n", "a\nB\nB2\nc\n") == ((2,), (2, 3))
    assert base.changed_lines("a\n", "a\n") == ((), ())
    assert base.changed_lines("a\n", "a\r\n") == ((1,), (1,))
    assert base.changed_lines("a\nb", "b") == ((1,), ())


def test_a_difference_is_shown() -> None:
    before = "".join(f"{at}\n" for at in range(1, 41))
    after = before.replace("20\n", "20\n20a\n").replace("30\n", "")
    assert base.difference(before, after, "x").splitlines()[:6] == [
        "--- a/x",
        "+++ b/x",
        "@@ -18,6 +18,7 @@",
        " 18",
        " 19",
        " 20",
    ]
    assert base.difference(before, after).count("\n+") == 2
    assert base.difference(before, before) == ""
    assert base.difference(None, "a\n", "x").endswith("+a")
    assert base.difference("a\n", None, "x").endswith("-a")
    assert base.difference("a\n", "a\r\n", "x").startswith("x: the ends of lines change")


def test_an_error_names_its_place() -> None:
    assert str(base.EditError("bad", 3, 5)) == "line 3, column 5: bad"
    assert str(base.EditError("bad", 3)) == "line 3: bad"
    assert str(base.EditError("bad")) == "bad"
    assert base.position("a\r\nbc\rd", 6) == (3, 1)

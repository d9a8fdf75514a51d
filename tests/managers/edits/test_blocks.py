"""The marked block: written, replaced, taken away to the very bytes that were there before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchsmith.managers.edits import blocks
from torchsmith.managers.edits.base import BOM, EditError, lines

BODY = ["export CUDA_HOME=/usr/local/cuda-12.8"]
NEW = ["export CUDA_HOME=/usr/local/cuda-13.0", "", 'export PATH="$CUDA_HOME/bin:$PATH"']


def test_a_block_in_a_file() -> None:
    after = blocks.put("alias a=b\n", BODY)
    assert lines(after)[1].startswith("# >>> torchsmith >>> ")
    assert lines(after)[2:] == ["export CUDA_HOME=/usr/local/cuda-12.8\n", "# <<< torchsmith <<<\n"]
    found = blocks.found(after)
    assert found is not None
    assert (found.body, found.edited) == (tuple(BODY), False)


@pytest.mark.parametrize(
    "text", ["", "a\n", "a", "a\r\nb\r\n", "a\r\nb", BOM + "a\n", BOM, "\n\n", "a\rb", "caf\udce9 \u2028\x0c\n"]
)
@pytest.mark.parametrize("leader", ["#", "::"])
def test_it_goes_as_it_came(text: str, leader: str) -> None:
    after = blocks.put(text, BODY, leader, "\r\n")
    assert after.startswith(text)
    assert blocks.put(after, BODY, leader) == after
    changed = blocks.put(after, NEW, leader)
    assert changed.startswith(text)
    assert blocks.remove(changed) == text
    assert blocks.remove(after) == text
    assert blocks.remove(text) == text


def test_what_others_wrote_around_it_stays() -> None:
    after = blocks.put("before", BODY) + "after"
    assert blocks.remove(after) == "before\nafter"
    assert blocks.put(after, NEW).endswith("# <<< torchsmith <<<\nafter")
    assert blocks.put("a\r\n", BODY).count("\r\n") == 4


def test_a_text_is_its_lines() -> None:
    assert blocks.put("", "a\nb\n") == blocks.put("", ["a", "b"])


def test_an_edit_by_hand_is_seen() -> None:
    edited = blocks.put("a\n", BODY).replace("12.8", "12.9")
    found = blocks.found(edited)
    assert found is not None
    assert found.edited
    with pytest.raises(EditError, match=r"line 2: .*by hand"):
        blocks.put(edited, NEW)
    with pytest.raises(EditError, match=r"line 2: .*by hand"):
        blocks.remove(edited)
    assert blocks.remove(edited, anyway=True) == "a\n"
    assert blocks.put(edited, BODY, anyway=True) == blocks.put("a\n", BODY)


BLOCK = blocks.put("", BODY)
REFUSED = {
    "twice": (BLOCK + BLOCK, "more than once"),
    "without its end": (BLOCK.replace("# <<< torchsmith <<<\n", ""), "not whole"),
    "without its begin": ("".join(lines(BLOCK)[1:]), "not whole"),
    "the other way round": ("".join(reversed(lines(BLOCK))), "not whole"),
    "two begins": (BLOCK.replace(BODY[0], lines(BLOCK)[0].rstrip()), "more than once"),
    "a line that goes on": ("export A=b \\", "goes on"),
    "a line that goes on in PowerShell": ("$a = `\r\n", "goes on"),
    "UTF-16": ("a\0", "NUL"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    text, says = REFUSED[name]
    with pytest.raises(EditError, match=says):
        blocks.put(text, NEW)


@pytest.mark.parametrize(
    ("last", "leader", "goes_on"),
    [
        ("export A=`tty`", "#", False),
        ("# a comment \\", "#", False),
        ("echo a\\\\", "#", False),
        ("cd C:\\", "::", False),
        ("echo a^", "::", True),
        ("echo a\\\\\\", "#", True),
    ],
)
def test_whether_the_last_line_goes_on(last: str, leader: str, goes_on: bool) -> None:
    if not goes_on:
        assert blocks.remove(blocks.put(last, BODY, leader)) == last
        return
    with pytest.raises(EditError, match="goes on"):
        blocks.put(last, BODY, leader)


@pytest.mark.parametrize("body", [["a\nb"], ["# >>> torchsmith >>>"], ["x <<< torchsmith <<<"], ["a\r"]])
def test_a_body_cannot_break_out(body: list[str]) -> None:
    with pytest.raises(EditError):
        blocks.put("", body)


TEXTS = st.lists(
    st.sampled_from(["a", "\n", "\r\n", "\r", "#", " ", "\u2028", "\x0c", BOM, "é", ">>> torchsmith", "\udcff"]), max_size=12
).map("".join)


@settings(max_examples=120, deadline=None)
@given(TEXTS, TEXTS, st.lists(st.sampled_from(["x", "", "  y", "\x0c", "\u2028"]), max_size=3))
def test_any_text_comes_back(before: str, behind: str, body: list[str]) -> None:
    after = blocks.put(before, body)
    assert blocks.remove(after) == before
    assert blocks.put(after, body) == after
    if behind and not behind.startswith("\n"):
        assert blocks.remove(after + behind) in {before + behind, before + after[len(before) :][:2].rstrip("#") + behind}

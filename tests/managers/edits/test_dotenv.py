"""Edits of .env and .envrc."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchsmith.managers.edits import dotenv
from torchsmith.managers.edits.base import BOM, EditError

if TYPE_CHECKING:
    from collections.abc import Callable

CASES: dict[str, tuple[str, Callable[[str], str], str]] = {
    "in place, with its comment": ("A=1\nB=2 # why\n", lambda text: dotenv.put(text, "B", "3"), "A=1\nB=3 # why\n"),
    "in its quotes": ('B="x y"\r\n', lambda text: dotenv.put(text, "B", "z"), 'B="z"\r\n'),
    "exported": ("export B='x'\n", lambda text: dotenv.put(text, "B", "y z", shell=True), "export B='y z'\n"),
    "at the end": ("A=1", lambda text: dotenv.put(text, "B", "x y"), "A=1\nB='x y'"),
    "at the end of a script": ("A=1\n", lambda text: dotenv.put(text, "B", "x", shell=True), "A=1\nexport B=x\n"),
    "of two lines": ('A="1\nB=2"\nB=3\n', lambda text: dotenv.put(text, "B", "4"), 'A="1\nB=2"\nB=4\n'),
    "a comment is none": ("# B=1\n", lambda text: dotenv.put(text, "B", "2"), "# B=1\nB=2\n"),
    "spaces around": ("B = 1\n", lambda text: dotenv.put(text, "B", "2"), "B = 2\n"),
    "nothing there": ("B=\nA=1\n", lambda text: dotenv.put(text, "B", "2"), "B=2\nA=1\n"),
    "a byte order mark": (BOM + "B=1\n", lambda text: dotenv.put(text, "B", "2"), BOM + "B=2\n"),
    "a quote in it": ("B=1\n", lambda text: dotenv.put(text, "B", "it's $x"), 'B="it\'s \\$x"\n'),
    "gone": ("A=1\nexport B='1\n2' # c\nC=3\n", lambda text: dotenv.remove(text, "B"), "A=1\nC=3\n"),
    "gone, the last one": ("A=1\nB=2", lambda text: dotenv.remove(text, "B"), "A=1\n"),
    "not there": ("A=1\n", lambda text: dotenv.remove(text, "B"), "A=1\n"),
    "no UTF-8": ("#\udce9\nB=1\n", lambda text: dotenv.put(text, "B", "2"), "#\udce9\nB=2\n"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_edit(name: str) -> None:
    before, edit, after = CASES[name]
    assert edit(before) == after
    assert edit(after) == after


REFUSED: dict[str, tuple[Callable[[], object], int, str]] = {
    "twice": (lambda: dotenv.put("A=1\nA=2\n", "A", "3"), 2, "2 times"),
    "in a block of a script": (lambda: dotenv.put("if x\n  export A=1\nfi\n", "A", "3", shell=True), 2, "block"),
    "of several pieces": (lambda: dotenv.put("A='1'\"2\"\n", "A", "3"), 1, "pieces"),
    "no name": (lambda: dotenv.put("", "A B", "3"), 0, "variable"),
    "binary": (lambda: dotenv.put("\0", "A", "3"), 0, "NUL"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    edit, line, says = REFUSED[name]
    with pytest.raises(EditError, match=says) as caught:
        edit()
    assert caught.value.line == line


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("aZ0 /:$`\"'\\#;&|(){}é\t!~*"), max_size=12), st.sampled_from(["", "'", '"']))
def test_a_shell_reads_what_was_written(value: str, style: str) -> None:
    text = dotenv.put(f"A={style}{style}\n", "A", value, shell=True)
    assert dotenv.read(text) == {"A": value}
    ran = subprocess.run(["sh", "-c", text + 'printf %s "$A"'], capture_output=True, check=True)
    assert ran.stdout.decode() == value

"""Edits of requirements files: the file before, the edit, the file after; and what pip reads in it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchsmith.managers.edits import requirements
from torchsmith.managers.edits.base import BOM, EditError, bare, lines

if TYPE_CHECKING:
    from collections.abc import Callable

HASHED = """\
# made by pip-compile
--index-url https://example.org/simple

numpy==1.26.4 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
    # via
    #   -r requirements.in
    #   torch
torch==2.7.1+cu128 ; sys_platform == "linux" \\
    --hash=sha256:cccc
    # via -r requirements.in
# mine
-r more.txt
"""

CASES: dict[str, tuple[str, Callable[[str], str], str]] = {
    "in place, with extras, marker and comment": (
        "numpy\nTorch[opt]>=2 ; python_version < '3.13'  # why\nx\n",
        lambda text: requirements.put(text, "torch==2.8.0+cu129"),
        "numpy\nTorch[opt]==2.8.0+cu129 ; python_version < '3.13'  # why\nx\n",
    ),
    "in CR LF, without a last newline": (
        "torch\r\nnumpy",
        lambda text: requirements.put(requirements.put(text, "numpy<3"), "new"),
        "torch\r\nnumpy<3\r\nnew",
    ),
    "hashes go with the version that they belong to": (
        HASHED,
        lambda text: requirements.put(text, "torch==2.8.0+cu129", ("sha256:dddd", "sha256:eeee")),
        HASHED.replace(
            'torch==2.7.1+cu128 ; sys_platform == "linux" \\\n    --hash=sha256:cccc\n',
            'torch==2.8.0+cu129 ; sys_platform == "linux" \\\n    --hash=sha256:dddd \\\n    --hash=sha256:eeee\n',
        ),
    ),
    "gone, with its hashes and its note": (
        HASHED,
        lambda text: requirements.remove(text, "NumPy"),
        HASHED.replace(HASHED[HASHED.index("numpy") : HASHED.index("torch==")], ""),
    ),
    "an address of one's own": (
        "torch @ https://example.org/a.whl\n",
        lambda text: requirements.put(text, "torch @ https://example.org/b.whl"),
        "torch @ https://example.org/b.whl\n",
    ),
    "an address becomes a version": (
        "torch @ https://example.org/a.whl#sha256=aa\n",
        lambda text: requirements.put(text, "torch==2"),
        "torch==2\n",
    ),
    "an index takes the place of another": (
        "-i https://old.example.org # c\ntorch\n",
        lambda text: requirements.put_option(text, "--index-url", "https://new.example.org"),
        "--index-url https://new.example.org # c\ntorch\n",
    ),
    "an index before the first entry": (
        "# top\n\ntorch\n",
        lambda text: requirements.put_option(text, "--index-url", "https://e.org"),
        "# top\n\n--index-url https://e.org\ntorch\n",
    ),
    "another index goes": (
        "--extra-index-url=https://a.org\n--extra-index-url https://b.org # c\ntorch\n",
        lambda text: requirements.remove_option(text, "--extra-index-url"),
        "torch\n",
    ),
    "a constraint": ("# c\ntorch\n", lambda text: requirements.put_line(text, "-c torch.txt"), "# c\n-c torch.txt\ntorch\n"),
    "an empty file": ("", lambda text: requirements.put(text, "torch==2"), "torch==2\n"),
    "a byte order mark": (BOM + "torch\n", lambda text: requirements.put(text, "torch==2"), BOM + "torch==2\n"),
    "no UTF-8, elsewhere": ("# caf\udce9\ntorch\n", lambda text: requirements.put(text, "torch==2"), "# caf\udce9\ntorch==2\n"),
    "a lone CR ends a line": ("torch\rnumpy\r", lambda text: requirements.put(text, "numpy<3"), "torch\rnumpy<3\r"),
    "an odd letter elsewhere": (
        "# a\u2028b\x0c\ntorch\n",
        lambda text: requirements.put(text, "torch==2"),
        "# a\u2028b\x0c\ntorch==2\n",
    ),
    "names are compared as pip does": (
        "Foo_Bar.baz>=1\n",
        lambda text: requirements.put(text, "foo-bar-baz==2"),
        "Foo_Bar.baz==2\n",
    ),
    "a name that only begins alike": (
        "torchvision\ntorch-x\n",
        lambda text: requirements.put(text, "torch"),
        "torchvision\ntorch-x\ntorch\n",
    ),
    "a path is no name": ("./torch\ntorch/\n", lambda text: requirements.put(text, "torch"), "./torch\ntorch/\ntorch\n"),
    "a continued line": (
        "torch \\\n  >=2 \\\n  # no comment\nnumpy\n",
        lambda text: requirements.put(text, "numpy<3"),
        "torch \\\n  >=2 \\\n  # no comment\nnumpy<3\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_edit(name: str) -> None:
    before, edit, after = CASES[name]
    assert edit(before) == after
    assert edit(after) == after


REFUSED: dict[str, tuple[Callable[[], object], int, str]] = {
    "twice": (lambda: requirements.put("torch==1\nx\ntorch==2\n", "torch==3"), 3, "2 times"),
    "two indexes": (lambda: requirements.put_option("-i a\n--index-url=b\n", "--index-url", "c"), 2, "2 times"),
    "UTF-16": (lambda: requirements.put("t\0o\0r\0c\0h\0", "torch"), 0, "NUL"),
    "a line that tools cut at different places": (lambda: requirements.put("x\ntorch # a\u2028b\n", "torch==2"), 2, "some tools"),
    "an option of two lines": (lambda: requirements.put_option("", "--index-url", "a\n--pre"), 0, "one line"),
    "a last line that goes on": (lambda: requirements.put("x \\\n", "torch==2"), 1, "goes on"),
    "no requirement": (lambda: requirements.put("", "torch==2\n--index-url x"), 0, "no requirement"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    edit, line, says = REFUSED[name]
    with pytest.raises(EditError, match=says) as caught:
        edit()
    assert caught.value.line == line


def test_what_stands_in_it() -> None:
    assert requirements.named(HASHED, "torch") == ('torch==2.7.1+cu128 ; sys_platform == "linux"',)
    assert requirements.option(HASHED, "--index-url") == ("https://example.org/simple",)
    assert requirements.option("-ihttps://a.org\n", "--index-url") == ("https://a.org",)
    assert requirements.option(HASHED, "-r") == ("more.txt",)


LINES = st.sampled_from(
    [
        *("numpy>=1", "Torch[x] ; os_name=='a' # c", "torch_audio", "-r a.txt", "-c b.txt", "# c", "", "  ", "--index-url u"),
        *("x \\", "--pre", "a @ https://e.org/#egg=torch", "# torch", "é \u2028", "-e ."),
    ]
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(LINES, max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.sampled_from(["torch==2", "numpy<3", "new"]),
)
def test_other_lines_stay(parts: list[str], end: str, last: bool, requirement: str) -> None:
    text = end.join(parts) + (end if last and parts else "")
    try:
        after = requirements.put(text, requirement)
    except EditError as error:
        assert "times" in error.message or "some tools" in error.message or "goes on" in error.message  # noqa: PT017
        return
    name = requirements.entries(requirement)[0].name
    assert len(requirements.named(after, name)) == 1 or text.rstrip(end).endswith("\\")
    assert requirements.put(after, requirement) == after
    old, new = [bare(line) for line in lines(text)], [bare(line) for line in lines(after)]
    if not requirements.named(text, name):
        assert new == [*old, requirement]
    else:
        assert len(old) == len(new)
        assert sum(a != b for a, b in zip(old, new, strict=True)) <= 1
    assert after.endswith(("\n", "\r")) == text.endswith(("\n", "\r")) or not text


def test_a_huge_file_is_edited_in_time() -> None:
    text = "".join(f"package-{at}==1.0 \\\n    --hash=sha256:{at:064}\n" for at in range(3_000)) + "torch\n"
    begun = time.process_time()
    after = requirements.put(text, "torch==2")
    assert time.process_time() - begun < 2
    assert after == text.removesuffix("torch\n") + "torch==2\n"

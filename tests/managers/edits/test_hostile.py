"""Hostile files: every edit answers with a text or with an EditError, and in time that grows with the length of the file."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from torchsmith.managers.edits import (
    base,
    blocks,
    compose,
    dockerfile,
    dotenv,
    requirements,
    toml,
    toml_comments,
    toml_requirements,
    yaml,
)
from torchsmith.managers.edits.base import EditError

if TYPE_CHECKING:
    from collections.abc import Callable

EDITS: dict[str, Callable[[str], object]] = {
    "toml.put": lambda text: toml.put(text, ("a", "torch"), {"version": "1", "source": "s"}, revive=True),
    "toml.put_entry": lambda text: toml.put_entry(text, ("a", "b"), {"name": "n", "url": "u"}, revive=True),
    "toml.remove": lambda text: toml.remove(text, ("a",)),
    "toml_comments": lambda text: (toml_comments.commented(text, ("a",)), toml_comments.commented_entries(text, ("a",))),
    "toml_requirements.put": lambda text: toml_requirements.put_requirement(text, ("a",), "torch==2"),
    "toml_requirements.remove": lambda text: toml_requirements.remove_requirement(text, ("a",), "torch"),
    "requirements.put": lambda text: requirements.put(text, "torch==2", ("sha256:aa",)),
    "requirements.put_option": lambda text: requirements.put_option(text, "--index-url", "u"),
    "requirements.remove": lambda text: requirements.remove(text, "torch"),
    "dotenv.put": lambda text: dotenv.put(text, "A", "x y", shell=True),
    "dotenv.remove": lambda text: dotenv.remove(text, "A"),
    "blocks.put": lambda text: blocks.put(text, ["a"]),
    "blocks.remove": blocks.remove,
    "yaml.put_dependency": lambda text: yaml.put_dependency(text, "torch=2"),
    "yaml.put_pip": lambda text: yaml.put_pip(text, "torch==2"),
    "compose.put_gpu": lambda text: compose.put_gpu(text, "a"),
    "compose.put_key": lambda text: compose.put_key(text, "a", "ipc", "host"),
    "dockerfile.put_torch": lambda text: dockerfile.put_torch(text, ("torch==2",), "u"),
    "dockerfile.put_base": lambda text: dockerfile.put_base(text, "a"),
    "dockerfile.put_env": lambda text: dockerfile.put_env(text, "A", "b"),
    "base.difference": lambda text: base.difference(text, text[::-1], "x"),
    "base.changed_lines": lambda text: base.changed_lines(text, text[::-1]),
}

PIECES = st.sampled_from(
    [
        *(
            "\n",
            "\r\n",
            "\r",
            "\0",
            "\x0c",
            "\u2028",
            "\x85",
            "\ufeff",
            "\udcff",
            "é",
            " ",
            "  ",
            "\t",
            "#",
            "# ",
            "\\\n",
            "`",
            "\\",
        ),
        *(
            "a",
            "b",
            "torch",
            "torch==1",
            "numpy",
            "=",
            " = ",
            "==",
            ".",
            ",",
            ";",
            ":",
            ": ",
            "- ",
            "-",
            "@",
            "*a",
            "&a",
            "!",
            "|",
            ">",
            "<<",
        ),
        *(
            '"',
            "'",
            '"""',
            "'''",
            "[",
            "]",
            "[[",
            "]]",
            "{",
            "}",
            "(",
            ")",
            "1",
            "true",
            "[a]",
            "[[a]]",
            "[[a.b]]",
            "a = ",
            "name = 'n'\n",
        ),
        *(
            "services:\n",
            "  a:\n",
            "    image: x\n",
            "deploy:",
            "dependencies:\n",
            "- pip:\n",
            "pip",
            "FROM ",
            "RUN ",
            "ENV ",
            "ARG ",
            "<<E\n",
            "E\n",
        ),
        *("pip install ", "$A", "${A}", " AS b", "--index-url ", "-i", "--hash=sha256:aa", "-r x", "export ", "A=", "$(b)"),
        *("# >>> torchsmith >>>", "# <<< torchsmith <<<\n", "0123456789ab", "&&", "||", "&& "),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(PIECES, max_size=25).map("".join))
@example("A=")
@example("FROM ")
@example("ENV A\nFROM a\nENV ")
@example("FROM a\nENV")
@example("FROM a AS b\nFROM b AS a\nFROM a")
@example('FROM a\nRUN [1]\nRUN ["pip", "install", 1, "torch"]')
@example("services:\n  a:\n    deploy:\n    - b")
@example("dependencies:\n- pip:\n  - a: b")
def test_an_answer_or_an_edit_error(text: str) -> None:
    for edit in EDITS.values():
        try:
            edit(text)
        except EditError as error:
            assert error.message  # noqa: PT017


HUGE: dict[str, Callable[[int], str]] = {
    "spaces": lambda n: "a" + " " * n + "b",
    "spaces behind a name": lambda n: "torch" + " " * n + "!\n",
    "tabs in front": lambda n: "\t" * n + "#",
    "one word": lambda n: "x" * n,
    "quotes": lambda n: '"\\"' * (n // 3),
    "single quotes": lambda n: "a='" * (n // 3),
    "opened brackets": lambda n: "a = " + "[" * n,
    "opened braces": lambda n: "a: " + "{" * n,
    "brackets": lambda n: "a = [" + "[],\n" * (n // 4) + "]\n",
    "hashes": lambda n: " #" * (n // 2),
    "comments": lambda n: "# torch = 1\n# [[a.b]]\n" * (n // 23),
    "colons": lambda n: "a:" * (n // 2),
    "colons and spaces": lambda n: "a : b\n" * (n // 6),
    "dashes": lambda n: "- " * (n // 2),
    "indented ever more": lambda n: "".join(" " * at + "a:\n" for at in range(int((2 * n) ** 0.5))),
    "continued": lambda n: "RUN a \\\n" * (n // 8),
    "backslashes": lambda n: "FROM a\nRUN " + "\\ " * (n // 2) + "\n",
    "instructions": lambda n: "FROM a\n" + "RUN pip install torch\n" * (n // 22),
    "stages": lambda n: "FROM a AS b\n" * (n // 12),
    "arguments": lambda n: "ARG A=b\n" * (n // 8) + "FROM $A\n",
    "heredocs": lambda n: "FROM a\nRUN " + "<<E " * (n // 4) + "\nE\n" * 10,
    "variables": lambda n: "A=1\n" * (n // 4),
    "entries": lambda n: "[[a.b]]\nname = 'x'\n" * (n // 19),
    "dotted": lambda n: "a." * 300 + "b = 1\n" + "#" * (n - 600),
    "tables": lambda n: "".join(f"[t{at}]\n" for at in range(n // 8)),
    "marks": lambda n: "# >>> torchsmith >>>\n" * (n // 21),
    "items": lambda n: "dependencies:\n" + "- a\n" * (n // 4),
    "services": lambda n: "services:\n" + "".join(f"  s{at}:\n    image: a\n" for at in range(n // 20)),
    "newlines": lambda n: "\n" * n,
    "carriage returns": lambda n: "\r" * n,
    "line separators": lambda n: "\u2028" * n,
}


@pytest.mark.parametrize("size", [20_000, pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.nightly])])
@pytest.mark.parametrize("shape", HUGE)
def test_time_grows_with_length_alone(shape: str, size: int) -> None:
    text = HUGE[shape](size)
    slow = {}
    for name, edit in EDITS.items():
        begun = time.process_time()
        with contextlib.suppress(EditError):
            edit(text)
        took = time.process_time() - begun
        # What grows with the square of it would take many times that.
        if took > 1 + size / 100_000:
            slow[name] = round(took, 2)
    assert not slow

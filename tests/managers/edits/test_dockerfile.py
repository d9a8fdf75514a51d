"""Edits of Dockerfiles: the file before, the edit, the file after, letter by letter."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchsmith.managers.edits import dockerfile, dockerfile_parts
from torchsmith.managers.edits.base import BOM, EditError, lines

if TYPE_CHECKING:
    from collections.abc import Callable

TORCH = ("torch==2.8.0+cu129", "torchvision==0.23.0+cu129")
INDEX = "https://example.org/whl/cu129"
OWN = 'RUN ["python", "-m", "pip", "install", "--no-cache-dir", "torch==2.8.0+cu129", "torchvision==0.23.0+cu129", '
OWN += f'"--index-url", "{INDEX}"]\n'


def torch(text: str) -> str:
    return dockerfile.put_torch(text, TORCH, INDEX)


CASES: dict[str, tuple[str, Callable[[str], str], str]] = {
    "torch in place, its index in the place of the other": (
        (
            "FROM python:3.12\nRUN pip install --no-cache-dir torch==2.1.0 torchvision \\\n"
            "    --extra-index-url https://example.org/whl/cu121 && rm -rf /x\n"
        ),
        torch,
        (
            "FROM python:3.12\nRUN pip install --no-cache-dir torch==2.8.0+cu129 torchvision==0.23.0+cu129 \\\n"
            f"    --index-url {INDEX} && rm -rf /x\n"
        ),
    ),
    "what is installed with it comes after it": (
        "FROM python:3.12\nRUN pip install 'torch>=2' torchvision numpy -r a.txt --extra-index-url https://mine.example.org\n",
        torch,
        (
            f"FROM python:3.12\nRUN pip install {' '.join(TORCH)} --index-url {INDEX} && pip install {' '.join(TORCH)} numpy "
            "-r a.txt --extra-index-url https://mine.example.org\n"
        ),
    ),
    "comments between the lines of a command": (
        "FROM p\nRUN a && \\\n  # why torch\n\n  python3 -m pip install torch \\\n  # more\n  torchvision\nCMD x\n",
        torch,
        (
            "FROM p\nRUN a && \\\n  # why torch\n\n  python3 -m pip install torch==2.8.0+cu129 \\\n  # more\n"
            f"  torchvision==0.23.0+cu129 --index-url {INDEX}\nCMD x\n"
        ),
    ),
    "another program before it": (
        "FROM p\nRUN conda run -n x python -m pip install torch torchvision\n",
        torch,
        f"FROM p\nRUN conda run -n x python -m pip install {' '.join(TORCH)} --index-url {INDEX}\n",
    ),
    "uv's own words for an index": (
        "FROM p\nRUN uv pip install torch torchvision --torch-backend=cu128 --index https://e.org/whl/cu128\n",
        torch,
        f"FROM p\nRUN uv pip install {' '.join(TORCH)} --index-url {INDEX}\n",
    ),
    "a list of words": (
        'FROM p\nRUN ["pip", "install", "--upgrade", "torch"]\n',
        torch,
        (
            'FROM p\nRUN ["pip", "install", "--upgrade", "torch==2.8.0+cu129", "torchvision==0.23.0+cu129", '
            f'"--index-url", "{INDEX}"]\n'
        ),
    ),
    "uv, with mounts and variables": (
        "FROM p\nRUN --mount=type=cache,target=/c UV_X=1 uv pip install --system torch==${T} torchvision -i https://e.org/whl/cu118\n",
        torch,
        f"FROM p\nRUN --mount=type=cache,target=/c UV_X=1 uv pip install --system {' '.join(TORCH)} --index-url {INDEX}\n",
    ),
    "a stage that the last one copies from, and no other": (
        (
            "FROM p AS one\nRUN pip install torch torchvision\nFROM p AS two\nRUN pip install torch torchvision\n"
            "FROM q\nCOPY --from=two /x /x\n"
        ),
        torch,
        (
            "FROM p AS one\nRUN pip install torch torchvision\nFROM p AS two\n"
            f"RUN pip install {' '.join(TORCH)} --index-url {INDEX}\nFROM q\nCOPY --from=two /x /x\n"
        ),
    ),
    "no line for torch: one before the first that pip has": (
        "FROM p\nENV A=1\nRUN apt-get update\nRUN pip install -r r.txt\n",
        torch,
        f"FROM p\nENV A=1\nRUN apt-get update\n{OWN}RUN pip install -r r.txt\n",
    ),
    "no line of pip at all": ("FROM p\nWORKDIR /w\nCOPY . .", torch, f"FROM p\nWORKDIR /w\n{OWN}COPY . ."),
    "a word in an echo is no torch": (
        "FROM p\nRUN echo torch && pip install numpy\n",
        torch,
        f"FROM p\n{OWN}RUN echo torch && pip install numpy\n",
    ),
    "the base image": (
        "# c\nFROM a\nFROM --platform=$X nvidia/cuda:12.1-base AS run # x\n",
        lambda text: dockerfile.put_base(text, "nvidia/cuda:12.9.1-base"),
        "# c\nFROM a\nFROM --platform=$X nvidia/cuda:12.9.1-base AS run # x\n",
    ),
    "the base image of an ARG": (
        'ARG V=1\nARG BASE="a:1"\nFROM ${BASE}\n',
        lambda text: dockerfile.put_base(text, "b:2"),
        'ARG V=1\nARG BASE="b:2"\nFROM ${BASE}\n',
    ),
    "the base image of the stage it builds on": (
        "FROM a:1 as Base\nFROM b\nFROM base\n",
        lambda text: dockerfile.put_base(text, "c:2"),
        "FROM c:2 as Base\nFROM b\nFROM base\n",
    ),
    "a variable in place": (
        'FROM a\nENV A=1 \\\n    NVIDIA_VISIBLE_DEVICES=none \\\n    B="2 3"\n',
        lambda text: dockerfile.put_env(text, "NVIDIA_VISIBLE_DEVICES", "all"),
        'FROM a\nENV A=1 \\\n    NVIDIA_VISIBLE_DEVICES=all \\\n    B="2 3"\n',
    ),
    "a variable in the old form": ("FROM a\nENV A 1 2\n", lambda text: dockerfile.put_env(text, "A", "3"), "FROM a\nENV A=3\n"),
    "a variable behind the last FROM": (
        "FROM a\r\nENV A=1\r\nFROM b\r\nCMD x\r\n",
        lambda text: dockerfile.put_env(text, "A", "3"),
        "FROM a\r\nENV A=1\r\nFROM b\r\nENV A=3\r\nCMD x\r\n",
    ),
    "a variable at the end": (
        "FROM a",
        lambda text: dockerfile.put_env(text, "A", "compute,utility"),
        "FROM a\nENV A=compute,utility",
    ),
    "a backtick that continues": (
        "# escape=`\nFROM a\nRUN pip install `\n  torch torchvision\nCOPY x C:\\\nCMD x\n",
        torch,
        f"# escape=`\nFROM a\nRUN pip install `\n  {' '.join(TORCH)} --index-url {INDEX}\nCOPY x C:\\\nCMD x\n",
    ),
    "a heredoc beside it": (
        "FROM a\nRUN <<EOF\npip install x # FROM b\nFROM c\nEOF\nRUN pip install torch torchvision\n",
        torch,
        f"FROM a\nRUN <<EOF\npip install x # FROM b\nFROM c\nEOF\nRUN pip install {' '.join(TORCH)} --index-url {INDEX}\n",
    ),
    "a byte order mark": (BOM + "FROM a\n", lambda text: dockerfile.put_base(text, "b"), BOM + "FROM b\n"),
    "no UTF-8, U+2028 and a form feed in a comment": (
        "# \udce9 \u2028 \x0c FROM x\nFROM a\n",
        lambda text: dockerfile.put_base(text, "b"),
        "# \udce9 \u2028 \x0c FROM x\nFROM b\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_edit(name: str) -> None:
    before, edit, after = CASES[name]
    assert edit(before) == after
    assert edit(after) == after


REFUSED: dict[str, tuple[Callable[[], object], int, str]] = {
    "no FROM": (lambda: torch("RUN x\n"), 0, "no FROM"),
    "nothing": (lambda: dockerfile.put_base("", "a"), 0, "no FROM"),
    "an image of variables": (lambda: dockerfile.put_base("ARG A=1\nFROM x:${A}\n", "b"), 2, "variables"),
    "an image of no value": (lambda: dockerfile.put_base("ARG A\nFROM $A\n", "b"), 2, "no value"),
    "no name of an image": (lambda: dockerfile.put_base("FROM a\n", "b\nRUN x"), 0, "no name"),
    "torch in a heredoc": (lambda: torch("FROM a\nRUN <<E\npip install torch\nE\n"), 2, "heredoc"),
    "a heredoc without an end": (lambda: torch("FROM a\nRUN <<E\npip install torch\n"), 2, "no end"),
    "torch in a program of its own": (lambda: torch('FROM a\nRUN bash -c "pip install torch"\n'), 2, "not understood"),
    "torch beside others behind an or": (lambda: torch("FROM a\nRUN x || pip install torch numpy\n"), 2, "split"),
    "torch beside others in a condition": (lambda: torch("FROM a\nRUN if x; then pip install torch numpy; fi\n"), 2, "split"),
    "torch in a list of words beside others": (lambda: torch('FROM a\nRUN ["pip", "install", "torch", "numpy"]\n'), 2, "split"),
    "quotes that stay open": (lambda: torch("FROM a\nRUN pip install 'torch\n"), 2, "not closed"),
    "a variable of odd letters": (lambda: dockerfile.put_env("FROM a\n", "A", "b\nRUN x"), 0, "cannot"),
    "no instruction": (lambda: torch("FROM a\n;;\n"), 2, "instruction"),
    "a NUL": (lambda: torch("FROM a\0\n"), 0, "NUL"),
    "an escape that is none": (lambda: torch("# escape=x\nFROM a\n"), 1, "escape"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_refused(name: str) -> None:
    edit, line, says = REFUSED[name]
    with pytest.raises(EditError, match=says) as caught:
        edit()
    assert caught.value.line == line


def test_what_stands_in_it() -> None:
    text = "# syntax=docker/dockerfile:1\nARG B=x\nFROM $B AS One\nRUN a \\\n # c\n b\n"
    text += "COPY <<-'E' <<F /x/\n\ty\n\tE\nz\nF\nFROM one\nENV A b\n"
    read = dockerfile.instructions(text)
    assert [(each.keyword, each.first, each.last, each.stage) for each in read] == [
        ("ARG", 1, 2, -1),
        ("FROM", 2, 3, 0),
        ("RUN", 3, 6, 0),
        ("COPY", 6, 11, 0),
        ("FROM", 11, 12, 1),
        ("ENV", 12, 13, 1),
    ]
    assert read[2].arguments.split() == ["a", "b"]
    assert dockerfile_parts.stages(text) == (("$B", "one"), ("one", ""))
    assert dockerfile_parts.source_stages(text) == (0, 1)
    assert dockerfile.base(text) == "x"
    assert dockerfile.env(text, "A") == "b"


PARTS = st.sampled_from(
    [
        "RUN a \\\n  && b",
        "# c",
        "",
        "ENV X=1 \\\n  Y='2 3'",
        "COPY . .",
        "RUN pip install -r r.txt",
        "RUN <<E\nFROM x\nE",
        "ENV OLD 1",
        'CMD ["x"]',
        "RUN pip install numpy \\\n  # c\n  scipy && pip check",
        "FROM b AS c",
        "LABEL a=b",
        "RUN pip install torch",
        "run Pip3 install foo",
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(PARTS, max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_other_instructions_stay(parts: list[str], end: str, last: bool) -> None:
    text = "\n".join(["FROM a", *parts]).replace("\n", end) + (end if last else "")
    after = torch(dockerfile.put_env(dockerfile.put_base(text, "z:1"), "Y", "new"))
    assert dockerfile.base(after) == "z:1"
    assert dockerfile.env(after, "Y") == "new"
    assert torch(after) == after
    old, new = ([" ".join(each.arguments.split()) for each in dockerfile.instructions(each_text)] for each_text in (text, after))
    changed = [words for words in old if words not in new and "torch" not in words]
    assert all(words.startswith(("a", "b", "X=1")) for words in changed)
    assert [line for line in lines(after) if line.startswith("#")] == [line for line in lines(text) if line.startswith("#")]
    assert after.endswith(end) == text.endswith(end)


def test_a_huge_file_is_edited_in_time() -> None:
    text = "FROM a\n" + "RUN pip install x \\\n  && y\n# c\n" * 7_000
    begun = time.process_time()
    dockerfile.put_base(text, "b")
    torch(text)
    assert time.process_time() - begun < 3

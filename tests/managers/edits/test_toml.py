"""Edits of TOML as tables: the file before, the edit, the file after, letter by letter."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from torchsmith.managers.edits import toml, toml_comments, toml_requirements
from torchsmith.managers.edits.base import BOM, EditError
from torchsmith.managers.edits.toml import Literal

if TYPE_CHECKING:
    from collections.abc import Callable

TORCH = ("tool", "poetry", "dependencies", "torch")
SOURCE = ("tool", "poetry", "source")
INDEX = ("tool", "uv", "index")
DEPENDENCIES = ("project", "dependencies")

SEED = """\
[tool.poetry]
name = "guide"

[tool.poetry.dependencies]
python = "^3.11"
# Core AI/ML Frameworks and Utilities
# PyTorch packages are managed manually via pip due to Poetry limitations with custom indexes
# Install with: ./scripts/update/update_python.sh --pytorch
# torch = {version = ">=2.3.0,<3.0.0", source = "pytorch_cuda_cu129"}
# torchvision = {version = ">=0.18.0,<1.0.0", source = "pytorch_cuda_cu129"}
numpy = "^2"

# For CUDA 13.0 (when available):
# [[tool.poetry.source]]
# name = "pytorch_cuda_cu130"
# url = "https://example.org/whl/cu130"
# priority = "explicit"

[build-system]
requires = ["poetry-core"]
"""

Case = tuple[str, "Callable[[str], str]", str]

PUTS: dict[str, Case] = {
    "in place, with the comment behind it": (
        '[a]\nx = "1"  # why\ny = 2\n',
        lambda text: toml.put(text, ("a", "x"), "2"),
        '[a]\nx = "2"  # why\ny = 2\n',
    ),
    "in the quotes that were there": ("x = 'C:\\a' # b", lambda text: toml.put(text, ("x",), "D:\\b"), "x = 'D:\\b' # b"),
    "one key of an inline table": (
        '[tool.poetry.dependencies]\ntorch = { version = ">=2.3",source = "old" } # c\n',
        lambda text: toml.put(text, (*TORCH, "source"), "new"),
        '[tool.poetry.dependencies]\ntorch = { version = ">=2.3",source = "new" } # c\n',
    ),
    "one key of the second inline table of an array": (
        '[tool.uv.sources]\ntorch = [\n  { index = "a", marker = "m" }, # one\n  { index = "b" }\n]\n',
        lambda text: toml.put(text, ("tool", "uv", "sources", "torch", 1, "index"), "c"),
        '[tool.uv.sources]\ntorch = [\n  { index = "a", marker = "m" }, # one\n  { index = "c" }\n]\n',
    ),
    "a whole inline table, key by key": (
        '[tool.poetry.dependencies]\ntorch = { version = ">=2.3", optional = true }\n',
        lambda text: toml.put(text, TORCH, {"version": "2.8.0", "source": "s"}),
        '[tool.poetry.dependencies]\ntorch = { version = "2.8.0", source = "s" }\n',
    ),
    "a string becomes a table": (
        '[tool.poetry.dependencies]\ntorch = "^2" # c\n',
        lambda text: toml.put(text, TORCH, {"version": "^2", "source": "s"}),
        '[tool.poetry.dependencies]\ntorch = {version = "^2", source = "s"} # c\n',
    ),
    "a table of its own": (
        '[tool.poetry.dependencies.torch]\nversion = "^2"\n# keep\noptional = true\n[z]\n',
        lambda text: toml.put(text, TORCH, {"version": "^2", "source": "s"}),
        '[tool.poetry.dependencies.torch]\nversion = "^2"\nsource = "s"\n# keep\n[z]\n',
    ),
    "dotted keys": (
        'tool.uv.sources.torch = { index = "a" }\ntool.x = 1\n',
        lambda text: toml.put(text, ("tool", "uv", "sources", "numpy"), {"index": "b"}),
        'tool.uv.sources.torch = { index = "a" }\ntool.uv.sources.numpy = {index = "b"}\ntool.x = 1\n',
    ),
    "dotted keys that spread one package": (
        '[tool.poetry.dependencies]\ntorch.version = "^2"\ntorch.source = "a"\nnumpy = "*"\n',
        lambda text: toml.put(text, TORCH, {"version": "^2", "source": "b"}),
        '[tool.poetry.dependencies]\ntorch.version = "^2"\ntorch.source = "b"\nnumpy = "*"\n',
    ),
    "at the end of its table, before what follows": (
        "[a]\nx = 1\n\n# of b\n[b]\n",
        lambda text: toml.put(text, ("a", "y"), 2),
        "[a]\nx = 1\ny = 2\n\n# of b\n[b]\n",
    ),
    "indented like its neighbour": ("[a]\n\tx = 1\n", lambda text: toml.put(text, ("a", "y"), 2), "[a]\n\tx = 1\n\ty = 2\n"),
    "a table that is there by its parts only": (
        "[tool.uv.pip]\nx = 1\n\n[other]\n",
        lambda text: toml.put(text, ("tool", "uv", "package"), Literal("false")),
        "[tool.uv.pip]\nx = 1\n\n[tool.uv]\npackage = false\n\n[other]\n",
    ),
    "a file that is empty": ("", lambda text: toml.put(text, ("a", "b"), 1), "[a]\nb = 1\n"),
    "no newline at the end": ("[a]\nx = 1", lambda text: toml.put(text, ("b", "y"), 2), "[a]\nx = 1\n\n[b]\ny = 2"),
    "CR LF": ("[a]\r\nx = 1\r\n[b]\r\n", lambda text: toml.put(text, ("a", "y"), 2), "[a]\r\nx = 1\r\ny = 2\r\n[b]\r\n"),
    "a byte order mark": (BOM + "x = 1\n[b]\n", lambda text: toml.put(text, ("y",), 2), BOM + "x = 1\ny = 2\n[b]\n"),
    "the first key of a file of tables": (
        BOM + "# top\n\n# of a\n[a]\n",
        lambda text: toml.put(text, ("y",), 2),
        BOM + "# top\n\ny = 2\n\n# of a\n[a]\n",
    ),
    "tables out of order": (
        "[a.b]\nx = 1\n[c]\n[a.d]\ny = 1\n",
        lambda text: toml.put(text, ("a", "d", "z"), 2),
        "[a.b]\nx = 1\n[c]\n[a.d]\ny = 1\nz = 2\n",
    ),
    "letters that end lines elsewhere": (
        'x = "a\u2028b" # \x85c\u2028\ny = 1\n',
        lambda text: toml.put(text, ("y",), 2),
        'x = "a\u2028b" # \x85c\u2028\ny = 2\n',
    ),
    "a list from which one goes": (
        '[s]\nnames = [\n  "torch", # t\n  "torchvision",\n  "numpy", # n\n]\n',
        lambda text: toml.put(text, ("s", "names"), ["torch", "numpy"]),
        '[s]\nnames = [\n  "torch", # t\n  "numpy", # n\n]\n',
    ),
    "a list that grows, without a last comma": (
        'names = [\n  "torch" # t\n]\n',
        lambda text: toml.put(text, ("names",), ["torch", "x"]),
        'names = [\n  "torch", # t\n  "x"\n]\n',
    ),
    "what is commented out comes to life, the other comments stay": (
        SEED,
        lambda text: toml.put(text, TORCH, {"version": ">=2.3.0,<3.0.0", "source": "pytorch-cu130"}, revive=True),
        SEED.replace(
            '# torch = {version = ">=2.3.0,<3.0.0", source = "pytorch_cuda_cu129"}',
            'torch = {version = ">=2.3.0,<3.0.0", source = "pytorch-cu130"}',
        ),
    ),
    "without revive it stays a comment": (
        "[a]\n# x = 1\ny = 1\n",
        lambda text: toml.put(text, ("a", "x"), 2),
        "[a]\n# x = 1\ny = 1\nx = 2\n",
    ),
    "a comment in another table is no such line": (
        "[b]\n# x = 1\n[a]\ny = 1\n",
        lambda text: toml.put(text, ("a", "x"), 2, revive=True),
        "[b]\n# x = 1\n[a]\ny = 1\nx = 2\n",
    ),
}

ENTRIES: dict[str, Case] = {
    "behind the last of its kind": (
        '[[source]]\nname = "pypi"\nurl = "u"\n\n[packages]\n',
        lambda text: toml.put_entry(text, ("source",), {"name": "pt", "url": "v", "verify_ssl": True}),
        '[[source]]\nname = "pypi"\nurl = "u"\n\n[[source]]\nname = "pt"\nurl = "v"\nverify_ssl = true\n\n[packages]\n',
    ),
    "in place, other keys stay": (
        '[[tool.uv.index]]\nname = "pt"\nurl = "u" # c\ndefault = false\n',
        lambda text: toml.put_entry(text, INDEX, {"name": "pt", "url": "v", "explicit": True}),
        '[[tool.uv.index]]\nname = "pt"\nurl = "v" # c\ndefault = false\nexplicit = true\n',
    ),
    "in an array of inline tables": (
        '[tool.uv]\nindex = [\n  { name = "a", url = "u" },\n]\n',
        lambda text: toml.put_entry(text, INDEX, {"name": "b", "url": "v"}),
        '[tool.uv]\nindex = [\n  { name = "a", url = "u" },\n  {name = "b", url = "v"},\n]\n',
    ),
    "beside its tool, not at the end": (
        "[tool.uv]\nx = 1\n\n[tool.ruff]\n",
        lambda text: toml.put_entry(text, INDEX, {"name": "b", "url": "v"}),
        '[tool.uv]\nx = 1\n\n[[tool.uv.index]]\nname = "b"\nurl = "v"\n\n[tool.ruff]\n',
    ),
    "an entry with tables below it": (
        '[[a]]\nname = "1"\n[a.b]\nx = 1\n[[a]]\nname = "2"\n',
        lambda text: toml.put_entry(text, ("a",), {"name": "1", "url": "u"}),
        '[[a]]\nname = "1"\nurl = "u"\n[a.b]\nx = 1\n[[a]]\nname = "2"\n',
    ),
    "a block that is commented out": (
        SEED,
        lambda text: toml.put_entry(
            text, SOURCE, {"name": "pytorch_cuda_cu130", "url": "v", "priority": "explicit"}, revive=True
        ),
        SEED.replace(
            '# [[tool.poetry.source]]\n# name = "pytorch_cuda_cu130"\n'
            '# url = "https://example.org/whl/cu130"\n# priority = "explicit"',
            '[[tool.poetry.source]]\nname = "pytorch_cuda_cu130"\nurl = "v"\npriority = "explicit"',
        ),
    ),
    "gone, with one blank line": (
        '[[s]]\nname = "a"\n\n[[s]]\nname = "b"\n# mine\nurl = "u"\n\n[z]\n',
        lambda text: toml.remove_entry(text, ("s",), "b"),
        '[[s]]\nname = "a"\n# mine\n\n[z]\n',
    ),
    "gone from inline tables": (
        'index = [{name = "a"}, {name = "b"}]\n',
        lambda text: toml.remove_entry(text, ("index",), "a"),
        'index = [{name = "b"}]\n',
    ),
}

REQUIREMENTS: dict[str, Case] = {
    "in place; the name, the extras, the marker and the comments stay": (
        '[project]\ndependencies = [\n  # first\n  "numpy",\n  \'Torch[opt] >=2 ; sys_platform == "linux"\', # why\n]\n',
        lambda text: toml_requirements.put_requirement(text, DEPENDENCIES, "torch==2.8.0"),
        '[project]\ndependencies = [\n  # first\n  "numpy",\n  \'Torch[opt]==2.8.0 ; sys_platform == "linux"\', # why\n]\n',
    ),
    "with a marker of its own": (
        "[project]\ndependencies = [\"torch; python_version<'3.12'\"]\n",
        lambda text: toml_requirements.put_requirement(text, DEPENDENCIES, "torch==2.8.0; sys_platform == 'linux'"),
        "[project]\ndependencies = [\"torch==2.8.0; sys_platform == 'linux'\"]\n",
    ),
    "at the end of one line": (
        '[project]\ndependencies = ["a"]\n',
        lambda text: toml_requirements.put_requirement(text, DEPENDENCIES, "torch==2.8.0"),
        '[project]\ndependencies = ["a", "torch==2.8.0"]\n',
    ),
    "at the end of lines that end in a comma, past a comment": (
        '[project]\r\ndependencies = [\r\n\t"a",  # c\r\n\t# d\r\n]\r\n',
        lambda text: toml_requirements.put_requirement(text, DEPENDENCIES, "torch"),
        '[project]\r\ndependencies = [\r\n\t"a",  # c\r\n\t"torch",\r\n\t# d\r\n]\r\n',
    ),
    "into an array that is not there": (
        '[project]\nname = "x"\n',
        lambda text: toml_requirements.put_requirement(text, ("dependency-groups", "gpu"), "torch"),
        '[project]\nname = "x"\n\n[dependency-groups]\ngpu = ["torch"]\n',
    ),
    "beside an included group": (
        '[dependency-groups]\ndev = [{include-group = "t"}, "torch_audio>=1"]\n',
        lambda text: toml_requirements.put_requirement(text, ("dependency-groups", "dev"), "torch.audio==2"),
        '[dependency-groups]\ndev = [{include-group = "t"}, "torch_audio==2"]\n',
    ),
    "each of several keeps its marker": (
        "x = [\"torch==1; sys_platform == 'linux'\", \"torch==1; sys_platform != 'linux'\"]\n",
        lambda text: toml_requirements.put_requirement(text, ("x",), "torch==2", every=True),
        "x = [\"torch==2; sys_platform == 'linux'\", \"torch==2; sys_platform != 'linux'\"]\n",
    ),
    "an address": (
        'x = ["torch"]\n',
        lambda text: toml_requirements.put_requirement(text, ("x",), "torch @ https://example.org/t.whl"),
        'x = ["torch @ https://example.org/t.whl"]\n',
    ),
    "gone, with its line": (
        'x = [\n  "a",\n  "torch>=2", # t\n  "b"\n]\n',
        lambda text: toml_requirements.remove_requirement(text, ("x",), "Torch"),
        'x = [\n  "a",\n  "b"\n]\n',
    ),
    "gone from one line": (
        'x = ["a", "torch", "b"]\n',
        lambda text: toml_requirements.remove_requirement(text, ("x",), "torch"),
        'x = ["a", "b"]\n',
    ),
    "gone, the last one": (
        'x = ["a", "torch"]\n',
        lambda text: toml_requirements.remove_requirement(text, ("x",), "torch"),
        'x = ["a"]\n',
    ),
    "gone, the only one": (
        'x = ["torch"]\n',
        lambda text: toml_requirements.remove_requirement(text, ("x",), "torch"),
        "x = []\n",
    ),
}

CASES = {
    f"{kind}: {name}": case
    for kind, table in (("put", PUTS), ("entry", ENTRIES), ("req", REQUIREMENTS))
    for name, case in table.items()
}


@pytest.mark.parametrize("name", CASES)
def test_an_edit(name: str) -> None:
    before, edit, after = CASES[name]
    made = edit(before)
    assert made == after
    assert edit(made) == made, "twice is once"
    tomllib.loads(made.removeprefix(BOM))


REFUSED: dict[str, tuple[Callable[[], object], int, int, str]] = {
    "no TOML": (lambda: toml.put("a = 1\nb = = 2\n", ("a",), 2), 2, 5, "no TOML"),
    "no TOML, CR LF": (lambda: toml.put("a = 1\r\nb = = 2\r\n", ("a",), 2), 2, 5, "no TOML"),
    "two tables of one name": (lambda: toml.put("[a]\nx=1\n[a]\n", ("a", "x"), 2), 3, 3, "twice"),
    "two keys of one name": (lambda: toml.read("x = 1\ny = 2\nx = 3\n"), 3, 6, "overwrite"),
    "the end of the file": (lambda: toml.read("x = 1\ny = ["), 2, 6, "no TOML"),
    "a lone CR": (lambda: toml.read("x = 1\ry = 2\n"), 1, 6, "no TOML"),
    "a NUL": (lambda: toml.read("x = 1\n# \0\n"), 2, 3, "no TOML"),
    "a form feed": (lambda: toml.read("x = 1 # a\x0cb\n"), 1, 10, "no TOML"),
    "no UTF-8": (lambda: toml.read(b"x = 1\n# caf\xe9\n".decode("utf-8", "surrogateescape")), 2, 6, "UTF-8"),
    "a table in the place of a value": (lambda: toml.put("[a]\n[a.b]\nx = 1\n", ("a", "b"), 2), 2, 1, "is a table here"),
    "a value in the place of a table": (lambda: toml.put("a = 1\n", ("a", "b"), 2), 0, 0, "table"),
    "a value that is no TOML": (lambda: toml.put("a = 1\n", ("a",), Literal("1 2")), 1, 7, "no TOML"),
    "a value that is more than one": (lambda: toml.put("a = 1\n", ("a",), Literal("1\nb = 2")), 0, 0, "more than one"),
    "a value TOML lacks": (lambda: toml.put("a = 1\n", ("a",), None), 0, 0, "NoneType"),
    "two sources of one name": (
        lambda: toml.put_entry('[[s]]\nname = "a"\n[[s]]\nname = "a"\n', ("s",), {"name": "a"}),
        0,
        0,
        "2 entries",
    ),
    "a requirement for each system": (
        lambda: toml_requirements.put_requirement('x = ["t;a", "t;b"]', ("x",), "t"),
        0,
        0,
        "2 times",
    ),
    "a requirement where no array is": (lambda: toml_requirements.put_requirement("x = 1", ("x",), "t"), 0, 0, "no array"),
    "deep": (lambda: toml.read("x = " + "[" * 100_000), 0, 0, "deep"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_edited_is_refused_with_its_place(name: str) -> None:
    edit, line, column, says = REFUSED[name]
    with pytest.raises(EditError) as caught:
        edit()
    assert (caught.value.line, caught.value.column) == (line, column)
    assert says in str(caught.value)


def test_what_is_commented_out_can_be_read() -> None:
    assert toml_comments.commented(SEED, TORCH) == ({"version": ">=2.3.0,<3.0.0", "source": "pytorch_cuda_cu129"},)
    assert toml_comments.commented_entries(SEED, SOURCE) == (
        {"name": "pytorch_cuda_cu130", "url": "https://example.org/whl/cu130", "priority": "explicit"},
    )
    assert toml_comments.commented(SEED, (*TORCH[:-1], "numpy")) == ()


# A third of a megabyte each: time grows with length, and a megabyte in four parts would take the tests a minute.
@pytest.mark.parametrize("shape", ["keys", "tables", "array", "comments", "quotes", "brackets"])
def test_a_huge_file_is_edited_in_time(shape: str) -> None:
    text = {
        "keys": "[a]\n" + "".join(f"key{at} = {{v = '{at}'}}\n" for at in range(15_000)),
        "tables": "".join(f"[t{at}]\nx = 1\n[[u]]\nname = 'n{at}'\n" for at in range(8_000)),
        "array": "x = [\n" + "  'torch',\n" * 30_000 + "]\n",
        "comments": "# [[u]]\n# name = 'x'\n" * 16_000,
        "quotes": "x = '''" + "''\n" * 110_000 + "'''\n",
        "brackets": "x = [" + "[]," * 110_000 + "]\n",
    }[shape]
    begun = time.process_time()
    tomllib.loads(text)
    read = time.process_time() - begun
    begun = time.process_time()
    after = toml.put_entry(text, ("tool", "index"), {"name": "n", "url": "u"}, revive=True)
    took = time.process_time() - begun
    assert len(after) > len(text)
    # The text has to be parsed before and after: what comes on top may not be more than that.
    assert took < 5 * read + 0.5, (took, read)


def test_every_pyproject_at_hand_survives_an_edit_and_its_reverse() -> None:
    root = Path(__file__).parents[3]
    text = (root / "pyproject.toml").read_text("utf-8")
    path = ("project", "optional-dependencies", "test")
    added = toml_requirements.put_requirement(text, path, "torchsmith-made-up==1")
    assert added.count("\n") == text.count("\n") + 1
    assert toml_requirements.remove_requirement(added, path, "torchsmith-made-up") == text
    entry = toml.put_entry(text, INDEX, {"name": "pt", "url": "u", "explicit": True})
    assert toml.remove_entry(entry, INDEX, "pt") == text

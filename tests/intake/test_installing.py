"""What package managers print, and project files: the facts in them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from torchsmith.intake import formats
from torchsmith.model.facts.project import PastedProject, Transcript

INDEX = "https://download.pytorch.org/whl"
PIP = f"""\
Looking in indexes: https://mirror.example/simple, {INDEX}/cu121
Requirement already satisfied: numpy>=1.2 in ./venv/lib/python3.12/site-packages (from torch) (2.0.1)
  Attempting uninstall: torch
    Found existing installation: torch 2.5.1+cu121
    Uninstalling torch-2.5.1+cu121:
      Successfully uninstalled torch-2.5.1+cu121
torchaudio 2.5.1+cu121 requires torch==2.5.1, but you have torch 2.6.0 which is incompatible.
Successfully installed nvidia-cublas-cu12-12.4.5.8 torch-2.6.0 xformers-0.0.29.post2
"""
UV = """\
$ uv sync --extra cpu
Resolved 5 packages in 3ms
Uninstalled 2 packages in 3ms
 - nvidia-cublas-cu12==12.9.1.4
 - torch==2.8.0+cu129
 + torch==2.8.0
 ~ app==0.1.0 (from file:///srv/app)
"""
POETRY = """\
Package operations: 1 install, 2 updates, 1 removal

  - Removing triton (3.4.0)
  - Downgrading torch (2.8.0+cu129 -> 2.8.0)
  • Updating numpy (1.26.4 https://mirror.example/numpy.whl -> 2.0.1 https://mirror.example/numpy2.whl)
  - Installing torchvision (0.20.1): Failed
  - Installing filelock (3.18.0)
"""
PDM = "  ✔ Update torch 2.4.1+cu124 -> 2.4.1 successful\n  ✔ Install numpy 2.0.1 successful\n"
CONDA = """\
The following NEW packages will be INSTALLED:

  pytorch            pytorch/linux-64::pytorch-2.0.0-py3.10_cuda11.7_cudnn8.5.0_0
  zlib               conda-forge/linux-64::zlib-1.2.13-hd590300_5

The following packages will be SUPERSEDED by a higher-priority channel:

  pytorch-mutex      pytorch::pytorch-mutex-1.0-cuda --> conda-forge::pytorch-mutex-1.0-cpu_0
"""
MAMBA = """\
  + pytorch       2.1.0  cpu_generic_py310h  conda-forge/linux-64     Cached
  - cudatoolkit  11.8.0  h4ba93d1_13         conda-forge/linux-64
"""


def transcript(text: str) -> Transcript:
    value: Any = formats.read(text.encode())["transcript"].value  # type: ignore[union-attr]
    return value  # type: ignore[no-any-return]


def project(text: str) -> PastedProject:
    value: Any = formats.read(text.encode())["pasted_project"].value  # type: ignore[union-attr]
    return value  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (PIP, [("torch", "2.5.1+cu121", "2.6.0"), ("nvidia-cublas-cu12", "", "12.4.5.8"), ("xformers", "", "0.0.29.post2")]),
        (UV, [("torch", "2.8.0+cu129", "2.8.0"), ("nvidia-cublas-cu12", "12.9.1.4", ""), ("app", "", "0.1.0")]),
        (
            POETRY,
            [
                ("torch", "2.8.0+cu129", "2.8.0"),
                ("numpy", "1.26.4", "2.0.1"),
                ("triton", "3.4.0", ""),
                ("filelock", "", "3.18.0"),
            ],
        ),
        (PDM, [("torch", "2.4.1+cu124", "2.4.1"), ("numpy", "", "2.0.1")]),
        (CONDA, [("pytorch", "", "2.0.0"), ("pytorch-mutex", "1.0", "1.0")]),
        (MAMBA, [("pytorch", "", "2.1.0"), ("cudatoolkit", "11.8.0", "")]),
    ],
)
def test_changes(text: str, changes: list[tuple[str, str, str]]) -> None:
    assert {(c.package, c.before, c.after) for c in transcript(text).changes} == set(changes)


def test_what_is_left_is_what_the_last_line_says() -> None:
    facts: Any = formats.read(PIP.encode())
    assert facts["packages"].value.version("torch") == "2.6.0"
    assert formats.read(UV.encode())["packages"].value.version("torch") == "2.8.0"  # type: ignore[union-attr]
    assert formats.read(UV.encode())["packages"].value.version("nvidia-cublas-cu12") is None  # type: ignore[union-attr]


def test_an_item_of_a_list_is_no_change() -> None:
    facts: Any = formats.read(b"- torch==2.4.0\n- numpy==1.26.4\n")
    assert facts["packages"].value.version("torch") == "2.4.0"
    assert "transcript" not in facts


def test_pip_tells_what_it_looked_in_and_what_clashes() -> None:
    told = transcript(PIP)
    assert [(index.url.rpartition("/")[2], index.kind) for index in told.indexes] == [("simple", "index"), ("cu121", "extra")]
    assert [(clash.package, clash.requires, clash.have) for clash in told.clashes] == [("torchaudio", "torch==2.5.1", "2.6.0")]
    assert [(met.package, met.asked, met.version) for met in told.satisfied] == [("numpy", "numpy>=1.2", "2.0.1")]


@pytest.mark.parametrize(
    ("text", "manager", "verb", "packages", "labels"),
    [
        (f"pip install torch==2.8.0 numpy --index-url {INDEX}/cu128", "pip", "install", ("torch==2.8.0", "numpy"), ["index"]),
        (f"$ uv add torch --index pytorch={INDEX}/cu128", "uv", "add", ("torch",), ["extra"]),
        (
            f"RUN pip3 install -U --extra-index-url={INDEX}/cu118 \\\n    torch torchvision && rm -rf /root",
            "pip",
            "install",
            ("torch", "torchvision"),
            ["extra"],
        ),
        (
            "conda install pytorch pytorch-cuda=11.8 -c pytorch -c nvidia",
            "conda",
            "install",
            ("pytorch", "pytorch-cuda=11.8"),
            [],
        ),
        ("I ran `pip install torch` and then it failed", "pip", "install", ("torch",), []),
        ("uv run python train.py", "uv", "run", (), []),
    ],
)
def test_commands(text: str, manager: str, verb: str, packages: tuple[str, ...], labels: list[str]) -> None:
    (request,) = transcript(text).requests
    assert (request.manager, request.verb, request.packages) == (manager, verb, packages)
    assert [index.kind for index in request.indexes] == labels


def test_a_password_in_an_index_is_not_kept() -> None:
    (request,) = transcript("pip install torch --index-url https://me:secret@mirror.example/whl/cu128").requests
    assert "secret" not in str(request)


PYPROJECT = f"""\
Here is my file:
```toml
[project]
name = "x"
dependencies = [
    "torch>=2.6",
    "numpy ; sys_platform == 'linux'",
    ...
]
[project.optional-dependencies]
cpu = ["torch==2.6.0"]
[tool.uv]
conflicts = [[{{ extra = "cpu" }}, {{ extra = "cu124" }}]]
[tool.uv.sources]
torch = [{{ index = "pytorch-cu124", marker = "sys_platform != 'darwin'" }}]
broken = {{ index = "a"
[[tool.uv.index]]
name = "pytorch-cu124"
url = "{INDEX}/cu124"
explicit = true
```
and this is the lock:
[[package]]
name = "torch"
version = "2.6.0+cu124"
source = {{ registry = "{INDEX}/cu124" }}
dependencies = [
    {{ name = "filelock" }},
]
"""


def test_pyproject_and_lock_inside_prose() -> None:
    found = project(PYPROJECT)
    assert [(d.package, d.where) for d in found.dependencies] == [
        ("torch", "project"),
        ("numpy", "project"),
        ("torch", "extra:cpu"),
    ]
    assert [(b.package, b.source, b.marker) for b in found.bindings] == [("torch", "pytorch-cu124", "sys_platform != 'darwin'")]
    assert [(s.name, s.explicit) for s in found.sources] == [("pytorch-cu124", True)]
    assert found.conflicts == (("cpu", "cu124"),)
    assert [(entry.version, entry.tool, entry.needs) for entry in found.locked] == [("2.6.0+cu124", "uv", ("filelock",))]


def test_fragments_without_a_table() -> None:
    found = project('torch = { version = "^2.5.1+cpu", source = "pytorch-cpu" }\nUnable to find it')
    assert [(b.package, b.source, b.tool) for b in found.bindings] == [("torch", "pytorch-cpu", "poetry")]
    found = project('dependencies = ["accelerate>=1.0"]\n[tool.uv.sources] torch = { index = "pytorch-cu128" }')
    assert [b.tool for b in found.bindings] == ["uv"]
    assert [d.package for d in found.dependencies] == ["accelerate"]


def test_poetry_lock() -> None:
    found = project(
        '[[package]]\nname = "torch"\nversion = "2.6.0+cpu"\n\n[package.dependencies]\nfilelock = "*"\n\n[package.source]\n'
        f'type = "legacy"\nurl = "{INDEX}/cpu"\nreference = "pytorch-cpu"\n'
    )
    assert [(e.version, e.source, e.tool, e.needs) for e in found.locked] == [
        ("2.6.0+cpu", f"{INDEX}/cpu", "poetry", ("filelock",))
    ]


def test_environment_yml() -> None:
    found = project("channels:\n  - pytorch\ndependencies:\n  - python=3.10\n  - pytorch::pytorch=2.1\n  - pip:\n    - vllm\n")
    assert found.channels == ("pytorch",)
    assert [(d.package, d.where) for d in found.dependencies] == [
        ("python", "conda"),
        ("pytorch", "conda"),
        ("vllm", "conda-pip"),
    ]


@pytest.mark.parametrize("text", ["[package]\nname = 'serde'\n", "A=b\nPATH=/usr/bin\n", "[section]\nkey = 1\n"])
def test_what_is_no_project(text: str) -> None:
    assert "pasted_project" not in formats.read(text.encode())


@pytest.mark.parametrize(
    "line",
    [
        "[tool.uv.sources] " + "a = [" * 800,
        "[project]\ndependencies = [" + "[" * 3000,
        "pip install " + "torch " * 700,
        " - a==1" * 500,
        "Successfully installed " + "torch-2.6.0 " * 300,
        "  pytorch " + " " * 4000,
        "Requirement already satisfied: torch" + " (" * 2000,
    ],
)
def test_hostile_lines_are_read_quickly(line: str) -> None:
    start = time.perf_counter()
    formats.read(((line + "\n") * 20).encode())
    assert time.perf_counter() - start < 5

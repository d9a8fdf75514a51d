"""Rules on what package managers make of a project: where they speak, and where they must not."""

from __future__ import annotations

import pytest

from torchsmith.app.explain import explain

INDEX = "https://download.pytorch.org/whl"
RIGHT_UV = f"""\
[project]
name = "x"
version = "0"
dependencies = ["torch", "torchvision"]
[tool.uv.sources]
torch = {{ index = "pytorch-cu128" }}
torchvision = {{ index = "pytorch-cu128" }}
[[tool.uv.index]]
name = "pytorch-cu128"
url = "{INDEX}/cu128"
explicit = true
"""
EXTRAS_UV = f"""\
[project.optional-dependencies]
cpu = ["torch==2.6.0"]
cu124 = ["torch==2.6.0"]
[tool.uv]
conflicts = [[{{ extra = "cpu" }}, {{ extra = "cu124" }}]]
[tool.uv.sources]
torch = [{{ index = "pytorch-cpu", extra = "cpu" }}, {{ index = "pytorch-cu124", extra = "cu124" }}]
[[tool.uv.index]]
name = "pytorch-cpu"
url = "{INDEX}/cpu"
explicit = true
[[tool.uv.index]]
name = "pytorch-cu124"
url = "{INDEX}/cu124"
explicit = true
"""
RIGHT_POETRY = f"""\
[project]
name = "x"
dependencies = ["torch==2.8.0", "accelerate"]
[tool.poetry.dependencies]
torch = [
  {{ version = "2.8.0", markers = "sys_platform == 'linux'", source = "pytorch-cu129" }},
  {{ version = "2.8.0", markers = "sys_platform != 'linux'", source = "pytorch-cpu" }},
]
[[tool.poetry.source]]
name = "pytorch-cu129"
url = "{INDEX}/cu129"
priority = "explicit"
[[tool.poetry.source]]
name = "pytorch-cpu"
url = "{INDEX}/cpu"
priority = "explicit"
"""


def causes(text: str) -> list[str]:
    return [finding.cause for finding in explain(text.encode()).root_causes]


@pytest.mark.parametrize(
    "text",
    [
        RIGHT_UV,
        EXTRAS_UV,
        RIGHT_POETRY,
        f"pip install torch torchvision --index-url {INDEX}/cu128\nSuccessfully installed torch-2.8.0+cu128",
        "$ uv sync\n - numpy==1.26.4\n + numpy==2.0.1\n",
        "$ uv pip install torch==2.8.0\n - torch==2.7.0\n + torch==2.8.0\n",
        "  - Updating torch (2.7.0 -> 2.8.0)\n",
        "Requirement already satisfied: torch==2.8.0 in ./venv (2.8.0)\n",
        f"Looking in indexes: {INDEX}/cu128\nRequirement already satisfied: torch in ./venv (2.8.0+cu128)\nTrue\n",
        "channels:\n  - conda-forge\ndependencies:\n  - pytorch-gpu\n  - cuda-version=12.8\n",
    ],
)
def test_nothing_is_wrong_with_it(text: str) -> None:
    sure = [finding for finding in explain(text.encode()).root_causes if finding.confidence >= 0.6]
    assert not sure, [(finding.cause, finding.confidence) for finding in sure]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (RIGHT_UV.replace("explicit = true\n", ""), "uv-index-not-explicit"),
        (RIGHT_UV.replace('torchvision = { index = "pytorch-cu128" }\n', ""), "uv-sources-incomplete"),
        (RIGHT_UV.replace('["torch", "torchvision"]', '["accelerate"]'), "uv-sources-transitive"),
        (EXTRAS_UV.replace("conflicts", "environments-of"), "uv-conflicting-extras"),
        (RIGHT_POETRY.replace('"torch==2.8.0", ', ""), "poetry-pep621-source-ignored"),
        (RIGHT_POETRY.replace('name = "pytorch-cpu"', 'name = "pytorch-none"'), "poetry-source-undefined"),
        (RIGHT_POETRY.replace("sys_platform != 'linux'", "sys_platform == 'linux'"), "poetry-multi-torch"),
    ],
)
def test_one_line_makes_the_difference(text: str, cause: str) -> None:
    assert causes(text)[:1] == [cause]


def test_commands_name_the_build_that_was_there() -> None:
    first = explain(b"  - Downgrading torch (2.8.0+cu129 -> 2.8.0)\n").root_causes[0]
    commands = [command for remedy in first.remedies for command in remedy.commands]
    assert ("poetry", "source", "add", "--priority", "explicit", "pytorch-cu129", f"{INDEX}/cu129") in commands


def test_a_name_from_the_text_gets_into_no_command_unread() -> None:
    found = explain(b'Repository "x; rm -rf cu129" does not exist\nRepository "$(reboot)cu129" does not exist\n').root_causes
    assert not [
        c for finding in found for remedy in finding.remedies for c in remedy.commands if any("rm" in w or "$" in w for w in c)
    ]

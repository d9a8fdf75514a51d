"""Answers to pasted texts: the command is that of the installer which the text shows, and no remedy is what is already there."""

from __future__ import annotations

import pytest

from torchsmith.app.explain import explain

SATISFIED = "Requirement already satisfied: torch==2.8.0 in ./venv/lib/python3.12/site-packages (2.8.0+{have})\n"
ASKED = "$ pip install torch==2.8.0 --index-url https://download.pytorch.org/whl/{label}\n"


@pytest.mark.parametrize(
    ("before", "command"),
    [
        ("", ("python", "-m", "pip", "cache", "purge")),
        ("$ uv pip install torch\n", ("uv", "cache", "clean")),
    ],
)
def test_the_cache_of_the_installer_is_cleared(before: str, command: tuple[str, ...]) -> None:
    text = f"{before}ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n    torch from https://x.org/torch.whl:\n"
    found = next(one for one in explain(text.encode()).root_causes if one.cause == "wheel-download-corrupt")
    assert found.remedies[0].commands == (command,)


@pytest.mark.parametrize(("have", "wanted", "named"), [("cu128", "cu126", True), ("cpu", "cu126", False)])
def test_upgrade_is_said_not_to_help_only_where_the_label_sorts_before(have: str, wanted: str, named: bool) -> None:
    first = explain((ASKED.format(label=wanted) + SATISFIED.format(have=have)).encode()).root_causes[0]
    assert first.cause == "local-version-satisfied"
    assert any("--upgrade" in one.title for one in first.wont_help) is named


def test_an_index_of_another_command_says_nothing_of_this_one() -> None:
    text = ASKED.format(label="cu118") + ASKED.format(label="cu128") + SATISFIED.format(have="cu128")
    assert all(one.cause != "local-version-satisfied" for one in explain(text.encode()).root_causes)


def test_the_python_that_is_there_is_not_proposed() -> None:
    text = (
        "C:\\>pip install torch==1.13.1+cu117\n"
        "ERROR: Could not find a version that satisfies the requirement torch==1.13.1+cu117 (from versions: 2.0.0, 2.0.1)\n"
        "Python 3.11.7\n"
    )
    first = explain(text.encode()).root_causes[0]
    assert first.cause == "python-version-unsupported"
    assert ("uv", "venv", "--python", "3.10") in first.remedies[0].commands


def test_a_project_of_uv_is_narrowed_not_its_python_changed() -> None:
    text = (
        "$ uv add torch\n  \u00d7 No solution found when resolving dependencies for split (markers: python >= '3.14'):\n"
        "Because torch==2.7.1 has no wheels with a matching Python ABI tag (e.g., `cp314`)\n"
        "hint: You require CPython 3.14 (`cp314`), but we only found wheels for `torch` (v2.7.1) with the following Python"
        " ABI tags: `cp312`, `cp313`\n"
    )
    first = explain(text.encode()).root_causes[0]
    assert first.cause == "python-version-unsupported"
    assert "requires-python" in first.remedies[0].title
    assert all("venv" not in command for remedy in first.remedies for command in remedy.commands)


def test_a_driver_in_the_table_is_not_missing() -> None:
    text = (
        "| NVIDIA-SMI 535.183.01             Driver Version: 535.183.01   CUDA Version: 12.2     |\n"
        "|   0  NVIDIA A100-SXM4-40GB          On  |   00000000:00:04.0 Off |                    0 |\n"
        "UserWarning: CUDA initialization: Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized\n"
        ">>> torch.cuda.is_available()\nFalse\n>>> torch.__version__\n'2.9.0+cu128'\n"
    )
    assert all(one.cause != "no-nvidia-driver" for one in explain(text.encode()).root_causes)

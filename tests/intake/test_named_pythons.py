"""Which interpreter, environment and system a text names, and where in the paste a complaint stands."""

from __future__ import annotations

from typing import Any

import pytest

from torchsmith.app.explain import explain
from torchsmith.intake import formats, signatures, text


def stated(text: bytes) -> dict[str, Any]:
    return formats.read(text)


CONDA = """(ml) C:\\Users\\eva>conda list
# packages in environment at C:\\Users\\eva\\miniconda3\\envs\\ml:
#
# Name                    Version                   Build  Channel
blas                      1.0                         mkl
cpuonly                   2.0                           0    pytorch
python                    3.10.14              he1021f5_1
pytorch                   2.3.1               py3.10_cpu_0    pytorch

(ml) C:\\Users\\eva>nvidia-smi -L
GPU 0: NVIDIA GeForce RTX 4060 Laptop GPU (UUID: GPU-2b6d8c2f-0000-1111-2222-333344445555)
"""
EMBEDDED = """** Python version: 3.12.8 (tags/v3.12.8:2dc476b, Dec  3 2024, 19:30:04) [MSC v.1942 64 bit (AMD64)]
** Python executable: D:\\ComfyUI\\python_embeded\\python.exe
NVIDIA GeForce RTX 5080 with CUDA capability sm_120 is not compatible with the current PyTorch installation.
The current PyTorch install supports CUDA capabilities sm_50 sm_60 sm_61 sm_70 sm_75 sm_80 sm_86 sm_90.
pytorch version: 2.6.0+cu126
RuntimeError: CUDA error: no kernel image is available for execution on the device
"""


def _commands(pasted: str) -> list[tuple[str, ...]]:
    first = explain(pasted.encode()).root_causes[0]
    return [command for remedy in first.remedies for command in remedy.commands]


@pytest.mark.parametrize(
    ("pasted", "place"),
    [
        (CONDA, ("-p", "C:\\Users\\eva\\miniconda3\\envs\\ml")),
        (CONDA.replace("# packages in environment at C:\\Users\\eva\\miniconda3\\envs\\ml:\n", ""), ("-n", "ml")),
        (CONDA.replace("# packages in environment at C:\\Users\\eva\\miniconda3\\envs\\ml:\n", "").replace("(ml) ", ""), ()),
        (CONDA.replace("envs\\ml:", "envs\\$(x):").replace("(ml) ", ""), ()),
    ],
)
def test_conda_is_told_which_environment_as_far_as_the_text_tells(pasted: str, place: tuple[str, ...]) -> None:
    assert ("conda", "remove", *place, "cpuonly") in _commands(pasted)


def test_a_named_interpreter_installs() -> None:
    (command,) = _commands(EMBEDDED)
    assert command[0] == "D:\\ComfyUI\\python_embeded\\python.exe"


def test_no_driver_is_claimed_that_the_text_does_not_tell() -> None:
    why = explain(EMBEDDED.encode()).root_causes[0].remedies[0].why
    assert "this driver" not in why
    assert "needs NVIDIA driver 570" in why


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/opt/conda/lib/python3.11/site-packages/torch/__init__.py", "conda"),
        ("/usr/local/lib/python3.12/dist-packages/torch/__init__.py", "system"),
        ("/home/u/p/.venv/lib/python3.12/site-packages/torch/__init__.py", "venv"),
        ("D:\\ComfyUI\\python_embeded\\Lib\\site-packages\\torch\\__init__.py", "unknown"),
    ],
)
def test_the_kind_of_an_environment_has_a_ground(path: str, kind: str) -> None:
    facts = stated(f'Python version: 3.12.1\n  File "{path}", line 3\ntorch==2.6.0\n'.encode())
    assert facts["environment"].value.kind == kind
    assert facts["interpreter"].value.kind == kind


@pytest.mark.parametrize(
    ("said", "system"),
    [
        ('File "C:/Users/joe/x.py", line 3', "windows"),
        ("C:\\>pip install torch", "windows"),
        ('File "/Users/joe/x.py", line 3', "macos"),
        (
            "Linux D7 5.15.167.4-microsoft-standard-WSL2 #1 SMP x86_64 GNU/Linux\n|   0  RTX 4070  WDDM  | 0:1:0.0 On | N/A |",
            "linux",
        ),
    ],
)
def test_the_system(said: str, system: str) -> None:
    assert stated(said.encode())["machine"].value.os == system


def test_uname_tells_wsl() -> None:
    assert stated(b"Linux D7 5.15.167.4-microsoft-standard-WSL2 #1 SMP x86_64 GNU/Linux\n")["machine"].value.wsl == 2


def test_a_list_of_packages_is_placed_by_all_its_lines() -> None:
    packages = stated(CONDA.encode())["packages"]
    assert packages.source == "conda list, lines 5-8"
    assert packages.position is not None
    assert packages.position.line == 5


@pytest.mark.parametrize(
    "prefix", ["", "(EngineCore_DP0 pid=219) ERROR 09-12 08:23:03 [core.py:718] ", "2025-04-01T10:11:19.0000006Z "]
)
def test_a_column_is_that_of_the_paste(prefix: str) -> None:
    (found,) = (
        c
        for c in signatures.read(text.lines(f"{prefix}AssertionError: Torch not compiled with CUDA enabled"))
        if c.signature == "not-compiled-with-cuda"
    )
    assert found.position.column == len(prefix) + len("AssertionError: ") + 1


def test_what_the_text_shows_is_not_asked_for() -> None:
    failed = "$ sudo modprobe nvidia\nmodprobe: ERROR: could not insert 'nvidia': Key was rejected by service\n"
    pasted = f"{failed}$ mokutil --sb-state\nSecureBoot enabled\n"
    first = explain(pasted.encode()).root_causes[0]
    assert first.cause == "secure-boot-blocks-module"
    assert ("mokutil", "--sb-state") not in first.decide_by
    assert first.decide_by

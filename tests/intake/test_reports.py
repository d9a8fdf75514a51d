"""Environment reports of other programs, sessions, lists and prompts: what people paste beside collect_env."""

from __future__ import annotations

from typing import Any

import pytest

from torchsmith.intake import formats
from torchsmith.model.known import Known

TRANSFORMERS = """\
- `transformers` version: 4.36.2
- Platform: Linux-5.15.0-91-generic-x86_64-with-glibc2.35
- Python version: 3.10.12
- PyTorch version (GPU?): 2.1.2+cu121 (True)
- Using GPU in script?: yes
"""
DETECTRON = """\
----------------------  -----------------------------------------
sys.platform            linux
Python                  3.8.5 (default, Sep  4 2020, 07:30:14) [GCC 7.3.0]
PyTorch                 1.8.1+cu111 @/opt/conda/lib/python3.8/site-packages/torch
GPU available           True
GPU 0,1                 Tesla V100-SXM2-16GB (arch=7.0)
"""
DEEPSPEED = """\
torch install path ............... ['/opt/conda/lib/python3.10/site-packages/torch']
torch version .................... 2.1.0+cu121
torch cuda version ............... 12.1
"""
SGLANG = """\
Python: 3.10.12 (main, Nov  6 2024, 20:22:13) [GCC 11.4.0]
CUDA available: True
GPU 0,1: NVIDIA H100 80GB HBM3
GPU 0,1 Compute Capability: 9.0
CUDA Driver Version: 550.54.15
PyTorch: 2.5.1+cu124
"""
ULTRALYTICS = "Ultralytics 8.3.0 Python-3.10.12 torch-2.5.1+cu124 CUDA:0 (NVIDIA GeForce RTX 3060, 12044MiB)\n"
WEBUI = "version: v1.6.0  •  python: 3.10.6  •  torch: 2.0.1+cu118  •  xformers: 0.0.20\n"
COMFY = "pytorch version: 2.3.1+cu121\nDevice: cuda:0 NVIDIA GeForce RTX 3060 : cudaMallocAsync\n"
SESSION = """\
>>> import torch
>>> torch.__version__
'2.5.1+cu121'
>>> torch.version.cuda
'12.1'
>>> torch.cuda.is_available()
True
>>> torch.cuda.get_device_name(0)
'NVIDIA GeForce RTX 3060'
"""
ONE_LINER = (
    'python -c "import torch; print(torch.__version__, torch.version.cuda, torch.cuda.is_available())"\n2.5.1+cu121 12.1 True\n'
)
SCRIPT = """\
print(torch.__version__)
print(torch.cuda.is_available())
UserWarning: something is deprecated
2.5.1+cu121
True
"""


def facts(text: str) -> dict[str, Any]:
    return {name: fact.value for name, fact in formats.read(text.encode()).items() if isinstance(fact, Known)}


@pytest.mark.parametrize(
    ("text", "torch"),
    [
        (TRANSFORMERS, "2.1.2+cu121"),
        (DETECTRON, "1.8.1+cu111"),
        (DEEPSPEED, "2.1.0+cu121"),
        (SGLANG, "2.5.1+cu124"),
        (ULTRALYTICS, "2.5.1+cu124"),
        (WEBUI, "2.0.1+cu118"),
        (COMFY, "2.3.1+cu121"),
        (SESSION, "2.5.1+cu121"),
        (ONE_LINER, "2.5.1+cu121"),
        (SCRIPT, "2.5.1+cu121"),
        ("Name: torch\nVersion: 2.6.0+cu124\nSummary: Tensors\n", "2.6.0+cu124"),
        ("torch @ https://x.example/whl/torch-2.6.0%2Bcu124-cp311-cp311-linux_x86_64.whl\n", "2.6.0+cu124"),
        ("| Package | Version |\n|---|---|\n| torch | 2.6.0+cu124 |\n", "2.6.0+cu124"),
    ],
)
def test_torch(text: str, torch: str) -> None:
    assert facts(text)["torch"].version == torch


@pytest.mark.parametrize("text", [TRANSFORMERS, DETECTRON, SGLANG, SESSION, ONE_LINER, SCRIPT])
def test_cuda_is_available(text: str) -> None:
    assert facts(text)["nvidia_libraries"].libcuda.status == 0


@pytest.mark.parametrize(
    ("text", "python"), [(TRANSFORMERS, "3.10.12"), (DETECTRON, "3.8.5"), (SGLANG, "3.10.12"), (ULTRALYTICS, "3.10.12")]
)
def test_python(text: str, python: str) -> None:
    assert facts(text)["interpreter"].version == python


def test_gpus_and_driver() -> None:
    assert [(gpu.name, gpu.sm) for gpu in facts(DETECTRON)["nvidia_libraries"].libcuda.devices] == [
        ("Tesla V100-SXM2-16GB", 70)
    ] * 2
    assert len(facts(SGLANG)["nvidia_libraries"].libcuda.devices) == 2
    assert facts(SGLANG)["nvidia_smi"].driver == "550.54.15"
    assert facts(COMFY)["nvidia_libraries"].libcuda.devices[0].name == "NVIDIA GeForce RTX 3060"


def test_nvidia_smi_in_other_layouts() -> None:
    bare = facts("NVIDIA GeForce RTX 3080, 531.79\n")["nvidia_smi"]
    assert (bare.driver, bare.devices[0].name) == ("531.79", "NVIDIA GeForce RTX 3080")
    renamed = "| NVIDIA-SMI 595.20                 KMD Version: 595.20            CUDA UMD Version: 13.2   |\n"
    assert (facts(renamed)["nvidia_smi"].driver, facts(renamed)["nvidia_smi"].cuda) == ("595.20", "13.2")
    jetson = (
        "| NVIDIA-SMI 540.4.0   Driver Version: 540.4.0   CUDA Version: 12.6  |\n|   0  Orin (nvgpu)  N/A  | N/A  N/A |  N/A |\n"
    )
    assert facts(jetson)["machine"].arch == "aarch64"


def test_the_number_of_a_driver_as_windows_counts() -> None:
    assert facts("Caption NVIDIA GeForce RTX 3060 DriverVersion 31.0.15.3179\n")["nvidia_smi"].driver == "531.79"


def test_lsmod_is_no_conda_list() -> None:
    assert "packages" not in facts(
        "nvidia_uvm           1540096  0\nnvidia              56819712  90 nvidia_uvm,nvidia_modeset\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        'PS C:\\> $env:CUDA_VISIBLE_DEVICES = "0"\n',
        "C:\\Users\\x> set CUDA_VISIBLE_DEVICES=0\n",
        "user@host:~/x$ export CUDA_VISIBLE_DEVICES=0\n",
        "(base) user@host:~$ CUDA_VISIBLE_DEVICES=0 python train.py\n",
        "docker run --rm -e CUDA_VISIBLE_DEVICES=0 --gpus all image\n",
        "docker run --env CUDA_VISIBLE_DEVICES=0 image\n",
        "ENV CUDA_VISIBLE_DEVICES 0\n",
        '    environment:\n      CUDA_VISIBLE_DEVICES: "0"\n',
        "import os\nos.environ['CUDA_VISIBLE_DEVICES'] = '0'\n",
    ],
)
def test_variables(text: str) -> None:
    assert facts(text)["variables"].values["CUDA_VISIBLE_DEVICES"] == "0"


def test_lines_that_look_like_errors_are_a_fact() -> None:
    assert facts(f"{SESSION}ValueError: unknown\n")["error_lines"].lines == ("ValueError: unknown",)
    assert "error_lines" not in facts(SESSION)

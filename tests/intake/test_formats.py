"""Every pasted format: what people paste, and the facts in it."""

from typing import Any

import pytest

from torchsmith.intake import formats
from torchsmith.model.known import Known

COLLECT_ENV_1X = """\
PyTorch version: 1.5.0+cu101
Is debug build: No
CUDA used to build PyTorch: 10.1

OS: Microsoft Windows Server 2019 Standard
CMake version: Could not collect

Python version: 3.7
Is CUDA available: Yes
CUDA runtime version: 10.1.243
GPU models and configuration:
GPU 0: TITAN RTX
GPU 1: TITAN RTX

Nvidia driver version: 442.92

Versions of relevant libraries:
[pip] numpy==1.19.0
[pip] torch==1.5.0+cu101
[conda] mkl                       2019.4                      245
"""
COLLECT_ENV_2X = """\
Collecting environment information...
PyTorch version: 2.14.1+cu126
Is debug build: False
CUDA used to build PyTorch: 12.6
ROCM used to build PyTorch: N/A

OS: Ubuntu 24.04.1 LTS (x86_64)
Libc version: glibc-2.39

Python version: 3.12.3 (main, Feb  4 2025, 14:48:35) [GCC 13.3.0] (64-bit runtime)
Python platform: Linux-5.15.167.4-microsoft-standard-WSL2-x86_64-with-glibc2.39
Is CUDA available: True
GPU models and configuration: GPU 0: NVIDIA GeForce RTX 4090
Nvidia driver version: 581.57

Versions of relevant libraries:
[pip3] numpy==2.1.0
[pip3] nvidia-cudnn-cu12==9.10.2.21
[pip3] torch==2.14.1+cu126
[conda] Could not collect
"""
VLLM = """\
==============================
       PyTorch Info
==============================
PyTorch version              : 2.8.0+cu128
CUDA used to build PyTorch   : 12.8
ROCM used to build PyTorch   : N/A
OS                           : Debian GNU/Linux 12 (bookworm) (x86_64)
Python version               : 3.12.12 (main, Oct 31 2025, 23:02:31) [Clang 21.1.4 ] (64-bit runtime)
GPU models and configuration :
GPU 0: NVIDIA RTX A6000
GPU 1: NVIDIA RTX A6000
Nvidia driver version        : 555.42.02
==============================
     Environment Variables
==============================
LD_LIBRARY_PATH=/usr/local/cuda/lib64
CUDA_VISIBLE_DEVICES=0,1
"""
TABLE = """\
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 550.54.14              Driver Version: 550.54.14      CUDA Version: 12.4     |
|-----------------------------------------+------------------------+----------------------+
| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |
|                                         |                        |               MIG M. |
|=========================================+========================+======================|
|   0  NVIDIA A100-SXM4-80GB          Off |   00000000:01:00.0 Off |                   On |
| N/A   44C    P0            174W /  500W |   10129MiB /  81920MiB |     N/A      Default |
|                                         |                        |              Enabled |
|   1  NVIDIA GeForce RTX 2080 ...    On  |   00000000:41:00.0 Off |                  N/A |
| N/A   44C    P0            174W /  500W |   10129MiB /  11264MiB |     N/A      Default |
|                                         |                        |             Disabled |
+-----------------------------------------------------------------------------------------+
| MIG devices:                                                                            |
|  No MIG devices found                                                                   |
"""
WINDOWS_TABLE = """\
| NVIDIA-SMI 591.44                 Driver Version: 591.44         CUDA Version: 13.1     |
| GPU  Name                  Driver-Model | Bus-Id          Disp.A | Volatile Uncorr. ECC |
|   0  NVIDIA GeForce RTX 5070 Ti   WDDM  |   00000000:01:00.0  On |                  N/A |
|  0%   33C    P8             15W /  300W |    1034MiB /  16303MiB |      2%      Default |
"""
LISTED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-8f1c7b2e-1111-2222-3333-444455556666)
  MIG 3g.20gb     Device  0: (UUID: MIG-0a0a0a0a-1111-2222-3333-444455556666)
  MIG 3g.20gb     Device  1: (UUID: MIG-0b0b0b0b-1111-2222-3333-444455556666)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-9f1c7b2e-1111-2222-3333-444455556666)
"""
QUERIED = """\
==============NVSMI LOG==============
Driver Version                            : 535.183.01
CUDA Version                              : 12.2

Attached GPUs                             : 1
GPU 00000000:3B:00.0
    Product Name                          : Tesla V100-PCIE-16GB
    MIG Mode
        Current                           : N/A
    GPU UUID                              : GPU-8f1c7b2e-1111-2222-3333-444455556666
    FB Memory Usage
        Total                             : 16384 MiB
"""
CSV = """\
index, name, uuid, memory.total [MiB], driver_version, compute_cap
0, NVIDIA H200, GPU-8f1c7b2e-1111-2222-3333-444455556666, 143771 MiB, 570.86.15, 9.0
1, NVIDIA H200, GPU-9f1c7b2e-1111-2222-3333-444455556666, 143771 MiB, 570.86.15, 9.0
"""
PIP_LIST = """\
(env) C:\\ai>pip list
Package                  Version
------------------------ -----------
certifi                  2024.2.2
torch                    2.4.0+cu121
torchvision              0.20.1+cu124

Driver notes follow 12.3
"""
CONDA_LIST = """\
# packages in environment at /home/user/miniconda3/envs/t:
#
# Name                    Version                   Build  Channel
cpuonly                   2.0                           0    pytorch
pytorch                   1.11.0              py3.8_cpu_0    pytorch
numpy                     1.22.3           py38he7a7128_0
tqdm                      4.64.0                   pypi_0    pypi
"""
SNIPPET = """\
>>> import torch
>>> torch.__version__
'2.2.2+cu121'
>>> torch.version.cuda
'12.1'
>>> torch.cuda.get_arch_list()
['sm_50', 'sm_60', 'sm_70', 'sm_75', 'sm_80', 'sm_86', 'sm_90']
"""
WARNING = """\
NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch installation.
The current PyTorch install supports CUDA capabilities sm_75 sm_80 sm_90 compute_90.
"""
DUMP = """\
export CUDA_VISIBLE_DEVICES=""
set CUDA_HOME=C:\\CUDA\\v12.4
$env:PIP_EXTRA_INDEX_URL="https://download.pytorch.org/whl/cpu"
os.environ['TORCH_CUDA_ARCH_LIST'] = '8.6'
LD_LIBRARY_PATH=/usr/local/cuda/lib64:/opt/x
"""


def facts(text: str) -> dict[str, Any]:
    return {name: fact.value for name, fact in formats.read(text.encode()).items() if isinstance(fact, Known)}


def test_collect_env_of_torch_1() -> None:
    found = facts(COLLECT_ENV_1X)
    assert (found["machine"].os, found["interpreter"].version, found["interpreter"].platform) == ("windows", "3.7", "win32")
    assert (found["torch"].version, found["torch"].kind, found["torch"].cuda, found["torch"].build) == (
        "1.5.0+cu101",
        "cuda",
        "10.1",
        "cu101",
    )
    assert [device.name for device in found["nvidia_smi"].devices] == ["TITAN RTX", "TITAN RTX"]
    assert found["nvidia_smi"].driver == "442.92"
    assert found["nvidia_libraries"].libcuda.status == 0
    assert found["packages"].version("numpy") == "1.19.0"
    assert found["packages"].conda_record("mkl").version == "2019.4"


def test_collect_env_of_torch_2_in_wsl() -> None:
    found = facts(COLLECT_ENV_2X)
    machine = found["machine"]
    assert (machine.os, machine.arch, machine.wsl, machine.kernel) == ("linux", "x86_64", 2, "5.15.167.4-microsoft-standard-WSL2")
    assert (machine.distro, machine.distro_version, machine.libc, machine.libc_version) == ("ubuntu", "24.04.1", "glibc", "2.39")
    assert (found["interpreter"].tag, found["interpreter"].bits) == ("cp312", 64)
    assert found["packages"].version("nvidia-cudnn-cu12") == "9.10.2.21"
    assert not found["packages"].conda


def test_collect_env_of_vllm() -> None:
    found = facts(VLLM)
    assert (found["torch"].version, found["torch"].cuda) == ("2.8.0+cu128", "12.8")
    assert len(found["nvidia_smi"].devices) == 2
    assert found["variables"].values == {"LD_LIBRARY_PATH": "/usr/local/cuda/lib64", "CUDA_VISIBLE_DEVICES": "0,1"}


@pytest.mark.parametrize(
    ("said", "kind"),
    [("None", "cpu"), ("Could not collect", "cpu"), ("12.6", "cuda")],
)
def test_what_torch_was_built_with(said: str, kind: str) -> None:
    assert facts(f"PyTorch version: 2.6.0\nCUDA used to build PyTorch: {said}\n")["torch"].kind == kind


def test_rocm_is_no_cuda() -> None:
    torch = facts("PyTorch version: 2.6.0+rocm6.2\nCUDA used to build PyTorch: N/A\nROCM used to build PyTorch: 6.2.41\n")[
        "torch"
    ]
    assert (torch.kind, torch.cuda, torch.hip, torch.build) == ("rocm", None, "6.2.41", "rocm6.2")


def test_no_torch_and_a_32_bit_python() -> None:
    found = facts("PyTorch version: N/A\nOS: Microsoft Windows 10 Home\nPython version: 3.7 (32-bit runtime)\n")
    assert found["torch"] is None
    assert found["interpreter"].bits == 32


def test_the_old_libc_ver_is_not_believed() -> None:
    text = "OS: CentOS Linux 7 (Core) (x86_64)\nLibc version: glibc-2.2.5\nPython version: {} (64-bit runtime)\n"
    assert not facts(text.format("3.6.4"))["machine"].libc_version
    assert facts(text.format("3.9.4"))["machine"].libc_version == "2.2.5"


def test_table() -> None:
    smi = facts(TABLE)["nvidia_smi"]
    assert (smi.driver, smi.cuda) == ("550.54.14", "12.4")
    first, second = smi.devices
    assert (first.name, first.mig, first.mig_instances, first.memory) == ("NVIDIA A100-SXM4-80GB", True, 0, 81920 << 20)
    assert (second.name, second.mig, second.pci) == ("NVIDIA GeForce RTX 2080", False, "00000000:41:00.0")
    assert facts(TABLE)["machine"].os == "linux"


def test_windows_table() -> None:
    found = facts(WINDOWS_TABLE)
    assert found["machine"].os == "windows"
    assert (found["nvidia_smi"].driver, found["nvidia_smi"].devices[0].name) == ("591.44", "NVIDIA GeForce RTX 5070 Ti")


def test_list_with_mig() -> None:
    first, second = facts(LISTED)["nvidia_smi"].devices
    assert (first.mig, first.mig_instances, second.mig) == (True, 2, None)
    assert second.uuid == "GPU-9f1c7b2e-1111-2222-3333-444455556666"


def test_query() -> None:
    smi = facts(QUERIED)["nvidia_smi"]
    assert (smi.driver, smi.cuda) == ("535.183.01", "12.2")
    assert [(d.name, d.memory, d.mig) for d in smi.devices] == [("Tesla V100-PCIE-16GB", 16384 << 20, None)]


def test_csv() -> None:
    smi = facts(CSV)["nvidia_smi"]
    assert smi.driver == "570.86.15"
    assert [(d.index, d.name, d.sm) for d in smi.devices] == [(0, "NVIDIA H200", 90), (1, "NVIDIA H200", 90)]


@pytest.mark.parametrize(
    "said",
    [
        "Failed to initialize NVML: Driver/library version mismatch",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
        "Unable to determine the device handle for GPU 0000:0B:00.0: Unknown Error",
        "No devices were found",
    ],
)
def test_nvidia_smi_that_fails(said: str) -> None:
    found = formats.read(f"$ nvidia-smi\n{said}\n".encode())
    smi = found["nvidia_smi"]
    assert isinstance(smi, Known)
    assert smi.value.failure == said
    assert smi.source == "nvidia-smi, line 2"
    assert "gpus" not in found  # that it failed does not say that there is no GPU


def test_pip_list() -> None:
    packages = facts(PIP_LIST)["packages"]
    assert [(p.name, p.version) for p in packages.installed] == [
        ("certifi", "2024.2.2"),
        ("torch", "2.4.0+cu121"),
        ("torchvision", "0.20.1+cu124"),
    ]
    assert facts(PIP_LIST)["torch"].cuda == "12.1"


@pytest.mark.parametrize(
    ("system", "kind"),
    [("Ubuntu 22.04 LTS (x86_64)", "cuda"), ("Microsoft Windows 11 Pro", "cpu"), ("macOS 14.5 (arm64)", "cpu")],
)
def test_a_version_without_label_is_what_pypi_serves(system: str, kind: str) -> None:
    assert facts(f"OS: {system}\ntorch==2.6.0\n")["torch"].kind == kind


def test_a_version_without_label_and_system_is_not_guessed() -> None:
    assert "torch" not in facts("torch==2.6.0\n")


def test_conda_list() -> None:
    found = facts(CONDA_LIST)
    assert found["torch"].kind == "cpu"
    assert found["environment"].manager == "conda"
    assert found["packages"].conda_record("cpuonly").version == "2.0"
    assert found["packages"].conda_record("tqdm") is None  # pip's, not conda's
    assert found["packages"].version("torch") == "1.11.0"


@pytest.mark.parametrize(
    ("build", "cuda"),
    [("py3.7_cuda10.2.89_cudnn7.6.5_0", "10.2"), ("cuda126_py312h1234567_300", "12.6"), ("py3.12_cuda12.4_cudnn9.1.0_0", "12.4")],
)
def test_conda_build_strings(build: str, cuda: str) -> None:
    assert facts(f"pytorch   2.5.1   {build}   pytorch\n")["torch"].cuda == cuda


def test_snippet() -> None:
    found = facts(SNIPPET)
    assert found["torch"].version == "2.2.2+cu121"
    assert found["torch_gpu_code"].evidence == "declared"
    assert found["torch_gpu_code"].sass[-1] == "sm_90"


def test_arch_warning() -> None:
    found = facts(WARNING)
    device = found["nvidia_libraries"].libcuda.devices[0]
    assert (device.name, device.sm) == ("NVIDIA GeForce RTX 5090", 120)
    assert (found["torch_gpu_code"].sass, found["torch_gpu_code"].ptx) == (("sm_75", "sm_80", "sm_90"), ("compute_90",))
    assert found["torch"].kind == "cuda"


def test_cuda_status_and_driver_cuda() -> None:
    said = "RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized"
    assert facts(said)["nvidia_libraries"].libcuda.status == 802
    driver = facts("The NVIDIA driver on your system is too old (found version 11040).")["driver"]
    assert (driver.version, driver.cuda) == ("", "11.4")


def test_variables() -> None:
    assert facts(DUMP)["variables"].values == {
        "CUDA_VISIBLE_DEVICES": "",
        "CUDA_HOME": "C:\\CUDA\\v12.4",
        "PIP_EXTRA_INDEX_URL": "https://download.pytorch.org/whl/cpu",
        "TORCH_CUDA_ARCH_LIST": "8.6",
        "LD_LIBRARY_PATH": "/usr/local/cuda/lib64:/opt/x",
    }


def test_a_report_in_words() -> None:
    found = facts("- GPU: RTX 5070 Ti\nDriver: 595.79 (CUDA 13.2), Windows 11, Python 3.14\n")
    assert (found["machine"].os, found["interpreter"].version) == ("windows", "3.14")
    assert (found["nvidia_smi"].driver, found["gpus"].devices[0].sm) == ("595.79", 120)


def test_tools_are_believed_before_words() -> None:
    found = facts(f"Driver: 535.98, Windows 11\n{COLLECT_ENV_2X}")
    assert (found["machine"].os, found["nvidia_smi"].driver) == ("linux", "581.57")


@pytest.mark.parametrize("text", ["", "hello", "The weather is fine.\nPython is a snake.\n", "{}", "a = b\n" * 100])
def test_what_is_no_evidence_gives_nothing(text: str) -> None:
    assert not facts(text)

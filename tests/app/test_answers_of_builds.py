"""The commands that answers on builds, toolkits and GPU code name: what fits the text, and nothing invented."""

from __future__ import annotations

import pytest

from torchsmith.app.explain import explain
from torchsmith.model.finding import Finding
from torchsmith.rules.building.arch_list_malformed import dotted

EMPTY = "arch_list[-1] += '+PTX'\nIndexError: list index out of range\n"
OOM = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 23.99 GiB of which "
    "12.55 GiB is free."
)
NO_TOOLKIT = "OSError: CUDA_HOME environment variable is not set. Please set it to your CUDA install root.\ntorch 2.5.1+cu121\n"


def answer(text: str, slug: str) -> Finding:
    return next(finding for finding in explain(text.encode()).root_causes if finding.cause == slug)


def commands(text: str, slug: str) -> str:
    return "\n".join(" ".join(command) for remedy in answer(text, slug).remedies for command in remedy.commands)


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("86;90", "8.6;9.0"),
        ("8.6,9.0", "8.6;9.0"),
        ('"sm_90" "sm_100"', "9.0;10.0"),
        ("compute_86", "8.6"),
        ("sm_90a", "9.0a"),
        ("8.6+PTX;90", "8.6+PTX;9.0"),
        ("86;fast", ""),
        ("1.2.3", ""),
        ("", ""),
    ],
)
def test_each_entry_of_a_list_is_read_by_itself(said: str, right: str) -> None:
    assert dotted(said) == right


@pytest.mark.parametrize(
    "text",
    [
        'export TORCH_CUDA_ARCH_LIST="86;90"\nValueError: Unknown CUDA arch (86) or GPU not supported\n',
        "ValueError: Unknown CUDA arch (86;90) or GPU not supported\nTORCH_CUDA_ARCH_LIST=86;90\n",
    ],
)
def test_the_whole_list_is_rewritten(text: str) -> None:
    assert "TORCH_CUDA_ARCH_LIST=8.6;9.0" in commands(text, "arch-list-malformed")


@pytest.mark.parametrize(
    ("machine", "least", "not_there"),
    [
        ("Cuda compilation tools, release 12.1, V12.1.105\ntorch==2.5.1+cu121\n", "9.0+PTX", "12.0"),
        ("Cuda compilation tools, release 12.8, V12.8.93\ntorch==2.5.1+cu121\n", "9.0+PTX", "12.0"),
        ("Cuda compilation tools, release 13.0, V13.0.48\ntorch==2.9.1+cu130\n", "12.0+PTX", "7.0"),
        ("Cuda compilation tools, release 11.4, V11.4.48\n", "8.6+PTX", "8.9"),
        ("", "9.0+PTX", "12.0"),
    ],
)
def test_a_list_holds_what_toolkit_and_torch_know(machine: str, least: str, not_there: str) -> None:
    given = commands(machine + EMPTY, "arch-empty-no-gpu")
    assert least in given
    assert not_there not in given


def test_a_cpu_torch_is_replaced_by_one_of_the_toolkits_major() -> None:
    text = (
        "Cuda compilation tools, release 12.4, V12.4.131\n"
        + NO_TOOLKIT.replace("cu121", "cpu")
        + "export CUDA_HOME=/usr/local/cuda\n"
    )
    given = commands(text, "cpu-torch-for-cuda-ext")
    assert "torch==2.5.1+cu124 torchvision==0.20.1+cu124" in given
    assert "--no-deps" not in given


@pytest.mark.parametrize(
    ("system", "given"),
    [
        ("OS: Fedora Linux 40\n", "sudo dnf install cuda-toolkit-12-1"),
        ("OS: Ubuntu 22.04.4 LTS (x86_64)\n", "sudo apt-get install cuda-toolkit-12-1"),
    ],
)
def test_a_toolkit_comes_from_the_reporters_distribution(system: str, given: str) -> None:
    assert given in commands(system + NO_TOOLKIT, "cuda-toolkit-not-found")


def test_without_a_distribution_nothing_is_installed_by_apt() -> None:
    assert "apt" not in commands(NO_TOOLKIT, "cuda-toolkit-not-found")


def test_packages_of_a_toolkit_need_its_whole_version() -> None:
    text = "OS: Ubuntu 22.04 LTS (x86_64)\nfatal error: cusparse.h: No such file or directory\n"
    assert "cuda-libraries-dev" not in commands(text + "CUDA 12\n", "cuda-toolkit-incomplete")
    assert "cuda-libraries-dev-12-4" in commands(
        text + "Cuda compilation tools, release 12.4, V12.4.131\n", "cuda-toolkit-incomplete"
    )


@pytest.mark.parametrize("module", ["evil_pkg_name", "einops"])
def test_a_module_that_no_table_knows_is_not_installed(module: str) -> None:
    text = f"pip install evil-pkg-name --no-build-isolation\nModuleNotFoundError: No module named '{module}'\n"
    found = answer(text, "noisolation-missing-build-dep")
    assert module in found.summary
    given = commands(text, "noisolation-missing-build-dep")
    assert "evil" not in given
    assert module not in given


def test_no_toolset_is_invented() -> None:
    text = "C:\\CUDA\\v13.0\\include\\crt/host_config.h(174): error C1189: -- unsupported Microsoft Visual Studio version!"
    assert "vcvars_ver" not in commands(text, "host-compiler-too-new")


def test_segments_grow_on_linux_alone() -> None:
    assert "expandable_segments" in commands("OS: Ubuntu 22.04\n" + OOM, "out-of-memory")
    assert "expandable_segments" not in commands("OS: Microsoft Windows 11 Pro\n" + OOM, "out-of-memory")
    assert "expandable_segments" not in commands("in WSL2:\n" + OOM, "out-of-memory")
    assert "PYTORCH_ALLOC_CONF=" in commands("OS: Ubuntu 22.04\ntorch==2.9.1+cu128\n" + OOM, "out-of-memory")


def test_the_check_of_an_assertion_is_quoted_whole() -> None:
    text = "Indexing.cu:1255: block: [8,0,0], thread: [64,0,0] Assertion `srcIndex < srcSelectDimSize` failed."
    assert "it checked: srcIndex < srcSelectDimSize)" in answer(text, "user-code-bug").summary


def test_the_gpu_that_fails_is_named() -> None:
    text = (
        "GPU 0: NVIDIA GeForce GTX 1080\nGPU 1: NVIDIA GeForce RTX 5090\n"
        "NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch installation.\n"
        "RuntimeError: CUDA error: no kernel image is available for execution on the device\n"
    )
    found = explain(text.encode()).root_causes[0]
    assert found.cause == "gpu-arch-not-in-build-too-new"
    assert "5090" in found.summary
    assert "1080" not in found.summary


def test_no_branch_older_than_the_gpu_is_installed() -> None:
    text = (
        "OS: Ubuntu 24.04 LTS (x86_64)\nNVIDIA GeForce RTX 5090\nDriver: 550.54.14\n"
        "NVRM: installed in this system requires use of the NVIDIA open kernel modules.\n"
    )
    assert "nvidia-driver-550" not in commands(text, "blackwell-needs-open-module")

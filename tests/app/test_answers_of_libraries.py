"""What is answered to texts about libraries and companions: the commands fit the system, and break nothing that torch pins."""

from __future__ import annotations

import re

import pytest

from torchsmith.app.explain import explain
from torchsmith.model.finding import Finding
from torchsmith.report.shell import quoted

FBGEMM = (
    "OSError: [WinError 126] The specified module could not be found. "
    r'Error loading "C:\v\Lib\site-packages\torch\lib\fbgemm.dll" or one of its dependencies.'
)
OPS_8 = "Could not load library libcudnn_ops_infer.so.8. Error: libcudnn_ops_infer.so.8: cannot open shared object file"
IMPORT = '  File "/v/lib/python3.11/site-packages/torch/__init__.py", line 290, in <module>\n    from torch._C import *\n'


def cause(text: str, slug: str) -> Finding:
    return next(finding for finding in explain(text.encode()).root_causes if finding.cause == slug)


def commands(finding: Finding, shell: str = "bash") -> str:
    return "\n".join(quoted(command, shell) for remedy in finding.remedies for command in remedy.commands)


def words(finding: Finding) -> str:
    return " ".join(f"{remedy.title} {remedy.why}" for remedy in finding.remedies) + finding.summary


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("2.4.0+cu121", "torch==2.4.1+cu121 torchvision==0.19.1+cu121 --index-url"),
        ("2.3.1+cu118", "torch==2.4.1+cu118 torchvision==0.19.1+cu118 --index-url"),
        ("2.4.0+cpu", "torch==2.4.1+cpu torchvision==0.19.1+cpu --index-url"),
    ],
)
def test_fbgemm_stays_in_its_build(version: str, wanted: str) -> None:
    """On Windows the default index would turn a CUDA build into a CPU build."""
    found = commands(cause(f"{FBGEMM}\ntorch=={version}", "fbgemm-libomp140-missing"), "powershell")
    assert wanted in found
    assert ">=" not in found


def test_fbgemm_of_an_unknown_build_names_an_index() -> None:
    found = commands(cause(FBGEMM, "fbgemm-libomp140-missing"))
    assert not re.search(r"(?m)^pip install (?!.*--index-url)", found)


def test_cudnn_of_nvidias_installer_on_windows() -> None:
    text = (
        "Could not locate cudnn_ops64_9.dll. Please make sure it is in your library path!\n"
        r"it is in C:\Program Files\NVIDIA\CUDNN\v9.1\bin\12.4\cudnn_ops64_9.dll"
    )
    found = cause(text, "cudnn-not-on-loader-path")
    assert "LD_LIBRARY_PATH" not in words(found)
    assert not any("Linux" in wont.why for wont in found.wont_help)
    assert "add_dll_directory" in words(found)


def test_nccl_is_never_the_newest() -> None:
    text = "ImportError: /v/torch/lib/libtorch_cuda.so: undefined symbol: ncclCommRegister\ntorch 2.5.1+cu121"
    found = commands(cause(text, "nccl-mismatch"))
    assert "torch==2.5.1" in found
    assert "nvidia-nccl" not in found


def test_torchs_own_cudnn_is_the_pinned_one() -> None:
    text = f"{IMPORT}ImportError: libcudnn.so.9: cannot open shared object file\ntorch==2.5.1+cu121"
    assert "nvidia-cudnn-cu12==9.1.0.70" in commands(cause(text, "missing-cudnn"))


@pytest.mark.parametrize("torch", ["", "\ntorch 2.6.0+cu124"])
def test_cudnn_8_is_not_put_over_cudnn_9(torch: str) -> None:
    for finding in explain(f"{OPS_8}{torch}".encode()).root_causes:
        assert "nvidia-cudnn" not in commands(finding)


def test_a_package_that_nobody_named_is_not_installed() -> None:
    assert "ctranslate2" not in commands(cause(f"{OPS_8}\ntorch 2.6.0+cu124", "cudnn-major-mismatch"))
    named = f"{OPS_8}\ntorch 2.6.0+cu124\n  File '/v/site-packages/faster_whisper/transcribe.py', line 5"
    assert "ctranslate2>=4.5.0" in commands(cause(named, "cudnn-major-mismatch"))


def test_without_a_torch_the_majors_are_those_of_the_name() -> None:
    assert "cuDNN 8" in cause(OPS_8, "cudnn-major-mismatch").summary


def test_tensorflow_has_no_gpu_build_for_windows() -> None:
    text = (
        "PS C:\\Users\\a> python t.py\nW tensorflow/stream_executor/platform/default/dso_loader.cc:64]"
        " Could not load dynamic library 'cudart64_110.dll'; dlerror: cudart64_110.dll not found"
    )
    found = cause(text, "missing-cuda-runtime-lib")
    assert "and-cuda" not in commands(found)
    assert "torch" not in commands(found)
    assert "WSL" in words(found)


@pytest.mark.parametrize(
    ("built", "here", "wanted"),
    [
        ("0x12", "0xe", "numpy>=2.0"),
        ("0x14", "0x12", "numpy>=2.3"),
        ("0x10", "0xf", "numpy>=1.23,<2"),
        ("0xf", "0xd", "numpy>=1.22,<2"),
    ],
)
def test_numpy_of_the_interface_that_was_built_for(built: str, here: str, wanted: str) -> None:
    text = f"RuntimeError: module compiled against API version {built} but this version of numpy is {here}"
    assert f"'{wanted}'" in commands(cause(text, "numpy-abi"))


def test_a_missing_symbol_says_that_ffmpeg_was_found() -> None:
    text = "OSError: /v/torchcodec/libtorchcodec_core7.so: undefined symbol: _ZN3c1013MessageLoggerC1EPKciib\ntorch 2.8.0+cu128"
    assert "torchcodec==0.7.*" in commands(cause(text, "torchcodec-mismatch")).splitlines()[0]
    lost = "OSError: libavutil.so.59: cannot open shared object file\nRuntimeError: Could not load libtorchcodec."
    assert "ffmpeg" in commands(cause(lost, "torchcodec-mismatch")).splitlines()[0]


def test_builds_for_arm_are_named_by_the_table() -> None:
    text = "Unable to find installation candidates for torch (2.6.0+cu118)\nLinux aarch64 ubuntu 22.04"
    found = cause(text, "platform-has-no-wheel")
    assert "2.6.0+cu118" in found.summary
    assert "cpu, cu126" in words(found)
    assert "Mac" not in words(found)


def test_a_wheel_of_this_platform_is_not_another_ones() -> None:
    """The oldest wheels have a platform tag without a C library."""
    hint = "hint: You're on Linux (`manylinux_2_36_x86_64`), but `torch` (v1.4.0) only has wheels for the following platforms: "
    sure = {f.cause: f.confidence for f in explain(f"{hint}`linux_x86_64`, `win_amd64`".encode()).root_causes}
    other = {f.cause: f.confidence for f in explain(f"{hint}`linux_aarch64`, `win_amd64`".encode()).root_causes}
    assert sure.get("platform-has-no-wheel", 0) < other["platform-has-no-wheel"]
    assert other["platform-has-no-wheel"] > 0.9


def test_glibc_of_the_release_and_of_who_asks() -> None:
    asks = "ImportError: /lib64/libc.so.6: version `GLIBC_2.28' not found (required by /v/lib/python3.10/site-packages/"
    own = cause(f"{asks}torch/lib/libtorch_cpu.so)\ntorch 2.8.0", "glibc-too-old")
    assert own.summary.startswith("torch 2.8.0 needs glibc 2.28")
    assert "up to 2.6.0" in words(own)
    other = cause(f"{asks}tokenizers/tokenizers.so)\ntorch 2.8.0", "glibc-too-old")
    assert "torch" not in words(other)


def test_a_library_that_is_absent_is_not_too_old() -> None:
    text = f"{IMPORT}ImportError: libstdc++.so.6: cannot open shared object file: No such file or directory"
    found = cause(text, "libstdcxx-too-old")
    assert "GLIBCXX" not in found.summary
    assert "unset" not in commands(found)


def test_nix_is_told_to_show_the_library() -> None:
    text = f"[leo@nixos:~/ml]$ nix develop\n{IMPORT}ImportError: libstdc++.so.6: cannot open shared object file: No such file"
    found = explain(text.encode()).root_causes[0]
    assert found.cause == "nix-no-driver-lib"
    assert "libstdc++.so.6" in found.summary
    assert "conda" not in commands(found)


@pytest.mark.parametrize(
    "said",
    [
        "%1 n'est pas une application Win32 valide.",
        "%1 no es una aplicación Win32 válida.",
        "%1 non è un'applicazione di Win32 valida.",
        "%1 is not a valid Win32 application.",
    ],
)
def test_error_193_in_other_languages(said: str) -> None:
    found = explain(f"ImportError: DLL load failed while importing foo: {said}".encode()).root_causes
    assert found[0].cause == "python-32bit"

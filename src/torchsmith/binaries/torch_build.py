"""What a torch build says of itself: version.py, CUDAConfig.h, and the architectures named in libtorch_python."""

from __future__ import annotations

import re

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.formats import constants
from torchsmith.binaries.reader import BinaryFile, Reader
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TEXT_LIMIT = 1024 * 1024
"""Characters: the real files have less than three thousand."""

_ARCH = r"(?:sm|compute)_[0-9]{2,3}[af]?"
_ARCH_LIST = pattern(rf"(?<=\0){_ARCH}(?: {_ARCH}){{0,63}}(?=\0)".encode())
_ASSIGNMENT = pattern(
    r"^(?P<name>[A-Za-z_]+)[ \t]*(?::[^=\n]{1,80})?=[ \t]*"
    r"""(?:'(?P<one>[^'\n]*)'|"(?P<two>[^"\n]*)"|(?P<word>[A-Za-z]+))""",
    re.MULTILINE,
)
_SWITCH = pattern(r"^[ \t]*#[ \t]*define[ \t]+AT_([A-Z0-9_]+)_ENABLED\(\)[ \t]+([01])\b", re.MULTILINE)
_FLAGS = pattern(r'^[ \t]*#[ \t]*define[ \t]+NVCC_FLAGS_EXTRA[ \t]+"([^"\n]*)"', re.MULTILINE)
_CODE = pattern(r"code=([^;\s]+)")


@record
class TorchVersion:
    """torch/version.py, as torch 1.7 to 2.15 write it; None where a build has or names no such thing."""

    version: str
    """With the local label, such as ``2.14.1+cu130``."""
    local: str | None
    """The local label alone: ``cu130``, ``cpu``, ``rocm6.4``; None for a build that bears none."""
    cuda: str | None
    """The CUDA version that the build was made with, such as ``13.0``."""
    hip: str | None
    rocm: str | None
    """Named by newer builds only."""
    xpu: str | None
    git: str | None
    """The commit of PyTorch."""
    debug: bool


@record
class CudaConfig:
    """torch/include/ATen/cuda/CUDAConfig.h, which CUDA and ROCm builds have and CPU builds lack."""

    nvcc_flags: str | None
    """``NVCC_FLAGS_EXTRA`` as in the file."""
    sass: tuple[str, ...]
    """Real architectures that the flags ask for, in their order, such as ``sm_90``."""
    ptx: tuple[str, ...]
    """Virtual architectures that the flags keep as PTX, such as ``compute_90``."""
    cudnn: bool | None
    """Built with cuDNN; this and the others are None where the file does not say."""
    cusparselt: bool | None
    magma: bool | None
    rocm: bool | None


def version_py(text: str) -> TorchVersion:
    """Parse the text of torch/version.py without running it; raise BinaryError where it names no version."""
    values: dict[str, str | None] = {}
    for match in _ASSIGNMENT.finditer(text[:TEXT_LIMIT]):
        quoted = match["one"] if match["one"] is not None else match["two"]
        values[match["name"]] = quoted if quoted is not None else None if match["word"] == "None" else match["word"]
    version = values.get("__version__")
    if not version or version in {"True", "False"}:
        raise BinaryError("version.py names no version")
    return TorchVersion(
        version=version,
        local=version.partition("+")[2] or None,
        cuda=values.get("cuda"),
        hip=values.get("hip"),
        rocm=values.get("rocm"),
        xpu=values.get("xpu"),
        git=values.get("git_version"),
        debug=values.get("debug") == "True",
    )


def cuda_config(text: str) -> CudaConfig:
    """Parse the text of CUDAConfig.h."""
    text = text[:TEXT_LIMIT]
    switches = {name: value == "1" for name, value in _SWITCH.findall(text)}
    flags = _FLAGS.search(text)
    codes = " ".join(_CODE.findall(flags[1])) if flags else ""
    archs = tuple(dict.fromkeys(re.findall(_ARCH, codes)))
    return CudaConfig(
        nvcc_flags=flags[1] if flags else None,
        sass=tuple(arch for arch in archs if arch.startswith("sm_")),
        ptx=tuple(arch for arch in archs if arch.startswith("compute_")),
        cudnn=switches.get("CUDNN"),
        cusparselt=switches.get("CUSPARSELT"),
        magma=switches.get("MAGMA"),
        rocm=switches.get("ROCM"),
    )


def arch_list(file: BinaryFile, size: int) -> tuple[str, ...] | None:
    """Return what ``torch.cuda.get_arch_list()`` would say, read from libtorch_python.so or torch_python.dll.

    None: a build without CUDA. Raises BinaryError for a bad file. The list is what the build was asked for: what its
    kernels really contain stands in libtorch_cuda (see fatbin).
    """
    reader = Reader(file, size)
    longest = b""
    for section in constants(file, size):
        for _, data in reader.chunks(section.offset, section.size, 1024, f"section {section.name}"):
            if b"sm_" in data or b"compute_" in data:
                longest = max(longest, *_ARCH_LIST.findall(b"\0" + data), b"", key=len)
    return tuple(longest.decode().split()) or None

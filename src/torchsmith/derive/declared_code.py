"""What a torch build says of itself against what its binaries hold. Where they do not agree, the binary is right.

Single kernels for special architectures (``sm_90a`` in four of 475 kernel groups) are how torch is built, not a difference: the
bulk of the kernel groups decides.
"""

from __future__ import annotations

from torchsmith.binaries import torch_build
from torchsmith.binaries.errors import BinaryError
from torchsmith.model.finding import Severity
from torchsmith.model.inspection import Identity, Remark
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torchsmith.model.gpu_code import GpuCode, Group

_RUNTIME = pattern(r"(?:lib)?(cudart|cublas|cublasLt)(?:64_|(?:[-.][0-9a-f]{8,64})?\.so\.)(\d{1,3})(?:[._-].*)?", 2)
_CUDNN = pattern(r"(?:lib)?cudnn(?:64_|(?:[-.][0-9a-f]{8,64})?\.so\.)(\d{1,2})(?:[._-].*)?", 2)
_OF_MAJOR = pattern(r"nvidia-.+-cu(\d{2})")
_TOOLKIT = pattern(r"cuda-toolkit|nvidia-cuda-runtime(?:-cu\d{2})?")


def identity(version_py: str, cuda_config: str = "", folder: str = "") -> Identity | None:
    """Which torch it is, by the texts of its version.py and CUDAConfig.h (empty in a CPU build); None: they name none."""
    try:
        version = torch_build.version_py(version_py)
    except BinaryError:
        return None
    config = torch_build.cuda_config(cuda_config)
    return Identity(
        version=version.version,
        cuda=version.cuda,
        git=version.git or "",
        declared=(*config.sass, *config.ptx),
        flags=config.nvcc_flags or "",
        folder=folder,
    )


def differences(
    torch: Identity, path: str, code: GpuCode | None, needed: Sequence[str], pins: Iterable[tuple[str, str]] = ()
) -> Iterator[Remark]:
    """Everything in which a build's words and its GPU library at ``path`` differ.

    ``needed`` are the libraries that it needs, ``pins`` the exact versions that the package's METADATA asks for.
    """
    if code is not None and torch.declared:
        yield from _missing(torch.declared, path, code)
        yield from _undeclared(torch.declared, path, code)
    if torch.cuda:
        yield from _runtime(torch.cuda, path, needed)
        yield from _pins(torch, needed, pins)


def lists(torch: Identity, arch_list: Sequence[str] | None) -> Iterator[Remark]:
    """CUDAConfig.h against what ``torch.cuda.get_arch_list()`` says, read from libtorch_python."""
    if torch.declared and arch_list and set(torch.declared) != set(arch_list):
        yield Remark(
            "arch-lists-differ",
            Severity.NOTE,
            "package:torch",
            f"CUDAConfig.h asks for {' '.join(torch.declared)}; torch.cuda.get_arch_list() answers {' '.join(arch_list)}",
            (("CUDAConfig.h", " ".join(torch.declared)), ("libtorch_python", " ".join(arch_list))),
        )


def _missing(declared: Iterable[str], path: str, code: GpuCode) -> Iterator[Remark]:
    total = sum(group.count for group in _kernels(code))
    name = _short(path)
    for arch in declared:
        holding = _holding(code, arch)
        if 2 * holding >= total > 0:
            continue
        virtual = arch.startswith("compute_")
        kind = "PTX " if virtual else ""
        there = f"{holding} of {total} kernel groups of {name} hold it" if holding else f"{name} holds none"
        result = (
            "later GPUs find nothing that can be compiled for them" if virtual else f"a GPU of {arch} finds most kernels missing"
        )
        yield Remark(
            "declared-ptx-missing" if virtual else "declared-arch-missing",
            Severity.DEGRADED,
            path,
            f"CUDAConfig.h asks for {kind}{arch}, {there}: {result}",
            (("CUDAConfig.h", " ".join(declared)), (name, _common(code))),
        )


def _undeclared(declared: Sequence[str], path: str, code: GpuCode) -> Iterator[Remark]:
    total = sum(group.count for group in _kernels(code))
    more = [arch for arch in (*code.sass, *code.ptx) if arch not in declared and 2 * _holding(code, arch) >= total > 0]
    if more:
        yield Remark(
            "undeclared-arch",
            Severity.NOTE,
            path,
            f"most kernel groups of {_short(path)} hold {' '.join(more)}, which CUDAConfig.h does not ask for",
            (("CUDAConfig.h", " ".join(declared)), (_short(path), _common(code))),
        )


def _runtime(cuda: str, path: str, needed: Iterable[str]) -> Iterator[Remark]:
    wanted = cuda.partition(".")[0]
    other = {name: major for name in needed if (major := _major(name)) and major != wanted}
    for name, major in other.items():
        yield Remark(
            "cuda-runtime-mismatch",
            Severity.DEGRADED,
            path,
            f"version.py says CUDA {cuda}, but {_short(path)} needs {name} of CUDA {major}: files of two builds are mixed",
            (("version.py", cuda), (_short(path), name)),
        )


def _pins(torch: Identity, needed: Iterable[str], pins: Iterable[tuple[str, str]]) -> Iterator[Remark]:
    cuda = torch.cuda or ""
    cudnn = next((found[1] for name in needed if (found := _CUDNN.fullmatch(name))), "")
    for name, version in pins:
        why = ""
        major = _OF_MAJOR.fullmatch(name)
        if major and major[1] != cuda.partition(".")[0]:
            why = f"a package for CUDA {major[1]}"
        elif _TOOLKIT.fullmatch(name) and minor(version) != minor(cuda):
            why = f"CUDA {minor(version)}"
        elif name.startswith("nvidia-cudnn-") and cudnn and version.partition(".")[0] != cudnn:
            why = f"cuDNN {version.partition('.')[0]}, while the library needs cuDNN {cudnn}"
        if why:
            yield Remark(
                "pin-mismatch",
                Severity.DEGRADED,
                f"package:{name}",
                f"METADATA asks for {name}=={version}, {why}; torch {torch.version} was made with CUDA {cuda}",
                (("METADATA", f"{name}=={version}"), ("version.py", cuda)),
            )


def _major(name: str) -> str:
    """The CUDA major of a runtime or cuBLAS library: ``cudart64_110.dll`` is of CUDA 11."""
    found = _RUNTIME.fullmatch(name)
    return "" if not found else found[2][:2] if len(found[2]) > 2 else found[2]


def _kernels(code: GpuCode) -> Iterable[Group]:
    return (group for group in code.groups if (group.sass or group.ptx) and not group.stub)


def _holding(code: GpuCode, arch: str) -> int:
    return sum(group.count for group in _kernels(code) if arch in group.sass or arch in group.ptx)


def _common(code: GpuCode) -> str:
    """The commonest kernel groups, in words."""
    return "; ".join(f"{group.count} x {' '.join((*group.sass, *group.ptx))}" for group in list(_kernels(code))[:3]) or "no code"


def _short(path: str) -> str:
    return path.rpartition("/")[2]

"""A function that a library lacks: whose function it is, and which library called it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import key
from torchsmith.rules.readings.asker import Asker, asker, library_path, torch_cuda, wheel_majors

_CALLER = re.compile(r"([\w./\\+~-]{1,300}\.(?:so[\w.]{0,20}|dylib|pyd|dll))")
_CUDA = re.compile(
    r"_{0,2}(?:nvJitLink|cublas|cublasLt|cudnn|cusparse|cusolver|cufft|curand|nvrtc|cupti|nvtx|cuda[A-Z]|cufile|_cuda|libcu|lib[a-z]*nvJitLink)"
)
_CUDA_LIBRARIES = re.compile(r"lib(?:cu(?:sparse|blas|blasLt|dnn|solver|fft|rand|dart|pti)|nvJitLink|nvrtc)[\w-]*\.so")


# Whose a symbol is, by its beginning, and what it means that it is not there.
_FAMILIES: tuple[tuple[str, *tuple[tuple[str, float], ...]], ...] = (
    (r"iJIT", ("conda-mkl-2024-1", 0.97)),
    (r"c(?:get|quantize|dequantize|adam|lion|gemm|int8)\w{0,40}_", ("bnb-no-windows-binary", 0.6), ("cpu-only-build", 0.3)),
    (r"av_|avcodec_|avformat_|sws_|swr_", ("torchcodec-mismatch", 0.85)),
    (r"_?PyArray", ("numpy-abi", 0.7)),
    (r"_?Py[A-Z]", ("wrong-python-environment", 0.4), ("extension-abi-mismatch", 0.4)),
    (r"mkl_|MKL_|cblas_|vml|vsl|Dfti", ("ld-library-path-shadowing", 0.45), ("conda-mkl-2024-1", 0.4)),
    (r"__kmpc|omp_|GOMP_|kmp_", ("duplicate-openmp-runtime", 0.5), ("conda-mkl-2024-1", 0.2)),
    (r"hip|roc|__hip|miopen", ("wrong-accelerator-backend", 0.6)),
    (r"_Z(?:NK?)?S[tsaiod]|__cxa_|_ZT[IVS]N?S[ts]", ("libstdcxx-too-old", 0.6), ("extension-abi-mismatch", 0.25)),
)


@reading("undefined-symbol", "symbol-not-in-version", "symbol-not-found")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Torch's and CUDA's symbols by who calls them, others by their family."""
    symbol = complaint.captured.get("symbol", "")
    called = _CALLER.search(complaint.text)
    caller = called[1] if called else ""
    who = asker(complaint, seen)
    plain = symbol[1:] if symbol.startswith("__Z") else symbol
    family = next((entry for entry in _FAMILIES if re.match(entry[0], plain)), None)
    if _torchs(plain):
        yield from _of_torch(caller, who)
    elif "torchcodec" in caller:
        yield Pointer("torchcodec-mismatch", 0.85)
    elif plain.startswith("nccl"):
        mixed = len(wheel_majors(seen)) > 1
        yield Pointer("nccl-mismatch", 0.6 if mixed else 0.9)
        yield Pointer("mixed-nvidia-wheels", 0.85 if mixed else 0.15)
    elif _CUDA.match(plain) or (family is None and _CUDA_LIBRARIES.search(complaint.text)):
        yield from _of_cuda(plain, complaint.text, caller, who, seen)
    elif family:
        yield from (Pointer(cause, sure) for cause, sure in family[1:])
    else:
        yield from _of_nobody(complaint, caller, who)


def _of_nobody(complaint: Complaint, caller: str, who: Asker) -> Iterator[Pointer]:
    """A symbol of unknown family, or none told: by the rest of the line."""
    if "GLIBC_PRIVATE" in complaint.text:
        yield Pointer("ld-library-path-shadowing", 0.6)
    elif "GLIBCXX" in complaint.text:
        yield Pointer("libstdcxx-too-old", 0.7)
    elif "GLIBC_2" in complaint.text or complaint.captured.get("relocated"):
        yield Pointer("glibc-too-old", 0.7)
    elif who.kind == "companion" or _is_companion(caller):
        yield Pointer("torchvision-mismatch", 0.7)
    elif _in_torch(caller):
        yield Pointer("ld-library-path-shadowing", 0.4)
        yield Pointer("duplicate-torch-conda-pip", 0.3)
        yield Pointer("torch-install-incomplete", 0.2)
    else:
        yield Pointer("extension-abi-mismatch", 0.6)


def _of_cuda(symbol: str, text: str, caller: str, who: Asker, seen: Seen) -> Iterator[Pointer]:
    """One of CUDA's libraries meets another of a version that it was not made for."""
    extension = who.kind == "extension" or _is_extension(caller)
    if extension and re.search(r"version lib\w{3,20}\.so\.\d", text):  # of the right major, and too old
        yield Pointer("ld-library-path-shadowing", 0.5)
        yield Pointer("mixed-nvidia-wheels", 0.8 if len(wheel_majors(seen)) > 1 else 0.45)
        return
    if extension and not _CUDA_LIBRARIES.search(caller) and not _in_torch(caller):
        yield Pointer("extension-cuda-major-mismatch", 0.6)
        yield Pointer("ld-library-path-shadowing", 0.3)
        return
    mixed = len(wheel_majors(seen)) > 1 or _older_wheel(symbol, seen) or seen.has("library-path-empty")
    both = symbol.startswith(("cudart", "cudaGetDriverEntryPoint")) or _two_majors(seen)
    yield Pointer("ld-library-path-shadowing", 0.5 if mixed and not library_path(seen) else 0.8 if library_path(seen) else 0.7)
    yield Pointer("mixed-nvidia-wheels", 0.8 if mixed and not library_path(seen) else 0.35)
    if both:
        yield Pointer("two-cuda-runtimes", 0.3)


def _older_wheel(symbol: str, seen: Seen) -> bool:
    """Whether the symbol carries a version (``__nvJitLinkComplete_12_4``) that the installed wheel does not reach."""
    matched = re.search(r"nvJitLink\w*_(\d{1,2})_(\d{1,2})$", symbol)
    have = seen.package("nvidia-nvjitlink-cu12") or seen.package("nvidia-nvjitlink")
    return bool(matched and have) and key(have)[:2] < (int(matched[1]), int(matched[2]))  # type: ignore[index]


def _of_torch(caller: str, who: Asker) -> Iterator[Pointer]:
    """Torch's own function: who called was built for another torch."""
    if _is_companion(caller) or (who.kind == "companion" and not _is_extension(caller)):
        yield Pointer("torchvision-mismatch", 0.9)
        yield Pointer("extension-abi-mismatch", 0.2)
    elif "torchcodec" in caller:
        yield Pointer("torchcodec-mismatch", 0.9)
    elif _in_torch(caller):
        yield Pointer("duplicate-torch-conda-pip", 0.4)
        yield Pointer("ld-library-path-shadowing", 0.4)
        yield Pointer("torch-install-incomplete", 0.3)
    else:
        yield Pointer("extension-abi-mismatch", 0.94)


def _torchs(symbol: str) -> bool:
    from torchsmith.knowledge import torch_symbols

    return torch_symbols.is_torchs(symbol) or bool(re.match(r"_Z\w{0,8}?(?:2at|3c10|5torch|6caffe2|8pybind11)[0-9A-Z]", symbol))


def _in_torch(caller: str) -> bool:
    return bool(re.search(r"[/\\]torch[/\\](?:lib[/\\]|_C)|lib(?:torch_|c10)\w*\.(?:so|dylib)|libtorch\.", caller))


def _is_companion(caller: str) -> bool:
    return bool(re.search(r"torchvision|torchaudio|torchtext|_torch_sox", caller))


def _is_extension(caller: str) -> bool:
    return bool(re.search(r"\.cpython-|\.abi3\.|\.pyd$|_C\.so|_cuda\w*\.so", caller)) and not _in_torch(caller)


def _two_majors(seen: Seen) -> bool:
    return torch_cuda(seen) > 0 and bool(seen.captured("library", "nvrtc-builtins"))

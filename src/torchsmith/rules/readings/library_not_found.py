"""A shared library that is found nowhere: by its name, its major and who asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.rules.readings import places
from torchsmith.rules.readings.asker import Asker, asker, library_path, torch_cuda, wheel_majors
from torchsmith.rules.readings.cudnn_not_found import of_cudnn, split

_CUDA = re.compile(
    r"lib(?:cudart|cublas|cublasLt|cufft|cufftw|curand|cusolver|cusolverMg|cusparse|cusparseLt|nvJitLink|nvrtc|cupti|nccl"
    r"|nvToolsExt|cufile|nvshmem\w*|npp\w+|nvjpeg)(?:-builtins)?\.so"
)
_TORCH = re.compile(r"lib(?:torch|c10|caffe2|shm)")
_SPLIT_TORCH = re.compile(r"libtorch_cuda_c(?:u|pp)\.so")
_DRIVER = re.compile(r"lib(?:cuda|nvidia-\w+|nvcuvid|nvidia_\w+)\.so")
_OTHERS: tuple[tuple[str, *tuple[tuple[str, float], ...]], ...] = (
    (r"libbitsandbytes", ("bnb-no-windows-binary", 0.7), ("missing-cuda-runtime-lib", 0.2)),
    (r"lib(?:av(?:util|codec|format|filter|device)|sw(?:scale|resample)|torchcodec)", ("torchcodec-mismatch", 0.7)),
    (r"lib(?:amdhip|hip|roc|MIOpen|rccl|hsa)", ("wrong-accelerator-backend", 0.7)),
    (r"lib(?:sycl|ze_loader|intel|ccl)", ("wrong-accelerator-backend", 0.5)),
    (r"lib(?:stdc\+\+|gcc_s)", ("libstdcxx-too-old", 0.4), ("nix-no-driver-lib", 0.3)),
    (r"libmkl", ("conda-mkl-2024-1", 0.4), ("duplicate-torch-conda-pip", 0.2)),
    (r"libpython", ("wrong-python-environment", 0.5)),
    (r"libnvinfer", ("extension-cuda-major-mismatch", 0.3)),
)


@reading("library-not-found", "linux-library-not-found-or-loaded")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Libraries of the GPU's world by who asks for them; the driver's own are not ours: nothing here brings them."""
    library = complaint.captured.get("library", "")
    who = asker(complaint, seen)
    if library.startswith("libcudnn"):
        yield from of_cudnn(library, who, seen)
    elif _TORCH.match(library):
        yield from _of_torch(library, who, seen)
    elif _CUDA.match(library):
        yield from _of_cuda(library, who, seen)
    elif re.match(r"lib(?:openblas|mpi)", library):
        jetson = bool(seen.value("jetson")) or "aarch64" in str(getattr(seen.value("machine"), "arch", ""))
        yield Pointer("jetson-wheel-jetpack-mismatch", 0.5 if jetson else 0.25)
    elif places.in_nix(seen) and re.match(r"lib(?:stdc\+\+|gcc_s|z)\.so", library):
        yield Pointer("nix-no-driver-lib", 0.55)  # wheels from outside find none of the system's libraries there
        yield Pointer("libstdcxx-too-old", 0.3)
    elif not _DRIVER.match(library):
        for names, *pointers in _OTHERS:
            if re.match(names, library):
                yield from (Pointer(cause, sure) for cause, sure in pointers)


def _of_torch(library: str, who: Asker, seen: Seen) -> Iterator[Pointer]:
    """Torch's own library: only what was built for another torch asks for one that is not there."""
    hip = "hip" in library
    if who.kind == "companion":
        yield Pointer("torchvision-mismatch", 0.85)
    elif who.kind == "torch":
        yield Pointer("torch-install-incomplete", 0.6)
        yield Pointer("duplicate-torch-conda-pip", 0.2)
    elif _SPLIT_TORCH.match(library):
        yield Pointer("extension-abi-mismatch", 0.88)
    elif "cuda" in library and not hip:
        cpu = getattr(seen.value("torch"), "kind", "") == "cpu"
        yield Pointer("cpu-only-build", 0.6 if cpu else 0.35)
        yield Pointer("extension-abi-mismatch", 0.35 if cpu else 0.45)
        yield Pointer("cpu-torch-for-cuda-ext", 0.2)
    else:
        yield Pointer("wrong-accelerator-backend" if hip else "extension-abi-mismatch", 0.5)
        yield Pointer("torchvision-mismatch", 0.2)


def _of_cuda(library: str, who: Asker, seen: Seen) -> Iterator[Pointer]:
    """A library of CUDA: of torch's own major it is missing, of another one somebody was built for that."""
    ours, theirs = torch_cuda(seen), majors(library)
    other = bool(ours and theirs and ours not in theirs)
    if who.kind == "torch" or split(who, seen):
        yield from _of_torch_itself(seen)
    elif who.kind == "tensorflow":
        yield Pointer("missing-cuda-runtime-lib", 0.75)
        yield Pointer("extension-cuda-major-mismatch", 0.15)
    elif who.kind in {"jax", "bitsandbytes"}:
        yield Pointer("missing-cuda-runtime-lib", 0.55)
        yield Pointer("extension-cuda-major-mismatch", 0.5 if other else 0.25)
        if who.kind == "bitsandbytes":
            yield Pointer("bnb-no-windows-binary", 0.2)
    elif who.kind == "companion":
        yield Pointer("torchvision-mismatch", 0.75 if other or not ours else 0.5)
        yield Pointer("missing-cuda-runtime-lib", 0.3)
    elif who.kind in {"extension", "onnxruntime", "ctranslate2"}:
        yield Pointer("extension-cuda-major-mismatch", 0.92 if other else 0.3 if ours else 0.8)
        yield Pointer("missing-cuda-runtime-lib", 0.5 if ours and not other else 0.2)
    elif other:
        yield Pointer("extension-cuda-major-mismatch", 0.7)
        yield Pointer("two-cuda-runtimes", 0.3)
    else:
        yield Pointer("missing-cuda-runtime-lib", 0.6 if ours else 0.5)
        yield Pointer("extension-cuda-major-mismatch", 0.2 if ours else 0.48)
    if len(wheel_majors(seen)) > 1:
        yield Pointer("mixed-nvidia-wheels", 0.5)


@reading("library-not-in-system-path")
def not_in_site_packages(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Torch's search of all site-packages for its wheels."""
    del complaint
    yield from _of_torch_itself(seen)


def _of_torch_itself(seen: Seen) -> Iterator[Pointer]:
    """Torch does not find what its wheels bring: are they there, in another tree?"""
    if seen.has("torch-under-lib64"):
        yield Pointer("split-lib-lib64-venv", 0.75 if seen.has("nvidia-under-lib") else 0.6)
        yield Pointer("missing-cuda-runtime-lib", 0.45)
        return
    yield Pointer("missing-cuda-runtime-lib", 0.7)
    yield Pointer("mixed-nvidia-wheels", 0.6 if len(wheel_majors(seen)) > 1 else 0.15)
    yield Pointer("split-lib-lib64-venv", 0.12)
    if library_path(seen):
        yield Pointer("ld-library-path-shadowing", 0.2)


def majors(library: str) -> set[int]:
    """The CUDA majors of which this is a library; empty where its name does not tell."""
    from torchsmith.knowledge import libraries

    known = {provider.cuda_major for provider in libraries.providers(library)}
    if known:
        return known
    matched = re.match(r"lib(?:cudart|cublas|cublasLt|nvrtc|nvJitLink|cupti|cusparse)\.so\.(\d{1,2})", library)
    return {int(matched[1])} if matched else set()


@reading("tensorflow-library-not-found")
def of_tensorflow(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """TensorFlow names every library that it lacks: only cuDNN, or all of CUDA."""
    named = {c.captured["library"] for c in seen.complaints if c.signature == complaint.signature and c.captured.get("library")}
    named = {library for library in named if not library.startswith(("libnvinfer", "nvinfer", "libcuda.", "nvcuda"))}
    if seen.has("cudnn-wheel-there") and seen.os != "windows":
        yield Pointer("cudnn-not-on-loader-path", 0.6)
        yield Pointer("missing-cuda-runtime-lib", 0.4)
    elif named and all("cudnn" in library for library in named):
        yield Pointer("missing-cudnn", 0.75)
    elif named:
        yield Pointer("missing-cuda-runtime-lib", 0.65)
        yield Pointer("extension-cuda-major-mismatch", 0.15)
    elif seen.first("tensorflow-library-not-found") is complaint:
        yield Pointer("missing-cuda-runtime-lib", 0.3)
        yield Pointer("no-nvidia-driver", 0.25)

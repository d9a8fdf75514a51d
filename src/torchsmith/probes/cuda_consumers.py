"""Packages with CUDA libraries of their own beside torch: which libraries they need, and where those are."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.libraries import CudaConsumer, CudaConsumers, LoaderPaths, TorchLibraries
from torchsmith.model.facts.python import Package, Packages
from torchsmith.model.known import Fact, Known
from torchsmith.model.pattern import pattern

_BUNDLED_CUDNN = pattern(r"libcudnn-[0-9a-f]+\.so\.(\d+)[\d.]*")
_CUDA = pattern(r"lib(?:cudnn|cublas|cublasLt|cudart|cufft|curand|cusparse|nvrtc)\.so\.\d+")
_FIRST_PART = {"8": "libcudnn_ops_infer.so.8", "9": "libcudnn_ops.so.9"}
_PROVIDER = "onnxruntime/capi/libonnxruntime_providers_cuda.so"


@probe
def cuda_consumers(
    host: Host, packages: Packages, loader_paths: LoaderPaths, torch_libraries: TorchLibraries
) -> Fact[CudaConsumers]:
    """Onnxruntime says it in its headers; ctranslate2 opens cuDNN by name, but carries the front library of its version."""
    found = []
    for name in ("ctranslate2", "onnxruntime-gpu"):
        package = packages.get(name)
        if package:
            path, needs = _ctranslate2(host, package) if name == "ctranslate2" else _onnxruntime(host, package)
            if needs:
                found.append(_placed(host, package, path, needs, loader_paths, torch_libraries))
    return Known(CudaConsumers(tuple(found)), "libraries of the packages beside torch")


def _ctranslate2(host: Host, package: Package) -> tuple[str, tuple[str, ...]]:
    folder = f"{package.folder}/ctranslate2.libs"
    names = host.names(folder)
    for name in names.value if isinstance(names, Known) else []:
        if matched := _BUNDLED_CUDNN.fullmatch(name):
            return f"{folder}/{name}", (_FIRST_PART.get(matched[1], f"libcudnn_ops.so.{matched[1]}"),)
    return folder, ()


def _onnxruntime(host: Host, package: Package) -> tuple[str, tuple[str, ...]]:
    path = f"{package.folder}/{_PROVIDER}"
    answer = host.binary("shared", path)
    return path, tuple(n for n in answer.value.get("needed", ()) if _CUDA.fullmatch(n)) if isinstance(answer, Known) else ()


def _placed(
    host: Host, package: Package, path: str, needs: tuple[str, ...], paths: LoaderPaths, libraries: TorchLibraries
) -> CudaConsumer:
    cache = host.binary("ld-cache", "/etc/ld.so.cache")
    cached = cache.value if isinstance(cache, Known) else {}
    on_path, in_wheels = [], []
    for name in needs:
        own = f"{path.rpartition('/')[0]}/{name}"
        places = (own, *(f"{folder}/{name}" for folder in (*paths.library_path, *paths.default)))
        first = cached.get(name) or next((place for place in places if host.exists(place)), "")
        if first:
            on_path.append((name, first))
        wheel = next((p for folder in libraries.nvidia_folders if host.exists(p := f"{folder}/{name}")), "")
        if wheel:
            in_wheels.append((name, wheel))
    return CudaConsumer(package.name, package.version, path, needs, tuple(on_path), tuple(in_wheels))

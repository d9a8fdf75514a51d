"""The second half of the machine's block: variables, interpreter, torch, what stands beside it, and where packages come from."""

from __future__ import annotations

from torchsmith.report.words import NONE, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from torchsmith.model.known import Known

# What stands beside torch and matters to it; NVIDIA's wheels come after them.
COMPANIONS = (
    *("torchvision", "torchaudio", "torchtext", "torchcodec", "torchao", "triton", "triton-windows", "pytorch-triton"),
    *("numpy", "xformers", "flash-attn", "bitsandbytes", "vllm", "sglang", "deepspeed", "apex", "transformer-engine"),
    *("transformers", "accelerate", "peft", "diffusers", "auto-gptq", "mamba-ssm", "causal-conv1d", "torch-scatter"),
    *("onnxruntime", "onnxruntime-gpu", "ctranslate2", "faster-whisper", "whisperx", "tensorrt", "cupy-cuda12x", "cupy-cuda13x"),
    *("jax", "tensorflow", "lightning", "pytorch-lightning", "torch-tensorrt", "numba", "intel-openmp", "mkl"),
)


ARCHES = {"amd64": "x86_64", "x86-64": "x86_64", "arm64": "aarch64"}


def _python(fact: Known[Any], machine: Any) -> str:
    python = fact.value
    made_for = ARCHES.get(python.machine.lower(), python.machine.lower())
    emulated = machine is not None and made_for and python.bits == 64 and made_for != machine.arch
    return listed(
        f"{python.version}{'t' if python.free_threaded else ''} ({python.executable})",
        python.implementation != "cpython" and python.implementation,
        python.release_level != "final" and python.release_level,
        python.bits != 64 and f"{python.bits}-bit",
        emulated and f"made for {made_for}: it is emulated",
        python.libc,
        python.base_prefix != python.prefix and f"from {python.base_prefix}",
    )


def _environment(fact: Known[Any], python: Any) -> str:
    place = fact.value
    return listed(
        python and python.prefix,
        place.kind if place.kind not in {place.manager, "unknown"} or place.kind == place.manager else None,
        place.kind != place.manager and f"changed by {place.manager}",
        place.found_by and f"found by {place.found_by}",
        place.project and f"project {place.project}",
        not place.changeable and f"not to be changed: {place.why_not}",
    )


def _search(fact: Known[Any]) -> str:
    python = fact.value
    return listed(
        python.user_site and f"user site {python.user_site}",
        python.system_site and "the system's packages are seen too",
        python.pythonpath and f"PYTHONPATH {' '.join(python.pythonpath)}",
    )


def _torch(fact: Known[Any], install: Any) -> str:
    torch = fact.value
    if torch is None:
        return f"none ({fact.source})"
    made_with = f"CUDA {torch.cuda}" if torch.cuda else f"ROCm {torch.hip}" if torch.hip else torch.kind
    return listed(
        f"{torch.version} ({made_with})",
        torch.git and f"git {torch.git[:12]}",
        torch.debug and "debug build",
        torch.folder,
        install and install.installer and f"installed by {install.installer}",
    )


def _code(fact: Known[Any]) -> str:
    code = fact.value
    return "" if code is None else listed(" ".join(code.sass), code.ptx and f"PTX {' '.join(code.ptx)}", separator="; ")


def _beside(fact: Known[Any]) -> str:
    packages = fact.value
    named = [package for name in COMPANIONS if (package := packages.get(name))]
    named += [package for package in packages.starting("nvidia-") if packages.get(package.name) is package]
    doubled = [name for name in ("torch", *COMPANIONS) if len(packages.all(name)) > 1]
    return (
        listed(
            *(f"{package.name} {package.version}" for package in named),
            doubled and f"more than one: {' '.join(doubled)}",
            packages.leftovers and f"left behind: {' '.join(packages.leftovers)}",
        )
        or NONE
    )


def _indexes(fact: Known[Any]) -> Iterator[str]:
    indexes = fact.value
    if indexes is None:
        return
    if indexes.backend:
        yield f"uv's torch backend: {indexes.backend}"
    for index in indexes.entries:
        yield f"{index.kind} {index.url} ({index.origin})"


def _variables(fact: Known[Any]) -> Iterator[str]:
    values = fact.value.values
    return (f"{name}={values[name]}" for name in sorted(values)) if values else iter((NONE,))


ROWS: tuple[tuple[str, tuple[str, ...], Callable[..., Any]], ...] = (
    ("Variables", ("variables",), _variables),
    ("Python", ("interpreter", "machine"), _python),
    ("Environment", ("environment", "interpreter"), _environment),
    ("Search path", ("interpreter",), _search),
    ("torch", ("torch", "torch_install"), _torch),
    ("GPU code", ("torch_gpu_code",), _code),
    ("Beside it", ("packages",), _beside),
    ("Indexes", ("indexes",), _indexes),
)

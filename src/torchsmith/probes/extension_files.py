"""Compiled extensions of torch that are installed: what they need, and the torch that they were built for."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.install import ExtensionFile, ExtensionFiles
from torchsmith.model.facts.python import Package, Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.pattern import pattern

# Distribution -> (folder inside site-packages, beginnings of its libraries' names).
WHERE: dict[str, tuple[str, tuple[str, ...]]] = {
    "flash-attn": ("", ("flash_attn_2_cuda", "flash_attn_cuda")),
    "flash-attn-3": ("flash_attn_3", ("_C",)),
    "xformers": ("xformers", ("_C",)),
    "vllm": ("vllm", ("_C.",)),
    "causal-conv1d": ("", ("causal_conv1d_cuda",)),
    "mamba-ssm": ("", ("selective_scan_cuda",)),
    "sageattention": ("sageattention", ("_qattn", "_fused")),
    "detectron2": ("detectron2", ("_C",)),
    "pytorch3d": ("pytorch3d", ("_C",)),
    "torch-scatter": ("torch_scatter", ("_scatter_cuda",)),
    "torch-sparse": ("torch_sparse", ("_spmm_cuda",)),
    "torch-cluster": ("torch_cluster", ("_knn_cuda",)),
    "apex": ("", ("amp_C",)),
    "auto-gptq": ("", ("autogptq_cuda",)),
    "exllamav2": ("", ("exllamav2_ext",)),
    "natten": ("natten", ("libnatten",)),
    "bitsandbytes": ("bitsandbytes", ("libbitsandbytes_cuda",)),
}
_NATIVE = (".so", ".pyd", ".dll")
_BUILT_FOR = pattern(r"torch(\d+\.\d+)(?:\.\d+)?(?:cxx11abi|[-+%_.a-z]|$)", re.ASCII)
_PER_PACKAGE = 2


@probe
def extension_files(host: Host, torch: Torch, packages: Packages) -> Fact[ExtensionFiles]:
    """The libraries are described, not loaded; of a package that carries one per CUDA, the one for this torch."""
    if torch.kind != "cuda":
        return Known(ExtensionFiles(()), f"a {torch.kind} build of torch")
    found: list[ExtensionFile] = []
    for name in WHERE:
        package = packages.get(name)
        if package:
            found += _look(host, package, torch)
    return Known(ExtensionFiles(tuple(found)), "libraries of the installed extensions")


def _look(host: Host, package: Package, torch: Torch) -> list[ExtensionFile]:
    inside, beginnings = WHERE[package.name]
    if package.name == "bitsandbytes":
        beginnings = (f"libbitsandbytes_cuda{(torch.cuda or '').replace('.', '')}.",)
    folder = f"{package.folder}/{inside}".rstrip("/")
    names = host.names(folder)
    wanted = [n for n in (names.value if isinstance(names, Known) else []) if n.startswith(beginnings) and n.endswith(_NATIVE)]
    direct = text_of(host.read(f"{package.metadata}/direct_url.json", 1 << 16))
    built = built_for(f"{package.version} {direct}") if wanted else ""
    files = []
    for name in wanted[:_PER_PACKAGE]:
        answer = host.binary("shared", f"{folder}/{name}")
        if isinstance(answer, Unknown):
            files.append(ExtensionFile(package.name, package.version, f"{folder}/{name}", (), built, answer.reason))
        else:
            files.append(ExtensionFile(package.name, package.version, f"{folder}/{name}", tuple(answer.value["needed"]), built))
    return files


def built_for(text: str) -> str:
    """``2.4`` of a wheel named ``...+cu12torch2.4cxx11abiFALSE-cp310...``; empty where nothing is said."""
    matched = _BUILT_FOR.search(text)
    return matched[1] if matched else ""

"""What xformers was built for, in its own words."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.install import XformersBuild
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.pattern import pattern

_TORCH = pattern(r'"torch"\s*:\s*"([0-9][^"\n]{0,60})"')
_CUDA = pattern(r'"cuda"\s*:\s*"?(\d{4,5})"?')


@probe
def xformers_build(host: Host, packages: Packages, torch: Torch) -> Fact[XformersBuild | None]:
    """``cpp_lib.json`` lies beside the compiled library; without it nothing was compiled. Asked beside a torch only."""
    del torch
    package = packages.get("xformers")
    if package is None:
        return Known(None, "xformers is not installed")
    path = f"{package.folder}/xformers/cpp_lib.json"
    text = host.read(path, 1 << 16)
    if isinstance(text, Unknown):
        return text
    return Known(parse(text.value, package.version, path), path)


def parse(text: str, version: str, path: str) -> XformersBuild | None:
    """``{"version": {"cuda": 1208, "torch": "2.8.0+cu128", ...}}``; None where no torch is named."""
    torch, cuda = _TORCH.search(text), _CUDA.search(text)
    if torch is None:
        return None
    number = int(cuda[1]) if cuda else 0
    return XformersBuild(version, torch[1], f"{number // 100}.{number % 100}" if number else None, path)

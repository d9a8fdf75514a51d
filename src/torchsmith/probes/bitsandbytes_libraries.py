"""The CUDA versions that the installed bitsandbytes carries a library for."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.install import BitsandbytesLibraries
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.pattern import pattern

_LIBRARY = pattern(r"libbitsandbytes_([a-z]+)(\d*)[a-z0-9_]*\.(?:so|dll|dylib)", re.ASCII)


@probe
def bitsandbytes_libraries(host: Host, packages: Packages, torch: Torch) -> Fact[BitsandbytesLibraries | None]:
    """By the names of its files; beside a torch only."""
    del torch
    package = packages.get("bitsandbytes")
    if package is None:
        return Known(None, "bitsandbytes is not installed")
    folder = f"{package.folder}/bitsandbytes"
    names = host.names(folder)
    if isinstance(names, Unknown):
        return names
    matches = [(m, name) for name in names.value if (m := _LIBRARY.fullmatch(name))]
    cuda = tuple(m[2] for m, _ in matches if m[1] == "cuda")
    other = tuple(name for m, name in matches if m[1] != "cuda")
    return Known(BitsandbytesLibraries(package.version, folder, cuda, other), folder)

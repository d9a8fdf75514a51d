"""torchvision and torchaudio: version and CUDA from their own files."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.install import CompanionBuild, CompanionBuilds
from torchsmith.model.facts.python import Package, Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known
from torchsmith.model.pattern import pattern

NAMES = ("torchvision", "torchaudio")
_VERSION = pattern(r"^__version__\s*(?::[^=\n]+)?=\s*['\"]([^'\"\n]{1,100})['\"]", re.MULTILINE)
_CUDA_LABEL = pattern(r"cu(\d+)(\d)")
_CUDA_LIBRARY = pattern(r"(?:lib)?(?:cudart|c10_cuda|torch_cuda)", re.ASCII)
_NATIVE = (".so", ".pyd")


@probe
def companion_builds(host: Host, packages: Packages, torch: Torch) -> Fact[CompanionBuilds]:
    """The label in version.py; where there is none, whether the compiled library asks for CUDA. Beside a torch only."""
    del torch
    found = [_look(host, package) for name in NAMES if (package := packages.get(name))]
    return Known(CompanionBuilds(tuple(found)), "version.py of the packages; their libraries")


def _look(host: Host, package: Package) -> CompanionBuild:
    folder = f"{package.folder}/{package.name}"
    version = parse(text_of(host.read(f"{folder}/version.py", 1 << 16))) or package.version
    label = version.partition("+")[2]
    cuda = _CUDA_LABEL.fullmatch(label)
    if cuda:
        return CompanionBuild(package.name, version, "cuda", f"{int(cuda[1])}.{cuda[2]}", f"{folder}/version.py")
    if label == "cpu" or label.startswith(("rocm", "xpu")):
        return CompanionBuild(
            package.name, version, "cpu" if label == "cpu" else label[:4].rstrip("0123456789."), None, f"{folder}/version.py"
        )
    for place in (folder, f"{folder}/lib"):
        names = host.names(place)
        for name in names.value if isinstance(names, Known) else ():
            if name.endswith(_NATIVE) and name.startswith(("_C", "_torchaudio", "libtorchaudio")):
                shared = host.binary("shared", f"{place}/{name}")
                if isinstance(shared, Known):
                    asks = any(_CUDA_LIBRARY.match(needed) for needed in shared.value["needed"])
                    # Without a label a library that asks for no CUDA may still be the plain one of a CUDA build.
                    return CompanionBuild(package.name, version, "cuda" if asks else "", None, f"{place}/{name}")
    return CompanionBuild(package.name, version, "", None, folder)


def parse(text: str) -> str | None:
    """The version of a version.py."""
    matched = _VERSION.search(text)
    return matched[1] if matched else None

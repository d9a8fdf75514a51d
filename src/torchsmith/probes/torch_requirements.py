"""Which NVIDIA packages the installed torch asks for, by its own metadata."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.libraries import TorchRequirement, TorchRequirements
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.pattern import pattern

_LINE = pattern(
    r"^Requires-Dist:[ \t]*(?P<name>[A-Za-z0-9._-]+)[ \t]*(?:\[(?P<extras>[^\]\n]*)\])?[ \t]*"
    r"\(?(?P<spec>[^;)\n]*)\)?[ \t]*(?:;(?P<marker>[^\n]*))?$",
    re.MULTILINE,
)
_EXTRA = pattern(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_SYSTEM = pattern(r"""(platform_system|sys_platform)\s*==\s*['"]([^'"]+)['"]""")
# A hostile METADATA must not bring a URL or an option into the commands that are made of a requirement.
_SPECIFIER = pattern(r"(?:(?:[=!~<>]=|===|[<>])[A-Za-z0-9.*+!_-]+(?:,(?!$)|$))*", re.ASCII)
_SYSTEMS = {"linux": {"Linux", "linux"}, "windows": {"Windows", "win32"}, "macos": {"Darwin", "darwin"}}


@probe
def torch_requirements(host: Host, machine: Machine, torch: Torch, packages: Packages) -> Fact[TorchRequirements]:
    """Read Requires-Dist of torch and, where torch asks for parts of it, of ``cuda-toolkit``."""
    place = torch.folder.rpartition("/")[0]
    own = next((p for p in packages.all("torch") if p.folder == place), packages.get("torch"))
    if own is None:
        return Unknown("torch has no metadata", (place,))
    text = host.read(f"{own.metadata}/METADATA", 1 << 18)
    if isinstance(text, Unknown):
        return text
    asked, parts = parse(text.value, machine.os)
    toolkit = packages.get("cuda-toolkit")
    if parts and toolkit:
        more = host.read(f"{toolkit.metadata}/METADATA", 1 << 18)
        if isinstance(more, Known):
            asked += [r for r in parse(more.value, machine.os, parts)[0] if r.name not in {known.name for known in asked}]
    return Known(TorchRequirements(tuple(asked)), text.source)


def parse(metadata: str, os: str, extras: frozenset[str] = frozenset()) -> tuple[list[TorchRequirement], frozenset[str]]:
    """NVIDIA requirements of a METADATA that hold on this system, and the parts of ``cuda-toolkit`` among them."""
    found: dict[str, TorchRequirement] = {}
    parts: frozenset[str] = frozenset()
    for line in _LINE.finditer(metadata):
        name = re.sub(r"[-_.]+", "-", line["name"]).lower()
        marker = line["marker"] or ""
        wanted = set(_EXTRA.findall(marker))
        systems = {system for _, system in _SYSTEM.findall(marker)}
        if not name.startswith(("nvidia-", "cuda-toolkit")) or (wanted and not wanted & extras):
            continue
        if systems and not systems & _SYSTEMS.get(os, set()):
            continue
        specifier = re.sub(r"[ \t]", "", line["spec"])
        found.setdefault(name, TorchRequirement(name, specifier if _SPECIFIER.fullmatch(specifier) else ""))
        if name == "cuda-toolkit":
            parts = frozenset(part.strip() for part in (line["extras"] or "").split(",") if part.strip())
    return list(found.values()), parts

"""NVIDIA wheels of one component for several CUDA majors, and whose files are there. Nothing is read where there are none."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.libraries import WheelClash, WheelClashes
from torchsmith.model.facts.python import Package, Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known
from torchsmith.model.paths import joined
from torchsmith.model.pattern import pattern

_SUFFIX = pattern(r"-cu\d\d$")
_ROW = pattern(r"^([^,\n\"]+),[^,\n]*,(\d*)\r?$", re.MULTILINE)


@probe
def wheel_clashes(host: Host, torch: Torch, packages: Packages) -> Fact[WheelClashes]:
    """Compare the RECORDs of wheels that differ only in their CUDA suffix, and the sizes of libraries that both list."""
    del torch  # asked only where there is one
    components: dict[str, dict[str, Package]] = {}
    for package in packages.starting("nvidia-"):
        components.setdefault(_SUFFIX.sub("", package.name), {}).setdefault(package.name, package)
    found = [_clash(host, name, tuple(group.values())) for name, group in components.items() if len(group) > 1]
    return Known(WheelClashes(tuple(found)), "RECORD of the NVIDIA wheels")


def _clash(host: Host, component: str, group: tuple[Package, ...]) -> WheelClash:
    records = {}
    for package in group:
        text = host.read(f"{package.metadata}/RECORD", 1 << 20)
        if isinstance(text, Known):
            records[package.name] = parse(text.value, package.folder)
    paths = [path for rows in records.values() for path in rows]
    shared = {path for path in paths if paths.count(path) > 1 and not path.endswith("/__init__.py")}
    libraries = []
    for path in sorted(path for path in shared if ".so" in path or path.endswith(".dll")):
        stat = host.stat(path)
        size = stat.value.size if isinstance(stat, Known) else -1
        owners = [name for name, rows in records.items() if rows.get(path) == size]
        libraries.append((path, owners[0] if len(owners) == 1 else ""))
    return WheelClash(component, tuple((p.name, p.version) for p in group), len(shared), tuple(libraries))


def parse(record: str, folder: str) -> dict[str, int]:
    """Path -> size of the files that a RECORD lists; compiled Python and the wheel's own metadata left out."""
    rows = _ROW.findall(record)
    return {
        joined(folder, path): int(size) for path, size in rows if size and ".dist-info/" not in path and "__pycache__" not in path
    }

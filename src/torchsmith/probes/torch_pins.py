"""Installed packages that ask for one exact torch."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.install import TorchPin, TorchPins
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_PIN = pattern(r"torch\s*\(?\s*==\s*([0-9][A-Za-z0-9.+]*)\s*\)?\s*(?:;\s*(.*))?", re.ASCII)
_LIMIT = 500
_LABEL = pattern(r"\+cu\d{2,3}")


@probe
def torch_pins(host: Host, torch: Torch, packages: Packages) -> Fact[TorchPins | None]:
    """Read the METADATA of everything, but only where torch could have been replaced: a CPU build, or one CUDA beside another.

    Where torch and what stands beside it agree nobody asks, and three hundred files stay unread.
    """
    labels = {m[0] for p in packages.installed if p.folder == torch.folder.rpartition("/")[0] and (m := _LABEL.search(p.version))}
    if torch.kind != "cpu" and not labels - {f"+{torch.build}"}:
        return Known(None, "nothing installed differs from torch's own build")
    pins = []
    for package in [p for p in packages.installed if p.name != "torch" and not p.name.startswith("nvidia-")][:_LIMIT]:
        version = (
            parse(lines.value)
            if isinstance(lines := host.binary("requires-torch", f"{package.metadata}/METADATA"), Known)
            else None
        )
        if version:
            stat = host.stat(package.metadata)
            pins.append(TorchPin(package.name, package.version, version, stat.value.mtime if isinstance(stat, Known) else None))
    return Known(TorchPins(tuple(pins)), "METADATA of the installed packages")


def parse(lines: Iterable[str]) -> str | None:
    """The torch that the ``Requires-Dist`` lines of a METADATA file pin with ``==``; extras do not count, nor a wildcard."""
    for line in lines:
        matched = _PIN.match(line.removeprefix("Requires-Dist: "))
        if matched and "extra" not in (matched[2] or ""):
            return matched[1].rstrip(".")
    return None

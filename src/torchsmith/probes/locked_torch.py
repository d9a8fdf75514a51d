"""torch as the lock file of the project in this folder pins it."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.host.redact import without_secrets
from torchsmith.model.facts.install import LockedTorch
from torchsmith.model.facts.python import Environment
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.pattern import pattern

_PACKAGE = pattern(r'^\[\[package\]\]\nname = "torch"\nversion = "([^"\n]+)"\n(.*?)(?=^\[\[|\Z)', re.MULTILINE | re.DOTALL)
_INDEX = pattern(r'(?:registry|url)\s*=\s*"(https?://[^"\s]+)"')
_FILES = ("uv.lock", "poetry.lock", "pdm.lock")


@probe
def locked_torch(host: Host, environment: Environment, torch: Torch) -> Fact[LockedTorch | None]:
    """Only where the environment is this project's, and where the lock file has one torch for every platform."""
    del torch  # the lock matters for the torch that is there
    if not environment.project:
        return Known(None, "the environment is of no project in this folder")
    for name in _FILES:
        path = f"{environment.project}/{name}"
        text = host.read(path, 2 << 20)
        if isinstance(text, Unknown):
            continue
        found = parse(text.value)
        return Known(LockedTorch(path, *found) if found else None, path)
    return Known(None, "no lock file")


def parse(text: str) -> tuple[str, str] | None:
    """Version and index of the only torch in a lock file; several (one per platform) say nothing of this one."""
    found = _PACKAGE.findall(text.replace("\r\n", "\n"))
    if len(found) != 1:
        return None
    version, body = found[0]
    index = _INDEX.search(body)
    return version, without_secrets(index[1]) if index else ""

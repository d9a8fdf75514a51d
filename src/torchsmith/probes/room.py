"""Room on disk, where torch would go and where pip unpacks: asked only where there is no torch yet."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.system import Room
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown


@probe
def room(host: Host, interpreter: Interpreter, torch: Torch | Unknown | None) -> Fact[Room | None]:
    """Two questions to the file systems."""
    if isinstance(torch, Torch):
        return Known(None, "not asked: torch is installed")
    folders = host.folders()
    temp = folders.value["temp"] if isinstance(folders, Known) else ""
    site = interpreter.site_packages[0] if interpreter.site_packages else interpreter.prefix
    place = site if host.exists(site) else interpreter.prefix
    return Known(Room(site, _free(host, place), temp, _free(host, temp)), f"{place}, {temp}")


def _free(host: Host, path: str) -> int | None:
    answer = host.disk(path) if path else None
    return answer.value["free"] if isinstance(answer, Known) else None

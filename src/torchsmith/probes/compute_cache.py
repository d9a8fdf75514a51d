"""The folder in which CUDA keeps what it compiled from PTX, and whether this user may write there."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.system import ComputeCache
from torchsmith.model.known import Fact, Known


@probe
def compute_cache(host: Host, machine: Machine, gpus: Gpus, variables: Variables) -> Fact[ComputeCache | None]:
    """The first of the folder and those above it that exists: what CUDA would write into."""
    if machine.os != "linux" or not gpus:
        return Known(None, "no CUDA program runs here" if machine.os == "linux" else f"no owners to compare on {machine.os}")
    folders = host.folders()
    home = folders.value["home"] if isinstance(folders, Known) else ""
    named = variables.get("CUDA_CACHE_PATH")
    places = (named,) if named else (f"{home}/.nv/ComputeCache", f"{home}/.nv")
    for path in places:
        answer = host.stat(path)
        if isinstance(answer, Known):
            return Known(ComputeCache(path, answer.value.uid, machine.user_id, host.writable(path)), path)
    return Known(None, f"{places[-1]} does not exist yet")

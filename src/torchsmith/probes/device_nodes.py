"""GPU device files in /dev, and whether this user may open them."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.driver import DeviceNode, DeviceNodes
from torchsmith.model.facts.gpu import NvidiaLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

FOLDER = "/dev"
STEMS = ("nvidia", "nvhost", "nvmap", "kfd", "dxg")
MOST = 64


@probe
def device_nodes(host: Host, machine: Machine, nvidia_libraries: NvidiaLibraries | Unknown) -> Fact[DeviceNodes | None]:
    """List /dev after the libraries were asked: cuInit creates nodes that are missing, if it may."""
    del nvidia_libraries
    if machine.os != "linux":
        return Known(None, f"{machine.os} has no device files")
    names = host.names(FOLDER)
    if isinstance(names, Unknown):
        return names
    wanted = [name for name in names.value if name.startswith(STEMS)][:MOST]
    return Known(DeviceNodes(tuple(node for name in wanted if (node := _node(host, f"{FOLDER}/{name}")))), FOLDER)


def _node(host: Host, path: str) -> DeviceNode | None:
    answer = host.stat(path)
    if isinstance(answer, Unknown) or answer.value.kind == "dir":
        return None
    found = answer.value
    return DeviceNode(path, found.mode, found.uid, found.gid, host.writable(path), found.kind == "device")

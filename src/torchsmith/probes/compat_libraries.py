"""NVIDIA's forward-compatibility packages: a newer libcuda for data-centre GPUs with an older driver."""

from __future__ import annotations

from torchsmith.engine.declare import detail
from torchsmith.host.base import Host
from torchsmith.model.facts.gpu import file_version
from torchsmith.model.facts.hardware import CompatLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

LOCAL = "/usr/local"
MOST = 16


@detail
def compat_libraries(host: Host, machine: Machine) -> Fact[CompatLibraries | None]:
    """The folders ``compat`` of the toolkits in /usr/local, each file once."""
    if machine.os != "linux":
        return Known(None, f"none is made for {machine.os}")
    listed = host.names(LOCAL)
    if isinstance(listed, Unknown):
        return listed
    found: dict[str, str] = {}
    for name in [name for name in listed.value if name == "cuda" or name.startswith("cuda-")][:MOST]:
        folder = f"{LOCAL}/{name}/compat"
        files = host.names(folder)
        for file in files.value if isinstance(files, Known) else ():
            version = file_version(file) if file.startswith("libcuda.so.") else None
            real = host.real(f"{folder}/{file}") if version else None
            if version:
                found[real.value if isinstance(real, Known) else f"{folder}/{file}"] = version
    return Known(CompatLibraries(tuple(found.items())), f"{LOCAL}/cuda*/compat") if found else Known(None, LOCAL)

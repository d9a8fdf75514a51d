"""Which NumPy torch's own binary was made for."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.install import NumpyAbi
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown

_LIBRARIES = {"windows": "torch_python.dll", "macos": "libtorch_python.dylib"}


@probe
def numpy_abi(host: Host, machine: Machine, torch: Torch, packages: Packages) -> Fact[NumpyAbi | None]:
    """Read only beside NumPy 2 or newer: what was made for either serves under NumPy 1."""
    numpy = packages.version("numpy")
    if numpy is None:
        return Known(None, "NumPy is not installed")
    path = f"{torch.folder}/lib/{_LIBRARIES.get(machine.os, 'libtorch_python.so')}"
    if numpy.partition(".")[0] in {"0", "1"}:
        return Known(NumpyAbi(path, "", numpy), "NumPy 1 is installed, which serves both")
    answer = host.binary("numpy-abi", path)
    if isinstance(answer, Unknown):
        return answer
    return Known(NumpyAbi(path, answer.value or "", numpy), answer.source)

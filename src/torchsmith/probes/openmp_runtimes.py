"""OpenMP runtimes that torch and the MKL of a conda environment would load."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.libraries import OpenmpRuntime, OpenmpRuntimes
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known
from torchsmith.model.paths import normal

FAMILIES = (("libiomp5md", "intel"), ("libiomp5", "intel"), ("libomp", "llvm"))


@probe
def openmp_runtimes(host: Host, machine: Machine, interpreter: Interpreter, torch: Torch) -> Fact[OpenmpRuntimes]:
    """List torch's own folder and the environment's library folder."""
    prefix = normal(interpreter.prefix)
    shared = f"{prefix}/Library/bin" if machine.os == "windows" else f"{prefix}/lib"
    found = []
    for folder, owner in ((f"{normal(torch.folder)}/lib", "torch"), (shared, "environment")):
        names = host.names(folder)
        found += parse(folder, owner, names.value if isinstance(names, Known) else [])
    return Known(OpenmpRuntimes(tuple(found)), f"{torch.folder}/lib; {shared}")


def parse(folder: str, owner: str, names: list[str]) -> list[OpenmpRuntime]:
    """The runtimes among the names of a folder; stubs and links to one another's names are no second runtime."""
    found = []
    for name in names:
        stem = name.partition(".")[0].partition("-")[0]
        family = next((family for start, family in FAMILIES if stem == start), "")
        if family and name.endswith((".dll", ".so", ".dylib")):
            found.append(OpenmpRuntime(f"{folder}/{name}", family, owner))
    return found

"""Where the loader looks for libraries on this machine."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.libraries import LoaderPaths
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known
from torchsmith.model.paths import joined, normal


@probe
def loader_paths(host: Host, machine: Machine, interpreter: Interpreter, torch: Torch) -> Fact[LoaderPaths | None]:
    """Read the loader's variables; asked only where there is a torch."""
    folders = host.folders()
    cwd = folders.value["cwd"] if isinstance(folders, Known) else ""
    if machine.os == "linux":
        asked = {name: host.variable(name) for name in ("LD_LIBRARY_PATH", "LD_PRELOAD")}
        values = {name: (fact.value if isinstance(fact, Known) else None) or "" for name, fact in asked.items()}
        return Known(parse(values["LD_LIBRARY_PATH"], values["LD_PRELOAD"], cwd, machine.arch), "LD_LIBRARY_PATH, LD_PRELOAD")
    if machine.os == "windows":
        asked = {name: host.variable(name) for name in ("SystemRoot", "PATH")}
        values = {name: (fact.value if isinstance(fact, Known) else None) or "" for name, fact in asked.items()}
        return Known(parse_windows(values["SystemRoot"] or "C:/Windows", values["PATH"], interpreter, torch), "SystemRoot, PATH")
    return Known(None, f"no simulation of the {machine.os} loader")


def parse(library_path: str, preload: str, cwd: str, arch: str) -> LoaderPaths:
    """The paths of a Linux machine; an empty entry of LD_LIBRARY_PATH is the current folder, both ``:`` and ``;`` divide."""
    entries = library_path.replace(";", ":").split(":") if library_path else []
    default = [f"{root}/{arch}-linux-gnu" for root in ("/lib", "/usr/lib")] + ["/lib64", "/usr/lib64", "/lib", "/usr/lib"]
    return LoaderPaths(
        library_path=tuple(dict.fromkeys(joined(cwd, entry or ".") for entry in entries)),
        preload=tuple(preload.replace(":", " ").split()),
        default=tuple(default),
        cwd=cwd,
    )


def parse_windows(root: str, path: str, interpreter: Interpreter, torch: Torch) -> LoaderPaths:
    r"""The folders of a Windows process: that of torch's DLLs, of python.exe, those that torch adds, System32.

    torch adds ``Library\bin`` and ``bin`` of the environment and of its base; a DLL's own folder comes first.
    """
    system = f"{normal(root)}/System32"
    prefix, base = normal(interpreter.prefix), normal(interpreter.base_prefix)
    program = normal(interpreter.executable).rpartition("/")[0] if prefix == base else base
    added = (f"{normal(torch.folder)}/lib", program, f"{prefix}/Library/bin", f"{base}/Library/bin", f"{prefix}/bin")
    return LoaderPaths(
        library_path=tuple(dict.fromkeys(normal(entry) for entry in path.split(";") if entry.strip())),
        default=tuple(dict.fromkeys((*added, system))),
        system=system,
    )

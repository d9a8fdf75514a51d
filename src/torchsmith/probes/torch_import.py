"""What ``import torch`` would find, in the order of the search path."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Candidate, TorchImport
from torchsmith.model.known import Fact, Known

_CORE = (".so", ".pyd", ".dylib")


@probe
def torch_import(host: Host, interpreter: Interpreter) -> Fact[TorchImport]:
    """Look for ``torch/__init__.py``, ``torch.py`` and a bare ``torch`` folder in every entry."""
    found = []
    for entry in interpreter.search_path:
        if host.exists(f"{entry}/torch/__init__.py"):
            path, kind = f"{entry}/torch/__init__.py", "package"
        elif host.exists(f"{entry}/torch.py"):
            path, kind = f"{entry}/torch.py", "module"
        elif host.exists(f"{entry}/torch"):
            path, kind = f"{entry}/torch", "namespace"
        else:
            continue
        names = host.names(f"{entry}/torch") if kind != "module" else None
        compiled = isinstance(names, Known) and any(name.startswith("_C.") and name.endswith(_CORE) for name in names.value)
        found.append(Candidate(path, entry, kind, origin(entry, interpreter), compiled))
    return Known(TorchImport(tuple(found)), "search path")


def origin(entry: str, interpreter: Interpreter) -> str:
    """Which part of the search path an entry is: what an environment owns is its own, wherever one stands."""
    if entry in interpreter.site_packages:
        return "site"
    if entry == interpreter.user_site:
        return "user"
    if entry in interpreter.pythonpath:
        return "PYTHONPATH"
    return "folder" if entry == interpreter.folder else "other"

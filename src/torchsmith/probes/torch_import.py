"""What ``import torch`` would find, in the order of the search path."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Candidate, TorchImport
from torchsmith.model.known import Fact, Known


@probe
def torch_import(host: Host, interpreter: Interpreter) -> Fact[TorchImport]:
    """Look for ``torch/__init__.py``, ``torch.py`` and a bare ``torch`` folder in every entry."""
    found = []
    for entry in interpreter.search_path:
        if host.exists(f"{entry}/torch/__init__.py"):
            found.append(Candidate(f"{entry}/torch/__init__.py", entry, "package"))
        elif host.exists(f"{entry}/torch.py"):
            found.append(Candidate(f"{entry}/torch.py", entry, "module"))
        elif host.exists(f"{entry}/torch"):
            found.append(Candidate(f"{entry}/torch", entry, "namespace"))
    return Known(TorchImport(tuple(found)), "search path")

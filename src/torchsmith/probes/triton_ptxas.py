"""The ptxas that triton would call for a GPU of compute capability 10.0 or newer."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.install import TritonPtxas
from torchsmith.model.facts.python import Packages, Variables
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.pattern import pattern

_RELEASE = pattern(r"release (\d{1,2}\.\d{1,2})")


@probe
def triton_ptxas(host: Host, torch: Torch, packages: Packages, gpus: Gpus, variables: Variables) -> Fact[TritonPtxas | None]:
    """Ask it for its version. Older GPUs are known to every ptxas that triton ever carried: no need to ask."""
    package = packages.get("triton")
    if package is None or torch.kind != "cuda" or not any(device.sm and device.sm >= 100 for device in gpus):
        return Known(None, "no triton, or no GPU that an older ptxas might not know")
    folder = f"{package.folder}/triton/backends/nvidia/bin"
    asked = [(str(variables.get(name) or ""), name) for name in ("TRITON_PTXAS_BLACKWELL_PATH", "TRITON_PTXAS_PATH")]
    own = [(f"{folder}/{name}", "triton's own") for name in ("ptxas-blackwell", "ptxas")]
    choices = (asked[0], own[0], asked[1], own[1])
    path, chosen_by = next(((p, why) for p, why in choices if p and host.exists(p)), ("", ""))
    if not path:
        return Known(None, "triton carries no ptxas")
    answer = host.run(path, "--version")
    if isinstance(answer, Unknown):
        return answer
    release = _RELEASE.search(answer.value.out)
    if release is None:
        return Unknown("ptxas --version names no release", (path,))
    return Known(TritonPtxas(path, release[1], chosen_by), answer.source)

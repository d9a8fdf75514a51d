"""What of the environment lives in Nix's store, and where a program from there would find the driver's library."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.container import Nix
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter, Variables
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown

STORE, LINK = "/nix/store", "/run/opengl-driver/lib/libcuda.so.1"
OUTSIDE = (
    "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
    "/usr/lib/aarch64-linux-gnu/libcuda.so.1",
    "/usr/lib64/libcuda.so.1",
    "/usr/lib/libcuda.so.1",
    "/usr/lib/wsl/lib/libcuda.so.1",
)


@probe
def nix(
    host: Host, machine: Machine, interpreter: Interpreter, variables: Variables, torch: Torch | Unknown | None
) -> Fact[Nix | None]:
    """Nothing is asked where there is no store."""
    if machine.os != "linux" or not host.exists(STORE):
        return Known(None, f"no {STORE}")
    own = any(path.startswith(f"{STORE}/") for path in (interpreter.base_prefix, _real(host, interpreter.executable)))
    real = _real(host, torch.folder) if isinstance(torch, Torch) else ""
    stored = real if real.startswith(f"{STORE}/") else ""
    if not own and not stored:
        return Known(None, f"neither Python nor torch lies in {STORE}")
    folders = [folder for folder in (variables.get("LD_LIBRARY_PATH") or "").split(":") if folder]
    shown = next((path for folder in folders if host.exists(path := f"{folder}/libcuda.so.1")), "")
    outside = next((path for path in OUTSIDE if host.exists(path)), "")
    return Known(Nix(own, stored, host.exists(LINK), shown, outside), f"{STORE}, {LINK}, LD_LIBRARY_PATH")


def _real(host: Host, path: str) -> str:
    answer = host.real(path)
    return answer.value if isinstance(answer, Known) else path

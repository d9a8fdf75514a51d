"""
# CUDA may not write its compile cache

## What it means
CUDA keeps what it compiled from PTX in ~/.nv/ComputeCache. If that folder belongs to root, since a program was once run with
sudo, every start compiles anew: minutes of waiting, and errors in some libraries, for this user only.

## How it is told
The folder (or the one that CUDA_CACHE_PATH names) exists, belongs to another user, and this user may not write it.

## What to do
Give ~/.nv back to its user, or remove it. Where CUDA_CACHE_PATH names another's folder, unset it or name a folder of one's own.

## What not to do
Reinstalling torch or the driver: neither touches this folder. Running with sudo again.

## Sources
CUDA programming guide, environment variables; cutorch issue 677.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command, UnsetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.system import ComputeCache
from torchsmith.model.facts.torch import GpuCoverage, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown

OWN = ("/.nv", "/.nv/ComputeCache")


@rule("nv-cache-permissions", systems=("linux",))
def check(compute_cache: ComputeCache, torch: Torch, gpu_coverage: GpuCoverage | Unknown | None) -> Iterator[Finding]:
    """Where torch's own kernels are compiled at the start it slows everything down; else it is a note."""
    if torch.kind != "cuda" or compute_cache.writable:
        return
    jit = isinstance(gpu_coverage, GpuCoverage) and any(device.how == "jit" for device in gpu_coverage.devices)
    owner = "root" if compute_cache.owner == 0 else f"user {compute_cache.owner}"
    mine, path = compute_cache.owner == compute_cache.user, compute_cache.path
    if not path.endswith(OWN):  # CUDA_CACHE_PATH may name any folder, and its owner may be the right one
        remedy = Remedy("Let CUDA use its usual place, ~/.nv/ComputeCache", actions=(UnsetVariable("CUDA_CACHE_PATH"),))
    else:
        back = ("sudo", "chown", "-R", str(compute_cache.user), path) if compute_cache.user is not None else ()
        command = ("chmod", "-R", "u+rwX", path) if mine else back
        remedy = Remedy(
            "Make the folder writable" if mine else "Give the folder back to you",
            "it only holds what can be compiled again",
            Safety.DISPLAY_ONLY,
            (Command(command),) if command else (),
        )
    yield Finding(
        Severity.DEGRADED if jit else Severity.NOTE,
        "machine",
        f"CUDA's compile cache {compute_cache.path} cannot be written"
        + (f": it belongs to {owner}" if not mine else "")
        + (", and torch's kernels are compiled for this GPU at every start" if jit else ""),
        evidence=(Proof("compute_cache", f"{compute_cache.path}: owner {owner}"),),
        remedies=(remedy,),
        wont_help=(WontHelp("Reinstalling torch or the driver", "neither touches this folder"),),
        confidence=0.9,
    )


@told("nv-cache-permissions")
def answer(seen: Seen) -> Advice:
    """A cache of compiled GPU code that another user owns."""
    said = seen.first("compute-cache-refused")
    triton = bool(said and any(word in said.text.lower() for word in ("triton", "inductor", "torch_ext", ".cache")))
    folder = "~/.triton or ~/.cache" if triton else "~/.nv"
    return Advice(
        "machine",
        f"a cache of compiled GPU code ({folder}) cannot be written by this user, as where root made it",
        remedies=(
            Remedy(
                "Give the folder back to you",
                "it only holds what can be compiled again; deleting it is as good",
                Safety.DISPLAY_ONLY,
                (Command(("sudo", "chown", "-R", "USER", "/home/USER/.triton" if triton else "/home/USER/.nv")),),
            ),
            Remedy(
                "Or name another folder: TRITON_CACHE_DIR, TORCHINDUCTOR_CACHE_DIR"
                if triton
                else "Or name another folder: CUDA_CACHE_PATH",
                safety=Safety.DISPLAY_ONLY,
            ),
        ),
        wont_help=(WontHelp("Reinstalling torch or the driver", "neither touches this folder"),),
        decide_by=(("torchsmith", "check"),),
    )

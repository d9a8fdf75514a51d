"""What several rules say in the same words: names of GPUs, and the remedy of replacing torch."""

from __future__ import annotations

import re

from torchsmith.model.action import InstallTorch, SetVariable
from torchsmith.model.facts.torch import FittingBuild
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import compute_capability

_INDEX = pattern(r"/(?:whl|pytorch-wheels|pytorch/whl|pytorch)/(nightly/|test/)?([a-z]+\d*(?:\.\d+)*)(?:[/?#]|$)", re.ASCII)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchsmith.model.facts.gpu import Device
    from torchsmith.model.facts.torch import DeviceCoverage, GpuCoverage, Torch
    from torchsmith.model.finding import WontHelp
    from torchsmith.model.known import Unknown


def gpu_name(device: Device) -> str:
    """``NVIDIA GeForce RTX 5070 Ti (12.0)``; what is not known is left out."""
    name = device.name or f"GPU {device.index}"
    return f"{name} ({compute_capability(device.sm)})" if device.sm else name


def gpu_names(devices: Iterable[Device]) -> str:
    """The GPUs as one phrase; equal ones are counted."""
    names = [gpu_name(device) for device in devices]
    return ", ".join(f"{count} x {name}" if (count := names.count(name)) > 1 else name for name in dict.fromkeys(names))


def uncovered(
    device: DeviceCoverage,
    torch: Torch,
    coverage: GpuCoverage,
    build: FittingBuild | Unknown | None,
    relation: str,
    wont_help: tuple[WontHelp, ...],
) -> Finding:
    """The finding for a GPU that torch's GPU code does not serve."""
    capability = compute_capability(device.sm)
    from_table = coverage.evidence != "binary"
    counted = f"{device.native + device.jit} of {device.total} kernel groups have code for {capability}"
    proof = f"no code for {capability}, as the table of published builds has it" if from_table else counted
    runs = "" if isinstance(build, FittingBuild) and build.needs_driver else " and runs on this driver"
    remedies = reinstall(build, f"it has code for compute capability {capability}{runs}")
    if device.ptx_driver:
        update = f"Update the NVIDIA driver to one that supports CUDA {device.ptx_driver}"
        why = "torch carries PTX for this GPU, which only a driver of that CUDA or newer can compile"
        remedies = (Remedy(update, why, Safety.DISPLAY_ONLY), *remedies)
    served = [str(other.index) for other in coverage.devices if other.how != "no"]
    if served:
        hide = "programs then run on the GPUs that torch has code for"
        remedies = (*remedies, Remedy("Show programs the other GPUs only", hide, actions=(_show(served),)))
    if build is None:
        none = "No published torch build serves every GPU here with this driver and this Python"
        remedies = (*remedies, Remedy(none, "another driver or Python may have one; else build from source", Safety.DISPLAY_ONLY))
    return Finding(
        Severity.BLOCKER,
        f"gpu:{device.index}",
        f"{device.name} ({capability}) {relation} torch {torch.version} has code for",
        evidence=(Proof("gpu_coverage", proof), Proof("gpu_coverage", f"GPU code: {', '.join(coverage.carried)}")),
        remedies=remedies,
        wont_help=wont_help,
        confidence=0.8 if from_table else 0.95,
    )


def _show(indexes: list[str]) -> SetVariable:
    return SetVariable("CUDA_VISIBLE_DEVICES", ",".join(indexes))


def reinstall(build: FittingBuild | Unknown | None, why: str) -> tuple[Remedy, ...]:
    """The remedy that puts a fitting torch build in place; empty where no published build fits."""
    if not isinstance(build, FittingBuild):
        return ()
    action = InstallTorch(build.torch, build.build, build.index, build.companions)
    asks = f"; it needs NVIDIA driver {build.needs_driver} or newer, which `nvidia-smi` shows" if build.needs_driver else ""
    return (Remedy(f"Install torch {build.torch}+{build.build}", why + asks, actions=(action,)),)


def index_label(url: str) -> str:
    """The build that a PyTorch wheel index serves: ``cpu``, ``cu128``; ``nightly/cu128``; empty for any other URL."""
    matched = _INDEX.search(url)
    if matched is None or not re.fullmatch(r"cpu|xpu|cu\d{2,3}|rocm[\d.]+", matched[2]):
        return ""
    return (matched[1] or "") + matched[2]

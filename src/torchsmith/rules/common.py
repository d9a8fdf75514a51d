"""What several rules say in the same words: names of GPUs, and the remedy of replacing torch."""

from __future__ import annotations

from torchsmith.model.action import InstallTorch
from torchsmith.model.facts.torch import FittingBuild
from torchsmith.model.finding import Finding, Proof, Remedy, Severity
from torchsmith.model.versions import compute_capability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchsmith.model.facts.gpu import Device
    from torchsmith.model.facts.torch import DeviceCoverage, Torch, TorchGpuCode
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
    code: TorchGpuCode,
    build: FittingBuild | Unknown | None,
    relation: str,
    wont_help: tuple[WontHelp, ...],
) -> Finding:
    """The finding for a GPU that torch's GPU code does not serve."""
    capability = compute_capability(device.sm)
    carried = ", ".join((*code.sass, *code.ptx))
    return Finding(
        Severity.BLOCKER,
        f"gpu:{device.index}",
        f"{device.name} ({capability}) {relation} every GPU that torch {torch.version} has code for",
        evidence=(
            Proof("gpu_coverage", f"{device.native + device.jit} of {device.total} kernel groups have code for {capability}"),
            Proof("torch_gpu_code", carried),
        ),
        remedies=reinstall(build, f"it has code for compute capability {capability} and runs on this driver"),
        wont_help=wont_help,
    )


def reinstall(build: FittingBuild | Unknown | None, why: str) -> tuple[Remedy, ...]:
    """The remedy that puts a fitting torch build in place; empty where no published build fits."""
    if not isinstance(build, FittingBuild):
        return ()
    action = InstallTorch(build.torch, build.build, build.index, build.companions)
    return (Remedy(f"Install torch {build.torch}+{build.build}", why, actions=(action,)),)

"""What the rules on containers, WSL and Nix judge alike: how much a missing GPU weighs, and whether a GPU was meant."""

from __future__ import annotations

from torchsmith.model.facts.container import Container, Jetson
from torchsmith.model.facts.driver import DeviceNodes
from torchsmith.model.facts.gpu import NVIDIA, KernelModule, NvidiaLibraries, PciDevices
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Proof, Severity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.known import Unknown

NO_GPU = ("no-nvidia-gpu", "no-nvidia-driver", "driver-module-not-loaded", "scheduler-no-gpu-allocated")


def weight(torch: Torch | Unknown | None) -> Severity:
    """Blocker for a CUDA build, which wants the GPU; note for another build, which may well be meant to do without."""
    if isinstance(torch, Torch):
        return Severity.BLOCKER if torch.kind == "cuda" else Severity.NOTE
    return Severity.DEGRADED


def works(libraries: NvidiaLibraries | Unknown) -> bool:
    """Whether CUDA starts."""
    return isinstance(libraries, NvidiaLibraries) and libraries.libcuda.status == 0


def shut_out(libraries: NvidiaLibraries | Unknown, nodes: DeviceNodes | Unknown | None) -> bool:
    """Whether nothing of the driver reached this container: neither its libraries nor its device files."""
    if not isinstance(libraries, NvidiaLibraries) or libraries.nvml.loaded or libraries.libcuda.loaded:
        return False
    seen = isinstance(nodes, DeviceNodes) and any(node.path.startswith(("/dev/nvidia", "/dev/dxg")) for node in nodes.nodes)
    return not seen


def gpu_outside(
    pci: PciDevices | Unknown, module: KernelModule | Unknown | None, jetson: Jetson | Unknown | None
) -> tuple[Proof, ...]:
    """What the kernel, which a container shares with its host, shows of an NVIDIA GPU there.

    A GPU on the bus beside a kernel without NVIDIA's module says that the host itself has no driver: no engine could hand it in.
    """
    proofs = []
    driverless = isinstance(module, KernelModule) and not module.loaded
    if isinstance(pci, PciDevices) and (found := pci.of(NVIDIA)) and not driverless:
        proofs.append(Proof("pci_devices", f"{len(found)} NVIDIA GPU(s), at {', '.join(device.address for device in found[:4])}"))
    if isinstance(module, KernelModule) and module.loaded:
        proofs.append(Proof("kernel_module", f"the host runs NVIDIA's kernel module {module.version or ''}".rstrip()))
    if isinstance(jetson, Jetson):
        proofs.append(Proof("jetson", jetson.model or f"Jetson Linux {jetson.l4t}"))
    return tuple(proofs)


def gpu_meant(container: Container, variables: Variables) -> tuple[Proof, ...]:
    """What the image and its start say of a wish for a GPU, where the kernel shows none."""
    asked = (variables.get("NVIDIA_VISIBLE_DEVICES") or "").strip()
    proofs = []
    if asked and asked not in {"void", "none"}:
        proofs.append(Proof("variables", {"NVIDIA_VISIBLE_DEVICES": asked}))
    if container.image and asked not in {"void", "none"}:
        proofs.append(Proof("container", ", ".join(container.image)))
    return tuple(proofs)

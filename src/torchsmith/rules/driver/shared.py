"""What several rules about the driver say in the same words."""

from __future__ import annotations

from torchsmith.knowledge import gpus as table
from torchsmith.model.action import Command
from torchsmith.model.facts.driver import KernelLog
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.finding import Proof, Remedy, Safety, WontHelp
from torchsmith.rules.common import gpu_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.facts.driver import DriverState
    from torchsmith.model.facts.gpu import Device, PciDevice
    from torchsmith.model.facts.machine import Machine
    from torchsmith.model.known import Unknown

NOT_TORCH = WontHelp("Reinstalling torch or CUDA", "no Python package is involved: the driver belongs to the machine")
REBOOT = Remedy("Reboot", "", Safety.DISPLAY_ONLY, (Command(("sudo", "reboot")),))


def stopped_at(state: DriverState) -> Proof:
    """The proof that the driver stops where it does."""
    return Proof(state.fact, state.says or f"status {state.code}")


def by_you(title: str, why: str = "", *commands: tuple[str, ...]) -> Remedy:
    """A remedy outside of the environment, shown and never carried out."""
    return Remedy(title, why, Safety.DISPLAY_ONLY, tuple(Command(command) for command in commands))


def the_gpus(gpus: Gpus | Unknown | None) -> str:
    """The GPUs by name, or "the GPU" where none is known."""
    return gpu_names(gpus.devices) if isinstance(gpus, Gpus) and gpus else "the GPU"


def logged(log: KernelLog | Unknown | None, *words: str) -> str:
    """The kernel's last line with one of the words; empty where there is none or nobody could read the log."""
    return log.find(*words) if isinstance(log, KernelLog) else ""


def pci_name(device: PciDevice) -> str:
    """A GPU on the bus by its product or chip, with its address: ``GeForce RTX 3060 (0000:01:00.0)``."""
    row = table.by_pci(device.device)
    name = device.name or (row and (row.name or row.chip)) or f"10de:{device.device:04x}"
    return f"{name} ({device.address})"


def needs_open_module(device: Device) -> bool:
    """Whether NVIDIA supports the GPU with the open kernel modules only: Blackwell and what follows."""
    return device.sm is not None and device.sm >= 100


def install_commands(machine: Machine, needs_open: bool) -> tuple[tuple[str, ...], ...]:
    """The distribution's own way to a driver; empty where it is not known."""
    ways = {
        "ubuntu": ("sudo", "ubuntu-drivers", "install"),
        "debian": ("sudo", "apt", "install", "nvidia-open-kernel-dkms" if needs_open else "nvidia-kernel-dkms", "nvidia-driver"),
        "fedora": ("sudo", "dnf", "install", "akmod-nvidia", "xorg-x11-drv-nvidia-cuda"),
        "arch": ("sudo", "pacman", "-S", "nvidia-open", "nvidia-utils"),
        "opensuse-tumbleweed": (
            "sudo",
            "zypper",
            "install",
            "nvidia-open-driver-G06-signed-kmp-default",
            "nvidia-compute-utils-G06",
        ),
    }
    own = ways.get(machine.kin(ways))
    return (own,) if own else ()

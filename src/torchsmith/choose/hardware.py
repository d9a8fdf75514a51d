"""The GPUs of a situation: their names in a sentence, and which of them some build of torch would use."""

from __future__ import annotations

from torchsmith.choose import coverage
from torchsmith.knowledge import accelerators
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.gpu import AMD, INTEL, PciDevices
from torchsmith.model.known import Unknown
from torchsmith.model.versions import compute_capability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchsmith.choose.situation import Situation
    from torchsmith.knowledge.gpus import Gpu
    from torchsmith.model.facts.gpu import Device, PciDevice

_ROWS: dict[str, Gpu | None] = {}

VENDORS = {"rocm": AMD, "xpu": INTEL}
MAKERS = {"rocm": "AMD", "xpu": "Intel"}


def named(device: Device) -> str:
    """``GeForce RTX 5070 Ti (12.0)``."""
    number = compute_capability(device.sm) if device.sm else ""
    name = device.name or "NVIDIA GPU"
    return f"{name} ({number})" if number and number not in name.split() else name


def several(devices: Iterable[Device]) -> str:
    """The distinct ones in a sentence, in their order."""
    return joined(named(device) for device in devices)


def joined(words: Iterable[str], last: str = "and") -> str:
    """``A, B and C``, each once."""
    distinct = list(dict.fromkeys(words))
    return f" {last} ".join(part for part in (", ".join(distinct[:-1]), distinct[-1]) if part) if distinct else ""


def devices(situation: Situation) -> tuple[Device, ...]:
    """NVIDIA's GPUs; none where nobody could look."""
    return () if isinstance(situation.gpus, Unknown) else situation.gpus.devices


def listed(device: Device) -> Gpu | None:
    """The product of a GPU by its name, looked up once."""
    name = device.name or ""
    if name not in _ROWS:
        from torchsmith.knowledge import gpus as table

        _ROWS[name] = table.by_name(name)
    return _ROWS[name]


def unseen(situation: Situation) -> str:
    """Why nobody can tell which GPUs there are; empty where somebody looked."""
    if isinstance(situation.gpus, Unknown):
        return situation.gpus.reason
    witnesses = [situation.fact(name) for name in ("nvidia_libraries", "pci_devices")]
    blind = [witness.reason for witness in witnesses if isinstance(witness, Unknown)]
    return blind[0] if not situation.gpus and len(blind) == len(witnesses) else ""


def capabilities(situation: Situation) -> tuple[int, ...]:
    """The compute capabilities that are known, ascending, each once."""
    return tuple(sorted({device.sm for device in devices(situation) if device.sm}))


def others(situation: Situation, kind: str) -> tuple[PciDevice, ...] | Unknown:
    """GPUs of the maker that a build of this kind (rocm, xpu) is for, with or without support."""
    bus = situation.fact("pci_devices")
    return bus.of(VENDORS[kind]) if isinstance(bus, PciDevices) else Unknown("nobody could look at the PCI bus")


def other_name(device: PciDevice) -> str:
    """Its name, or that of its family."""
    return device.name or accelerators.usable(device.vendor, device.device).partition(":")[0] or f"GPU {device.device:04x}"


def served(device: PciDevice) -> bool:
    """Whether some build of torch has code for a GPU of AMD's or Intel's, were it by taking it for its next of kin."""
    if not accelerators.usable(device.vendor, device.device):
        return False
    target = accelerators.target(device.vendor, device.device)
    return not target or any(accelerators.kin(target, code) for code in accelerators.rocm_codes())


def idle(situation: Situation) -> tuple[str, ...]:
    """The GPUs that a CPU build would leave idle: those that some build of torch serves, or may serve."""
    machine = situation.machine
    if machine.os == "macos":
        return ()
    platform, board = machine.platform, isinstance(situation.fact("jetson"), Jetson)
    # What no published build serves on a Jetson, NVIDIA's own does.
    found = [named(d) for d in devices(situation) if d.sm is None or board or coverage.ever(d.sm, platform)]
    for kind in VENDORS:
        there = others(situation, kind)
        # Where no build is published for this system, one for another serves it: a CPU build wastes it all the same.
        found += [] if isinstance(there, Unknown) else [other_name(device) for device in there if served(device)]
    return tuple(dict.fromkeys(found))

"""
# The NVSwitch fabric is not set up: fabric manager does not run

## What it means
In HGX and DGX machines NVSwitches connect the GPUs, and a service, nvidia-fabricmanager, sets them up. Until it has done so
every CUDA program ends in error 802, "system not yet initialized", while nvidia-smi shows all GPUs. It must be of exactly the
driver's version.

## How it is told
cuInit answers 802. NVSwitches on the PCI bus, the service's state, its version and the fabric state that NVML shows for each
GPU tell more.

## What to do
Install nvidia-fabricmanager of the driver's exact version, start it, and enable it. In a virtual machine or container it runs
on the host: tell the provider.

## What not to do
Changing torch or CUDA versions: the system below them is not ready.

## Sources
NVIDIA fabric manager user guide; CUDA driver API, CUDA_ERROR_SYSTEM_NOT_READY.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Container
from torchsmith.model.facts.driver import CUDA, DriverState, FabricManager
from torchsmith.model.facts.gpu import Driver, Gpus, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.finding import Finding, Proof, Remedy, Severity
from torchsmith.model.known import Unknown
from torchsmith.model.versions import major
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, stopped_at, the_gpus

SYSTEM_NOT_READY = 802
FABRIC_STATES = {1: "not started", 2: "in progress"}


@rule("fabric-manager-not-running", explains=("cuda-does-not-start",), systems=("linux",))
def check(
    machine: Machine,
    driver_state: DriverState,
    gpus: Gpus | Unknown | None,
    driver: Driver | Unknown | None,
    pci_devices: PciDevices | Unknown,
    fabric_manager: FabricManager | Unknown | None,
    container: Container | Unknown | None,
) -> Iterator[Finding]:
    """802 from cuInit."""
    if driver_state.stage != CUDA or driver_state.code != SYSTEM_NOT_READY:
        return
    switches = pci_devices.nvswitches if isinstance(pci_devices, PciDevices) else 0
    service = fabric_manager if isinstance(fabric_manager, FabricManager) else FabricManager()
    version = driver.version if isinstance(driver, Driver) else ""
    evidence = [stopped_at(driver_state)]
    if switches:
        evidence.append(Proof("pci_devices", f"{switches} NVSwitch{'es' if switches > 1 else ''}"))
    pending = [d for d in gpus if d.fabric in FABRIC_STATES] if isinstance(gpus, Gpus) else []
    if pending:
        evidence.append(Proof("gpus", f"fabric {FABRIC_STATES[pending[0].fabric or 1]} on {len(pending)} GPUs"))
    if service.state:
        evidence.append(Proof("fabric_manager", f"service {service.state}"))
    other = bool(service.version and version and service.version != version)
    if other:
        evidence.append(Proof("fabric_manager", f"version {service.version}, the driver is {version}"))
    what = (
        f"fabric manager {service.version} does not match driver {version}"
        if other
        else "fabric manager has not set up the NVSwitches"
    )
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"CUDA says that the system is not ready (802) on {the_gpus(gpus)}: {what}",
        evidence=tuple(evidence),
        remedies=_remedies(machine, version, container),
        wont_help=(NOT_TORCH,),
        confidence=0.95 if switches or pending or other else 0.8,
        decide_by=() if switches or pending or other else (("systemctl", "status", "nvidia-fabricmanager"), ("nvidia-smi", "-q")),
    )


def _remedies(machine: Machine, version: str, container: Container | Unknown | None) -> tuple[Remedy, ...]:
    if isinstance(container, Container):
        return (by_you("On the host, start nvidia-fabricmanager of the driver's version", "nothing in the container can"),)
    return (
        by_you(
            f"Install and start nvidia-fabricmanager{f' {version}' if version else ''}",
            "of exactly the driver's version; on a rented machine the provider must do it",
            *_install(machine, version),
            ("sudo", "systemctl", "enable", "--now", "nvidia-fabricmanager"),
        ),
    )


def _install(machine: Machine | None, version: str) -> tuple[tuple[str, ...], ...]:
    """The distribution's own package; empty where the distribution is not known."""
    package = f"nvidia-fabricmanager-{major(version)}" if version else "nvidia-fabricmanager"
    ways = {
        "ubuntu": ("sudo", "apt", "install", package),
        "debian": ("sudo", "apt", "install", package),
        "rhel": ("sudo", "dnf", "install", "nvidia-fabricmanager"),
    }
    install = ways.get(machine.kin(ways)) if machine else None
    return (install,) if install else ()


@told("fabric-manager-not-running")
def answer(seen: Seen) -> Advice:
    """Status 802: the NVSwitches are not set up."""
    smi = seen.value("nvidia_smi")
    version = smi.driver if smi and smi.driver else ""
    return Advice(
        "driver",
        "CUDA says that the system is not ready (802): fabric manager does not run, or is of another version "
        + (f"than driver {version}" if version else "than the driver"),
        remedies=(
            by_you(
                f"Install and start nvidia-fabricmanager{' ' + version if version else ''}",
                "of exactly the driver's version, on the host; on a rented machine the provider must do it",
                *_install(seen.value("machine"), version),
                ("sudo", "systemctl", "enable", "--now", "nvidia-fabricmanager"),
            ),
        ),
        wont_help=(NOT_TORCH,),
        decide_by=(("systemctl", "status", "nvidia-fabricmanager"), ("nvidia-smi", "-q")),
    )

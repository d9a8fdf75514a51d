"""Rules about the driver, on facts alone: where they speak, and the near misses where they must not."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from torchsmith.model.facts.driver import (
    ABSENT,
    CUDA,
    DEVICES,
    MODULE,
    NVML,
    WORKS,
    DeviceNode,
    DeviceNodes,
    DriverFiles,
    DriverState,
    FabricManager,
    KernelLog,
    VisibleGpus,
)
from torchsmith.model.facts.gpu import Device, Driver, Gpus, KernelModule, Libcuda, NvidiaLibraries, Nvml, PciDevice, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.torch import DeviceCoverage, GpuCoverage, Torch
from torchsmith.model.finding import Finding, Severity
from torchsmith.model.known import Unknown
from torchsmith.rules.datacentre import (
    device_node_permissions,
    fabric_manager_not_running,
    mig_misconfig,
    mig_single_instance_limit,
)
from torchsmith.rules.driver import (
    compat_lib_shadows_driver,
    driver_minor_compat_feature,
    gpu_dropped_by_driver,
    gpu_hardware_fault,
    no_nvidia_driver,
    secure_boot_blocks_module,
    uvm_not_loaded,
    vgpu_needs_grid_driver,
)

Rule = Callable[..., Iterator[Finding]]
LINUX = Machine("linux", "x86_64", kernel="6.1.0", distro="debian")
NOBODY = Unknown("nobody looked")
P40, GTX1080TI, RTX3060 = 0x1B38, 0x1B06, 0x2504
TORCH = Torch("/t", "2.7.0+cu128", "cuda", "cu128", "12.8")


def card(device: int, driver: str = "nvidia") -> PciDevices:
    return PciDevices((PciDevice("0000:01:00.0", 0x10DE, device, driver),))


def speaks(rule: Rule, **facts: Any) -> list[Severity]:
    return [finding.severity for finding in rule(**facts)]


@pytest.mark.parametrize(
    ("files", "module", "log", "found"),
    [
        (DriverFiles(module="updates/dkms/nvidia.ko", secure_boot=True), KernelModule(), None, True),
        (DriverFiles(secure_boot=None), KernelModule(), KernelLog(("nvidia: Required key not available",)), True),
        (DriverFiles(module="updates/dkms/nvidia.ko", secure_boot=False), KernelModule(), None, False),
        (DriverFiles(module="", secure_boot=True), KernelModule(), None, False),
        (DriverFiles(module="x/nvidia.ko", secure_boot=True), KernelModule(nouveau=True), None, False),
        (DriverFiles(module="x/nvidia.ko", secure_boot=True, blocked=("/etc/modprobe.d/a.conf",)), KernelModule(), None, False),
    ],
)
def test_secure_boot(files: DriverFiles, module: KernelModule, log: KernelLog | None, found: bool) -> None:
    facts = {"machine": LINUX, "driver_files": files, "kernel_module": module, "kernel_log": log or NOBODY}
    assert bool(speaks(secure_boot_blocks_module.check, driver_state=DriverState(MODULE, 9), **facts)) is found


@pytest.mark.parametrize(
    ("device", "line", "found"),
    [
        (P40, "NVRM: installed in this system is not supported by the|NVRM: NVIDIA 535.104.05 driver release.", True),
        (P40, "NVRM: installed in this system is not supported by the|NVRM: NVIDIA 590.48.01 driver release.", False),
        (P40, "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.104.05", False),
        (RTX3060, "NVRM: installed in this system is not supported by the|NVRM: NVIDIA 535.104.05 driver release.", False),
    ],
)
def test_vgpu(device: int, line: str, found: bool) -> None:
    facts = {"pci_devices": card(device), "kernel_log": KernelLog(tuple(line.split("|")))}
    assert bool(speaks(vgpu_needs_grid_driver.check, driver_state=DriverState(MODULE, 9), **facts)) is found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("NVRM: Xid (PCI:0000:01:00): 79, pid=1, GPU has fallen off the bus.", True),
        ("NVRM: Xid (PCI:0000:01:00): 48, pid=1, DBE", True),
        ("NVRM: Xid (PCI:0000:01:00): 31, pid=1, MMU Fault", False),
        ("NVRM: Xid (PCI:0000:01:00): 13, Graphics SM Exception", False),
    ],
)
def test_xid(line: str, found: bool) -> None:
    facts = {"nvidia_libraries": NOBODY, "nvidia_smi": None, "kernel_log": KernelLog((line,))}
    assert bool(speaks(gpu_hardware_fault.check, driver_state=DriverState(CUDA, 999), **facts)) is found


def test_a_lost_gpu_beside_a_good_one() -> None:
    libraries = NvidiaLibraries(Nvml(True, status=0, devices=(Device(0, "H200"),), failed=((1, 15),)), Libcuda(True, status=0))
    facts: dict[str, Any] = {"nvidia_libraries": libraries, "nvidia_smi": None, "kernel_log": None}
    (finding,) = gpu_hardware_fault.check(driver_state=DriverState(WORKS, 0), **facts)
    assert finding.subject == "gpu:1"


@pytest.mark.parametrize(
    ("module", "nodes", "code", "found"),
    [
        (KernelModule(loaded=True), NOBODY, 999, True),
        (KernelModule(loaded=True, uvm=True), DeviceNodes((DeviceNode("/dev/nvidiactl", 0o666, 0, 0, True),)), 999, True),
        (KernelModule(loaded=True, uvm=True), DeviceNodes(()), 999, False),
        (KernelModule(loaded=True, uvm=True), NOBODY, 999, False),
        (KernelModule(), NOBODY, 999, False),
        (KernelModule(loaded=True), NOBODY, 802, False),
    ],
)
def test_uvm(module: KernelModule, nodes: Any, code: int, found: bool) -> None:
    facts = {"kernel_module": module, "device_nodes": nodes, "gpus": NOBODY}
    assert bool(speaks(uvm_not_loaded.check, driver_state=DriverState(CUDA, code), **facts)) is found


@pytest.mark.parametrize(
    ("path", "kernel", "state", "severities"),
    [
        ("/usr/local/cuda/compat/libcuda.so.550.54.15", "580.95.05", DriverState(CUDA, 999), [Severity.BLOCKER]),
        ("/usr/local/cuda/compat/libcuda.so.550.54.15", "580.95.05", DriverState(WORKS, 0), [Severity.DEGRADED]),
        ("/usr/local/cuda/compat/libcuda.so.580.95.05", "535.183.01", DriverState(WORKS, 0), []),
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.580.95.05", "580.95.05", DriverState(CUDA, 999), []),
        ("/tmp/compatible/libcuda.so.1", "580.95.05", DriverState(CUDA, 999), []),
    ],
)
def test_compat(path: str, kernel: str, state: DriverState, severities: list[Severity]) -> None:
    libraries = NvidiaLibraries(Nvml(True, status=0, driver=kernel), Libcuda(True, path, cuda="12.4", status=state.code))
    facts = {"nvidia_libraries": libraries, "kernel_module": KernelModule(kernel, loaded=True), "variables": Variables({})}
    assert speaks(compat_lib_shadows_driver.check, driver_state=state, **facts) == severities


@pytest.mark.parametrize(
    ("device", "version", "shown", "found"),
    [
        (GTX1080TI, "590.48.01", (), True),
        (GTX1080TI, "580.95.05", (), False),
        (GTX1080TI, "590.48.01", (Device(0, "NVIDIA GeForce GTX 1080 Ti", pci_device=GTX1080TI),), False),
        (RTX3060, "610.43.02", (), False),
    ],
)
def test_dropped(device: int, version: str, shown: tuple[Device, ...], found: bool) -> None:
    facts = {
        "machine": LINUX,
        "driver": Driver(version),
        "pci_devices": card(device),
        "nvidia_libraries": NvidiaLibraries(Nvml(True, status=0, devices=shown), Libcuda(True, status=100)),
        "kernel_log": None,
    }
    assert bool(speaks(gpu_dropped_by_driver.check, driver_state=DriverState(DEVICES, 100), **facts)) is found


@pytest.mark.parametrize(
    ("driver", "how", "found"),
    [("12.4", "jit", True), ("12.8", "jit", False), ("12.4", "native", False), ("11.8", "jit", False), ("13.0", "jit", False)],
)
def test_minor_compatibility(driver: str, how: str, found: bool) -> None:
    coverage = GpuCoverage(
        (DeviceCoverage(0, "GPU", 120, how, 400, 400 if how == "native" else 0, 0 if how == "native" else 400),)
    )
    facts = {"machine": LINUX, "torch": TORCH, "gpu_coverage": coverage, "variables": Variables({}), "fitting_build": None}
    assert bool(speaks(driver_minor_compat_feature.check, driver=Driver("550.54.14", cuda=driver), **facts)) is found


@pytest.mark.parametrize(
    ("machine", "stage", "found"),
    [
        (LINUX, ABSENT, True),
        (Machine("windows", "x86_64"), ABSENT, True),
        (Machine("linux", "x86_64", wsl=2), ABSENT, False),
        (LINUX, "none", False),
        (LINUX, WORKS, False),
    ],
)
def test_no_driver(machine: Machine, stage: str, found: bool) -> None:
    facts = {
        "gpus": NOBODY,
        "pci_devices": card(RTX3060, ""),
        "kernel_module": None,
        "nvidia_libraries": NOBODY,
        "container": None,
    }
    assert bool(speaks(no_nvidia_driver.check, machine=machine, driver_state=DriverState(stage), **facts)) is found


# ---- data centre


@pytest.mark.parametrize(
    ("state", "mode", "usable", "found"),
    [
        (DriverState(DEVICES, 100), 0o660, False, True),
        (DriverState(NVML, 4, "NVML status 4: Insufficient Permissions"), 0o666, True, True),
        (DriverState(DEVICES, 100), 0o666, True, False),
        (DriverState(WORKS, 0), 0o660, False, False),
    ],
)
def test_permissions(state: DriverState, mode: int, usable: bool, found: bool) -> None:
    nodes = DeviceNodes((DeviceNode("/dev/nvidiactl", mode, 0, 44, usable), DeviceNode("/dev/nvidia0", mode, 0, 44, usable)))
    facts = {"nvidia_libraries": NOBODY, "device_nodes": nodes, "container": None}
    assert bool(speaks(device_node_permissions.check, driver_state=state, **facts)) is found


def test_fabric_manager_of_another_version() -> None:
    facts: dict[str, Any] = {
        "machine": LINUX,
        "gpus": Gpus((Device(0, "NVIDIA H200", fabric=2),)),
        "driver": Driver("580.105.08"),
        "pci_devices": PciDevices((), 4),
        "fabric_manager": FabricManager("failed", "580.95.05", running=False),
        "container": None,
    }
    (finding,) = fabric_manager_not_running.check(driver_state=DriverState(CUDA, 802), **facts)
    assert "580.95.05 does not match driver 580.105.08" in finding.summary
    assert not list(fabric_manager_not_running.check(driver_state=DriverState(WORKS, 0), **facts))


def test_mig() -> None:
    empty, full = Device(0, "H200", mig=True, mig_instances=0), Device(1, "H200", mig=True, mig_instances=3, mig_uuids=("MIG-1",))
    plain = Device(2, "H200", mig=False)
    assert speaks(mig_misconfig.check, driver_state=DriverState(CUDA, 100), gpus=Gpus((empty,))) == [Severity.BLOCKER]
    assert speaks(mig_misconfig.check, driver_state=DriverState(WORKS, 0), gpus=Gpus((empty, plain))) == [Severity.DEGRADED]
    assert speaks(mig_misconfig.check, driver_state=DriverState(WORKS, 0), gpus=Gpus((full, plain))) == []
    every = VisibleGpus((0,))
    unset = Variables({})
    limit = mig_single_instance_limit.check
    assert speaks(limit, gpus=Gpus((full,)), visible_gpus=every, variables=unset) == [Severity.NOTE]
    assert speaks(limit, gpus=Gpus((plain,)), visible_gpus=every, variables=unset) == []
    two = Variables({"CUDA_VISIBLE_DEVICES": "MIG-1,MIG-2"})
    assert speaks(limit, gpus=Unknown("not told"), visible_gpus=Unknown("not told"), variables=two) == [Severity.NOTE]
    assert speaks(limit, gpus=Unknown("not told"), visible_gpus=Unknown("not told"), variables=unset) == []

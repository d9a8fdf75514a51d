"""What the probes of driver and GPUs make of what a machine shows, junk included."""

import os
from pathlib import Path
from typing import Any

import pytest

from torchsmith.derive.visible_gpus import visible
from torchsmith.host import kernel_log
from torchsmith.host.local import LocalHost
from torchsmith.host.replay import ReplayHost, request_key
from torchsmith.model.facts.driver import WORKS, DriverState, VisibleGpus
from torchsmith.model.facts.gpu import NVIDIA, Device, Gpus, KernelModule, file_version
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Known, Unknown
from torchsmith.probes import driver_files, fabric_manager, kernel_module, nvidia_libraries, nvidia_smi, pci
from torchsmith.probes.device_nodes import device_nodes

LINUX = Machine("linux", "x86_64", kernel="6.1.0-37-amd64")
WINDOWS = Machine("windows", "x86_64")


# ---- the kernel module


@pytest.mark.parametrize(
    ("version", "found", "flavour"),
    [
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (x@y)", "570.86.15", "open"),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May  2 14:37:44 UTC 2024", "470.256.02", "proprietary"),
        ("GCC version:  gcc version 12.2.0", None, ""),
        ("", None, ""),
    ],
)
def test_kernel_module_version(version: str, found: str | None, flavour: str) -> None:
    module = kernel_module.parse(version, "", "")
    assert (module.version, module.flavour) == (found, flavour)


def test_modules_that_hold_the_card() -> None:
    module = kernel_module.parse("", "", "nouveau 2433024 4 - Live 0x0\nnova_core 1 0 - Live 0x0\nnvidiafb 1 0 - Live 0x0\n")
    assert module == KernelModule(nouveau=True, nova=True)


def test_a_gpu_in_proc() -> None:
    text = "Model: \t\t NVIDIA H200\nGPU UUID: \t GPU-1\nVideo BIOS: \t 96.00\nDevice Minor: \t 3\nGPU Excluded:\t Yes\n"
    gpu = kernel_module.parse_gpu("0000:0f:00.0", text)
    assert (gpu.model, gpu.uuid, gpu.minor, gpu.started, gpu.excluded) == ("NVIDIA H200", "GPU-1", 3, True, True)
    dead = kernel_module.parse_gpu(
        "0000:01:00.0", "Model: \t\t Unknown\nGPU UUID: \t GPU-????????\nVideo BIOS: \t ??.??.??.??.??\n"
    )
    assert (dead.model, dead.uuid, dead.minor, dead.started) == ("", "", None, False)


# ---- libraries


def test_a_library_that_never_answered_is_unfinished_and_loaded() -> None:
    answer = {"nvml": {"loaded": True, "path": "/x/libnvidia-ml.so.1", "library": "13.580.95.05", "unfinished": True}}
    libraries = nvidia_libraries.parse(answer | {"unfinished": "slow: no answer in 2 s; try --wait 30"})
    assert libraries.nvml.unfinished.startswith("slow")
    assert libraries.nvml.library == "580.95.05"
    assert libraries.libcuda.unfinished.startswith("slow")


def test_a_crash_after_nvml_keeps_what_nvml_said() -> None:
    answer = {
        "nvml": {"loaded": True, "status": 0, "driver": "580.95.05", "devices": [{"index": 0, "status": 0, "name": "H200"}]}
    }
    libraries = nvidia_libraries.parse(answer | {"unfinished": "ended with signal 11 without an answer"})
    assert [device.name for device in libraries.nvml.devices] == ["H200"]
    assert not libraries.nvml.unfinished
    assert libraries.libcuda.unfinished.startswith("ended")


def test_a_gpu_that_nvml_counts_and_cannot_open() -> None:
    devices: list[Any] = [
        {"index": 0, "status": 15},
        {"index": 1, "status": 0, "mig_uuids": ["MIG-1", "MIG-2"], "mig_instances": 2},
    ]
    nvml = nvidia_libraries.parse({"nvml": {"loaded": True, "status": 0, "devices": devices}}).nvml
    assert nvml.failed == ((0, 15),)
    assert [device.mig_uuids for device in nvml.devices] == [("MIG-1", "MIG-2")]


@pytest.mark.parametrize(
    ("text", "version"),
    [("13.580.95.05", "580.95.05"), ("12.535.183.01", "535.183.01"), ("580.95.05", None), ("", None), ("x", None)],
)
def test_nvml_library_version(text: str, version: str | None) -> None:
    assert nvidia_libraries.library_version(text) == version


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.580.95.05", "580.95.05"),
        ("/usr/local/cuda-12.4/compat/libcuda.so.550.54.15", "550.54.15"),
        ("/tmp/fake/libcuda.so.1", None),
        ("/usr/lib/wsl/lib/libcuda.so.1.1", None),
        ("", None),
    ],
)
def test_version_of_a_file_name(path: str, version: str | None) -> None:
    assert file_version(path) == version


# ---- nvidia-smi


@pytest.mark.parametrize("out", ["", "\x00\xff" * 40, "a,b,c\n" * 9, "0, , , , , , \n1, x"])
def test_nvidia_smi_junk_is_no_gpu(out: str) -> None:
    assert not [d for d in nvidia_smi.parse("nvidia-smi", 0, out, "").devices if d.name]


# ---- the bus


@pytest.mark.parametrize(
    ("version", "driver"),
    [("32.0.15.8157", "581.57"), ("31.0.15.2849", "528.49"), ("27.21.14.6109", "461.09"), ("32.0.15", None), ("x.y.z.w", None)],
)
def test_windows_driver_version(version: str, driver: str | None) -> None:
    assert pci.windows_driver(version) == driver


def test_windows_adapters_from_the_registry() -> None:
    def value(key: str, name: str, answer: object) -> tuple[str, dict[str, Any]]:
        return request_key("registry", (key, name)), {"value": answer, "source": "registry"}

    key = f"{pci.DISPLAY_CLASS}\\0001"
    recorded = dict(
        [
            value(pci.DISPLAY_CLASS, "", ["0001", "Configuration"]),
            value(key, "MatchingDeviceId", r"pci\ven_10de&dev_2c05&subsys_53181462"),
            value(key, "DriverDesc", "NVIDIA GeForce RTX 5070 Ti"),
            value(key, "DriverVersion", "32.0.15.8157"),
        ]
    )
    fact = pci.pci_devices(ReplayHost(recorded), WINDOWS)
    assert isinstance(fact, Known)
    (card,) = fact.value.of(NVIDIA)
    assert (card.device, card.name, card.driver_version) == (0x2C05, "NVIDIA GeForce RTX 5070 Ti", "581.57")


# ---- files and firmware


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("updates/dkms/nvidia.ko.zst: kernel/drivers/x.ko\n", "updates/dkms/nvidia.ko.zst"),
        ("kernel/a.ko:\nextra/nvidia/nvidia.ko: a\n", "extra/nvidia/nvidia.ko"),
        ("updates/dkms/nvidia-current.ko:\n", "updates/dkms/nvidia-current.ko"),
        ("kernel/drivers/net/ethernet/nvidia/forcedeth.ko:\nkernel/nvidiafb.ko:\nx/nvidia-uvm.ko:\n", ""),
        ("", ""),
    ],
)
def test_module_file(text: str, file: str) -> None:
    assert driver_files.module_file(text) == file


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("blacklist nvidia\n", True),
        ("alias nvidia off", True),
        ("install nvidia /bin/false", True),
        ("# blacklist nvidia\n", False),
        ("blacklist nvidiafb\nblacklist nouveau\n", False),
        ("options nvidia NVreg_PreserveVideoMemoryAllocations=1", False),
    ],
)
def test_modprobe_configuration(text: str, blocks: bool) -> None:
    assert driver_files.blacklists(text) is blocks


@pytest.mark.parametrize(
    ("variable", "efi", "on"),
    [("\x06\x00\x00\x00\x01", True, True), ("\x06\x00\x00\x00\x00", True, False), ("", True, None), ("", False, False)],
)
def test_secure_boot(variable: str, efi: bool, on: bool | None) -> None:
    assert driver_files.secure_boot(variable, efi) is on


def test_nothing_is_looked_for_where_the_driver_works() -> None:
    fact = driver_files.driver_files(ReplayHost({}), LINUX, DriverState(WORKS))
    assert isinstance(fact, Known)
    assert fact.value is None


@pytest.mark.parametrize(("text", "version"), [("Fabric Manager version is : 580.105.08\n", "580.105.08"), ("junk", "")])
def test_fabric_manager_version(text: str, version: str) -> None:
    assert fabric_manager.parse_version(text) == version


# ---- device files


def test_device_files_of_this_user(tmp_path: Path) -> None:
    (tmp_path / "dev/nvidia-caps").mkdir(parents=True)
    for name, mode in (("nvidiactl", 0o666), ("nvidia0", 0o444), ("sda", 0o660)):
        (tmp_path / "dev" / name).write_text("")
        (tmp_path / "dev" / name).chmod(mode)
    fact = device_nodes(LocalHost(root=str(tmp_path)), LINUX, Unknown("not asked"))
    assert isinstance(fact, Known)
    assert fact.value is not None
    assert [node.path for node in fact.value.nodes] == ["/dev/nvidia0", "/dev/nvidiactl"]
    if os.getuid():
        assert [node.path for node in fact.value.refused] == ["/dev/nvidia0"]


# ---- the kernel's log


def test_kernel_log_keeps_only_what_is_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "kmsg"
    log.write_text("6,1,1,-;usb: serial 12345\n4,2,9,-;NVRM: Xid (PCI:0000:01:00): 79, x\n SUBSYSTEM=pci nvrm\n")
    assert kernel_log.chosen(kernel_log.records(str(log)), ("nvrm",)) == ["NVRM: Xid (PCI:0000:01:00): 79, x"]
    assert len(kernel_log.chosen(["nvrm"] * 9999, ("nvrm",))) == kernel_log.MOST_LINES
    assert kernel_log.chosen(["NVRM: a; b"], ("nvrm",)) == ["NVRM: a; b"]


def test_kernel_log_that_is_not_there(tmp_path: Path) -> None:
    assert isinstance(LocalHost(root=str(tmp_path)).kernel_log("nvrm"), Unknown)


# ---- what CUDA_VISIBLE_DEVICES leaves

TWO = Gpus((Device(0, "A", uuid="GPU-aaaa-1"), Device(1, "B", uuid="GPU-aabb-2")))
MIG = Gpus((Device(0, "H200", uuid="GPU-1", mig=True, mig_instances=2, mig_uuids=("MIG-aaaa", "MIG-bbbb")),))


@pytest.mark.parametrize(
    ("value", "gpus", "left"),
    [
        ("0", TWO, VisibleGpus((0,))),
        ("1, 0", TWO, VisibleGpus((1, 0))),
        ("", TWO, VisibleGpus((), "")),
        ("-1", TWO, VisibleGpus((), "-1")),
        ("0,2,1", TWO, VisibleGpus((0,), "2")),
        ("0,0", TWO, VisibleGpus((), "0")),
        ("GPU-aab", TWO, VisibleGpus((1,))),
        ("GPU-aa", TWO, VisibleGpus((), "GPU-aa")),
        ("cuda:0", TWO, VisibleGpus((), "cuda:0")),
        ("MIG-bbbb", MIG, VisibleGpus((0,), None, 1)),
        ("MIG-aaaa,MIG-bbbb", MIG, VisibleGpus((0,), None, 2)),
        ("MIG-cccc", MIG, VisibleGpus((), "MIG-cccc")),
        ("MIG-GPU-1/1/0", MIG, VisibleGpus((0,), None, 1)),
        ("MIG-aaaa", TWO, VisibleGpus((), "MIG-aaaa")),
    ],
)
def test_visible(value: str, gpus: Gpus, left: VisibleGpus) -> None:
    assert visible(value, gpus) == left

"""Machines on which a rule once spoke and must not, and commands that text from outside once could change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.rules.judging import CPU, CUDA, LINUX, ONE_GPU, WINDOWS, findings, one

from torchsmith.host.local import LocalHost
from torchsmith.model.action import Command
from torchsmith.model.facts.driver import CUDA as FAILS
from torchsmith.model.facts.driver import MODULE, DriverState, KernelLog, VisibleGpus
from torchsmith.model.facts.gpu import AMD, NVIDIA, KernelModule, Libcuda, NvidiaLibraries, Nvml, PciDevice, PciDevices
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.system import ComputeCache
from torchsmith.model.known import Unknown
from torchsmith.probes import packages, torch, torch_requirements


@pytest.mark.parametrize(("code", "blamed"), [(803, True), (999, True), (802, False), (100, False)])
def test_a_compat_library_is_not_blamed_for_every_failure(code: int, blamed: bool) -> None:
    libraries = NvidiaLibraries(
        Nvml(loaded=True, status=0, driver="570.86.15"),
        Libcuda(loaded=True, path="/usr/local/cuda/compat/libcuda.so.580.95.05", status=code),
    )
    found = findings("compat-lib-shadows-driver", driver_state=DriverState(FAILS, code), nvidia_libraries=libraries)
    assert bool(found) is blamed


def test_an_old_card_under_the_open_module_is_no_virtual_gpu() -> None:
    log = KernelLog(("NVRM: nvidia.ko because it does not include the required GPU System Processor (GSP).",))
    bus = PciDevices((PciDevice("0000:01:00.0", NVIDIA, 0x1DB1),))
    assert not findings("vgpu-needs-grid-driver", driver_state=DriverState(MODULE, 9), pci_devices=bus, kernel_log=log)


def test_a_driver_too_old_for_the_card_is_not_cured_by_its_open_flavour() -> None:
    facts = {
        "machine": LINUX,
        "driver_state": DriverState(MODULE, 9),
        "pci_devices": PciDevices((PciDevice("0000:01:00.0", NVIDIA, 0x2C05),)),
        "nvidia_libraries": Unknown("test"),
    }
    old, new = (KernelModule(version, "proprietary", loaded=True) for version in ("550.144.03", "580.95.05"))
    assert not findings("blackwell-needs-open-module", kernel_module=old, **facts)
    assert findings("blackwell-needs-open-module", kernel_module=new, **facts)


@pytest.mark.parametrize("wrong", ["1", "-1"])
def test_a_list_of_gpus_that_hides_none_is_silent(wrong: str) -> None:
    facts = {"variables": Variables({"CUDA_VISIBLE_DEVICES": f"0,{wrong}"}), "visible_gpus": VisibleGpus((0,), wrong)}
    assert not findings("cuda-visible-devices-hides", gpus=ONE_GPU, **facts)


@pytest.mark.parametrize("path", ["/", "/scratch/shared", "/home/me"])
def test_only_the_cache_itself_changes_its_owner(path: str) -> None:
    finding = one("nv-cache-permissions", compute_cache=ComputeCache(path, 0, 1000, writable=False), torch=CUDA)
    assert not [action for remedy in finding.remedies for action in remedy.actions if isinstance(action, Command)]


def test_a_cpu_build_beside_an_amd_gpu_on_windows_is_right() -> None:
    bus = PciDevices((PciDevice("0001", AMD, 0x744C),))
    assert not findings("wrong-accelerator-backend", machine=WINDOWS, torch=CPU, pci_devices=bus)


@pytest.mark.parametrize("specifier", [" @ http://example.org/x.whl", "==2.* --index-url=http://example.org"])
def test_a_requirement_brings_neither_url_nor_option(specifier: str) -> None:
    found, _ = torch_requirements.parse(f"Requires-Dist: nvidia-cudnn-cu12{specifier}\n", "linux")
    assert [required.specifier for required in found] == [""]


def test_what_is_no_version_is_none() -> None:
    assert packages.parse("/site", ["bitsandbytes-1.0 @ http:x.dist-info", "bitsandbytes-1.0 --pre.dist-info"]) == ([], [])
    assert torch.parse("/site/torch", "__version__ = '2.9.0 --index-url=x'\n") is None
    assert torch.parse("/site/torch", "__version__ = '2.9.0'\ncuda = '13.0 $(id)'\n") is None


def test_a_pipe_in_place_of_a_file_does_not_wait(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "requirements.txt")
    assert isinstance(LocalHost().read(str(tmp_path / "requirements.txt")), Unknown)

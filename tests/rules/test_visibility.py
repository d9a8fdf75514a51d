"""Rules about what hides a GPU, or shows one of another maker."""

import pytest

from torchsmith.knowledge import accelerators
from torchsmith.model.facts.driver import DEVICES, MODULE, NONE, DriverState, VisibleGpus
from torchsmith.model.facts.gpu import AMD, INTEL, Device, Gpus, PciDevice, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Severity
from torchsmith.rules.visibility import (
    cuda_build_on_machine_without_cuda,
    cuda_visible_devices_hides,
    no_nvidia_gpu,
    wrong_accelerator_backend,
)

LINUX = Machine("linux", "x86_64")
CUDA, CPU, ROCM = (Torch("/t", "2.14.1", kind, kind, "13.0" if kind == "cuda" else None) for kind in ("cuda", "cpu", "rocm"))
ONE, NO_GPUS = Gpus((Device(0, "H200"),)), Gpus(())


@pytest.mark.parametrize(
    ("torch", "gpus", "stage", "found"),
    [
        (CUDA, NO_GPUS, NONE, True),
        (CUDA, NO_GPUS, DEVICES, True),
        (CUDA, NO_GPUS, MODULE, False),
        (CUDA, ONE, NONE, False),
        (CPU, NO_GPUS, NONE, False),
    ],
)
def test_no_gpu(torch: Torch, gpus: Gpus, stage: str, found: bool) -> None:
    findings = list(no_nvidia_gpu.check(torch, gpus, DriverState(stage)))
    assert [finding.severity for finding in findings] == ([Severity.DEGRADED] if found else [])


@pytest.mark.parametrize(
    ("torch", "device", "gpus", "severity"),
    [
        (CUDA, PciDevice("a", AMD, 0x744C), NO_GPUS, Severity.BLOCKER),
        (CPU, PciDevice("a", AMD, 0x744C), NO_GPUS, Severity.DEGRADED),
        (CUDA, PciDevice("a", INTEL, 0x56A0), NO_GPUS, Severity.BLOCKER),
        (ROCM, PciDevice("a", AMD, 0x744C), NO_GPUS, None),
        (CUDA, PciDevice("a", AMD, 0x744C), ONE, None),
        (CUDA, PciDevice("a", INTEL, 0x9BC5), NO_GPUS, None),
        (CUDA, PciDevice("a", AMD, 0x164E), NO_GPUS, None),
        (ROCM, PciDevice("a", AMD, 0x164E), ONE, Severity.BLOCKER),
    ],
)
def test_other_makers(torch: Torch, device: PciDevice, gpus: Gpus, severity: Severity | None) -> None:
    bus = PciDevices((device,))
    found = [finding.severity for finding in wrong_accelerator_backend.check(LINUX, torch, bus, gpus, None)]
    assert found == ([severity] if severity else [])
    also = list(cuda_build_on_machine_without_cuda.check(torch, bus, gpus))
    assert bool(also) is (torch is CUDA and severity is not None)


def test_ranges_of_device_ids_ascend() -> None:
    for ranges in accelerators.USABLE.values():
        assert all(first <= last for first, last, _ in ranges)
        assert len({first for first, _, _ in ranges}) == len(ranges)


@pytest.mark.parametrize(
    ("value", "left", "severity"),
    [
        ("", VisibleGpus((), ""), Severity.BLOCKER),
        ("0,9", VisibleGpus((0,), "9"), Severity.DEGRADED),
        ("0", VisibleGpus((0,)), None),
        (None, VisibleGpus((0, 1)), None),
    ],
)
def test_cuda_visible_devices(value: str | None, left: VisibleGpus, severity: Severity | None) -> None:
    gpus = Gpus((Device(0, "H100"), Device(1, "RTX 3060")))
    variables = Variables({} if value is None else {"CUDA_VISIBLE_DEVICES": value})
    found = [finding.severity for finding in cuda_visible_devices_hides.check(variables, gpus, left)]
    assert found == ([severity] if severity else [])

"""GPU code against GPUs, one by one: too new, too old, in a gap, by PTX, and where torch only warns."""

from pathlib import Path

import pytest
from tests.patient import Patient, code, gpu, roots

from torchsmith.model.facts.gpu import Device, Driver
from torchsmith.model.facts.install import ExtensionCode, ExtensionGpuCode, TritonPtxas
from torchsmith.model.facts.torch import TorchGpuCode
from torchsmith.model.finding import Finding
from torchsmith.model.known import Unknown

FAMILY = (
    "gpu-arch-not-in-build-too-new",
    "gpu-arch-dropped-too-old",
    "gpu-arch-not-in-build",
    "benign-arch-warning",
    "extension-arch-not-in-build",
    "triton-ptxas-too-old",
)
CU128 = code(("sm_75 sm_80 sm_86 sm_90 sm_100 sm_120", 400), ("sm_90a", 3))
CU121 = code(("sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90", 329))
WITH_PTX = code(("sm_70 sm_75 sm_80 sm_90 compute_90", 300))


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


@pytest.mark.parametrize(
    ("carried", "capabilities", "expected"),
    [
        (CU128, [120], []),
        (CU128, [86, 90], []),
        (CU128, [89], []),
        (CU128, [121], []),
        (CU128, [61], [("gpu-arch-dropped-too-old", "gpu:0")]),
        (CU128, [120, 61], [("gpu-arch-dropped-too-old", "gpu:1")]),
        (CU128, [130], [("gpu-arch-not-in-build-too-new", "gpu:0")]),
        (CU121, [120], [("gpu-arch-not-in-build-too-new", "gpu:0")]),
        (CU121, [120, 86, 121], [("gpu-arch-not-in-build-too-new", "gpu:0"), ("gpu-arch-not-in-build-too-new", "gpu:2")]),
        (CU121, [52, 61], []),
        (CU128, [87], [("gpu-arch-not-in-build", "gpu:0")]),
        (code(("sm_80 sm_90 sm_100 sm_120", 300)), [110], [("gpu-arch-not-in-build", "gpu:0")]),
        (code(("sm_90a", 300), ("sm_80", 20)), [90], []),
        (code(("sm_90a", 300)), [100], [("gpu-arch-not-in-build-too-new", "gpu:0")]),
    ],
)
def test_code_against_gpus(
    patient: Patient, carried: TorchGpuCode, capabilities: list[int], expected: list[tuple[str, str]]
) -> None:
    patient.torch("2.14.1+cu130")
    patient.gpus = tuple(gpu(sm, index) for index, sm in enumerate(capabilities))
    patient.gpu_code = carried
    assert [(f.cause, f.subject) for f in patient.check(*FAMILY).root_causes] == expected


@pytest.mark.parametrize(("driver_cuda", "speaks"), [("12.8", False), ("12.4", False), ("12.2", True)])
def test_ptx_needs_a_driver_as_new_as_its_toolkit(patient: Patient, driver_cuda: str, speaks: bool) -> None:
    patient.torch("2.6.0+cu124")
    patient.gpus, patient.gpu_code = (gpu(100),), WITH_PTX
    patient.driver = Driver("535.183.01", "535.183.01", driver_cuda, True)
    found = patient.check(*FAMILY)
    assert roots(found) == (["gpu-arch-not-in-build-too-new"] if speaks else [])
    assert not speaks or "12.4" in found.root_causes[0].remedies[0].title


def test_an_unreadable_binary_leaves_it_to_the_table(patient: Patient) -> None:
    patient.torch("2.2.2+cu121")
    patient.gpus = (gpu(120),)
    (finding,) = patient.check(*FAMILY, torch_gpu_code=Unknown("Permission denied", ("libtorch_cuda.so",))).root_causes
    assert (finding.cause, finding.confidence) == ("gpu-arch-not-in-build-too-new", 0.8)
    assert "table" in str(finding.evidence)


@pytest.mark.parametrize(
    ("version", "sm", "warns"),
    [
        ("2.9.1+cu130", 121, True),
        ("2.8.0+cu128", 121, True),
        ("2.14.1+cu130", 121, False),
        ("2.9.1+cu130", 120, False),
        ("2.7.1+cu128", 121, False),
    ],
)
def test_where_torch_only_warns(patient: Patient, version: str, sm: int, warns: bool) -> None:
    patient.torch(version)
    patient.gpus, patient.gpu_code = (gpu(sm),), CU128
    found = patient.check(*FAMILY)
    assert roots(found) == (["benign-arch-warning"] if warns else [])
    assert found.verdict == ("not-environment" if warns else "fits")


def _extension(patient: Patient, sass: str, device: Device) -> list[Finding]:
    patient.torch("2.8.0+cu128")
    patient.gpus, patient.gpu_code = (device,), CU128
    groups = ((tuple(sass.split()), (), 10),)
    given = ExtensionGpuCode((ExtensionCode("flash-attn", "2.8.3", "flash_attn_2_cuda.so", groups),))
    return list(patient.check(*FAMILY, extension_gpu_code=given).root_causes)


def test_an_extension_without_code_for_the_gpu(patient: Patient) -> None:
    assert [f.cause for f in _extension(patient, "sm_80 sm_90", gpu(75))] == ["extension-arch-not-in-build"]


def test_an_extension_with_code_or_behind_a_torch_without(patient: Patient) -> None:
    assert _extension(patient, "sm_80 sm_90", gpu(86)) == []
    assert [f.cause for f in _extension(patient, "sm_80 sm_90", gpu(61))] == ["gpu-arch-dropped-too-old"]


@pytest.mark.parametrize(
    ("cuda", "sm", "speaks"), [("12.8", 121, True), ("12.9", 121, False), ("12.4", 120, True), ("13.1", 120, False)]
)
def test_the_assembler_of_triton(patient: Patient, cuda: str, sm: int, speaks: bool) -> None:
    patient.torch("2.14.1+cu130")
    patient.gpus, patient.gpu_code = (gpu(sm),), CU128
    found = patient.check(*FAMILY, triton_ptxas=TritonPtxas("ptxas", cuda, "triton's own"))
    assert roots(found) == (["triton-ptxas-too-old"] if speaks else [])

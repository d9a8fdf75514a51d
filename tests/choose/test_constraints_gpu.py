"""GPU code and accelerators: who is served, who is not, and what would be."""

from __future__ import annotations

import pytest
from tests.choose.situations import candidate, made, says

from torchsmith.choose import hardware
from torchsmith.choose.constraints import gpu
from torchsmith.choose.situation import Situation
from torchsmith.knowledge.accelerators import AMD, INTEL
from torchsmith.model.choice import Reason, Risk, Wishes
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.gpu import Driver, PciDevice, PciDevices
from torchsmith.model.known import Unknown
from torchsmith.model.record import replace

RADEON = PciDevices((PciDevice("", AMD, 0x744C, name="Radeon RX 7900 XTX"),))
OLD_RADEON = PciDevices((PciDevice("", AMD, 0x67DF, name="Radeon RX 580"),))
ARC = PciDevices((PciDevice("", INTEL, 0x56A0, name="Arc A770"),))


@pytest.mark.parametrize(
    ("gpus", "os", "arch", "version"),
    [
        (("RTX 5070 Ti",), "windows", "x86_64", "2.7.0+cu128"),
        (("RTX 5070 Ti",), "linux", "x86_64", "2.15.0+cu132"),
        (("GTX 1080 Ti",), "linux", "x86_64", "2.14.1+cu126"),
        (("GTX 1080 Ti", "RTX 5090"), "windows", "x86_64", "2.7.1+cu128"),
        (("RTX 4090",), "linux", "x86_64", "1.13.1+cu117"),  # sm_86 code runs on 8.9
        (("B300",), "linux", "x86_64", "2.9.1+cu130"),  # sm_100 code runs on 10.3
        (("GB10",), "linux", "aarch64", "2.9.1+cu130"),  # sm_120 code runs on 12.1
        (("Jetson AGX Thor",), "linux", "aarch64", "2.9.1+cu130"),
        (("Tesla T4", "H100 PCIe", "Tesla V100"), "linux", "x86_64", "2.6.0+cu124"),
    ],
)
def test_machine_code_serves(gpus: tuple[str, ...], os: str, arch: str, version: str) -> None:
    driver = "581.57" if os == "windows" else "580.95.05"
    assert says(gpu.gpu_code, version, made(*gpus, os=os, arch=arch, driver=driver)) is None


@pytest.mark.parametrize(
    ("gpus", "os", "arch", "version", "because", "unless"),
    [
        (("RTX 5070 Ti",), "windows", "x86_64", "2.6.0+cu124", "ends at sm_90, and the GeForce RTX 5070 Ti (12.0) is newer",
         "torch >= 2.7.0 with cu128 or later"),
        (("GTX 1080 Ti",), "linux", "x86_64", "2.14.1+cu130", "begins at sm_75, and the GeForce GTX 1080 Ti (6.1) is older",
         "torch <= 2.14.1 with cu126"),
        (("Tesla V100",), "linux", "x86_64", "2.7.1+cu128", "begins at sm_75", "torch <= 2.14.1 with cu126"),
        (("Tesla V100",), "linux", "x86_64", "2.11.0+cu128", "begins at sm_75", "torch <= 2.14.1 with cu126"),
        (("Tesla P100",), "windows", "x86_64", "2.8.0+cu126", "begins at sm_61", "torch 2.9.0 - 2.14.1 with cu126"),
        (("Jetson AGX Thor",), "linux", "aarch64", "2.9.1+cu128", "(sm_80 sm_90 sm_100 sm_120) leaves out the Jetson AGX Thor",
         "torch >= 2.9.0 with cu130 or later"),
        (("GTX 1080 Ti", "RTX 5070"), "linux", "x86_64", "2.8.0+cu126", "the GeForce RTX 5070 (12.0) is newer",
         "torch <= 2.13.0 with cu129 from conda-forge"),
        (("GTX 970", "GTX 1080 Ti"), "linux", "x86_64", "2.15.0+cu132",
         "the GeForce GTX 970 (5.2) and GeForce GTX 1080 Ti (6.1) are older", "torch <= 2.14.1 with cu126"),
        (("sm_30",), "linux", "x86_64", "1.12.0+cu102", "begins at sm_37", ""),
        (("RTX 5070",), "linux", "x86_64", "2.6.0+cu126", "its PTX does not help: CUDA 12.6",
         "torch >= 2.7.0 with cu128 or later"),
    ],
)  # fmt: skip
def test_code_that_is_missing(gpus: tuple[str, ...], os: str, arch: str, version: str, because: str, unless: str) -> None:
    reason = says(gpu.gpu_code, version, made(*gpus, os=os, arch=arch))
    assert isinstance(reason, Reason)
    assert because in reason.because
    assert reason.unless == unless


def test_a_gpu_both_newer_and_older_ones_are_told_apart() -> None:
    reason = says(gpu.gpu_code, "2.8.0+cu128", made("Tesla K80", "sm_130"))
    assert isinstance(reason, Reason)
    assert "ends at sm_120, and the NVIDIA GPU (13.0) is newer" in reason.because
    assert "begins at sm_70, and the Tesla K80 (3.7) is older" in reason.because


def test_cudnn_that_dropped_the_gpu_rejects_what_the_code_would_allow() -> None:
    reason = says(gpu.gpu_code, "2.7.1+cu118", made("Tesla K80", driver="470.256.02"))
    assert isinstance(reason, Reason)
    assert "cuDNN 9.1.0.70 has dropped the Tesla K80 (3.7)" in reason.because
    assert reason.unless == "torch <= 2.3.1 with cu118"


def test_conda_forge_carries_its_own_code() -> None:
    assert says(gpu.gpu_code, "2.13.0+cu130", made("Jetson AGX Orin", arch="aarch64"), channel="conda-forge") is None
    assert says(gpu.gpu_code, "1.12.1+cu112", made("RTX 4090"), channel="conda-forge") is None  # sm_86 code serves it


@pytest.mark.parametrize(
    ("driver", "compat", "kind"), [("570.86.10", "", Reason), ("575.57.08", "", Risk), ("570.86.10", "13.0", Risk)]
)
def test_a_driver_compiles_no_newer_ptx(driver: str, compat: str, kind: type) -> None:
    """Of 2.9.0+cu129 for aarch64 nothing is machine code for 8.7; with a made-up PTX for it the driver decides."""
    asked = made("Jetson AGX Orin", driver=driver, arch="aarch64")
    if compat:
        asked = replace(asked, driver=Driver(driver, None, compat, works=True, compat=True))
    build = replace(candidate("2.9.0+cu129", asked), sass=(90,), ptx=(80,))
    answer = gpu.gpu_code.judge(build, asked)
    assert isinstance(answer, kind)
    if isinstance(answer, Reason):
        assert answer.unless == "driver >= 575.51.03"
        assert "only PTX of CUDA 12.9" in answer.because


def test_what_the_tables_do_not_know_is_a_risk() -> None:
    unlisted = says(gpu.gpu_code, "2.14.1+cu130", made("unlisted"))
    assert isinstance(unlisted, Risk)
    assert "NVIDIA Graphics Device" in unlisted.text
    nobody = made(gpus=Unknown("slow: no answer"))
    assert says(gpu.gpu_code, "2.14.1+cu130", nobody) is None
    assert isinstance(says(gpu.accelerator, "2.14.1+cu130", nobody), Risk)
    assert says(gpu.accelerator, "2.14.1+cpu", nobody) is None


def test_a_solver_that_picks_cudnn_may_pick_one_without_the_gpu() -> None:
    risk = says(gpu.gpu_code, "2.13.0+cu129", made("GTX 1080 Ti"), channel="conda-forge")
    assert isinstance(risk, Risk)
    assert "from 9.11 on" in risk.text
    assert says(gpu.gpu_code, "2.13.0+cu129", made("RTX 4090"), channel="conda-forge") is None


@pytest.mark.parametrize(
    ("asked", "version", "rejected"),
    [
        (made(), "2.14.1+cu130", True),
        (made(), "2.14.1+cpu", False),
        (made("RTX 4090"), "2.14.1+cpu", True),
        (made("RTX 4090", wishes=Wishes(torch="==2.14.1+cpu")), "2.14.1+cpu", False),
        (made("sm_30"), "2.14.1+cpu", False),  # no build ever served it
        (made("RTX 4090"), "2.13.0+rocm7.2", True),
        (made("RTX 4090"), "2.13.0+xpu", True),
        (made(pci_devices=RADEON), "2.13.0+rocm7.2", False),
        (made(pci_devices=RADEON), "2.14.1+cpu", True),
        (made(pci_devices=RADEON), "2.14.1+cu130", True),
        (made(pci_devices=OLD_RADEON), "2.13.0+rocm7.2", True),
        (made(pci_devices=OLD_RADEON), "2.14.1+cpu", False),
        (made(pci_devices=RADEON, os="windows"), "2.14.1+cpu", True),  # ROCm builds are for Linux: idle all the same
        (made(pci_devices=ARC, os="windows"), "2.13.0+xpu", False),
        (made("RTX 4090", pci_devices=ARC), "2.13.0+xpu", False),
        (made("GTX 1080 Ti", os="macos", arch="aarch64", driver=None), "2.14.1+cpu", False),
    ],
)
def test_accelerators(asked: Situation, version: str, rejected: bool) -> None:
    answer = says(gpu.accelerator, version, asked)
    assert isinstance(answer, Reason) == rejected, answer
    assert bool(hardware.idle(asked)) == (
        isinstance(says(gpu.accelerator, "2.14.1+cpu", asked), Reason) or bool(asked.wishes.torch)
    )


def test_another_makers_gpu_is_named() -> None:
    reason = says(gpu.accelerator, "2.14.1+cu130", made(pci_devices=RADEON))
    assert isinstance(reason, Reason)
    assert "Radeon RX 7900 XTX" in reason.because
    old = says(gpu.accelerator, "2.13.0+rocm7.2", made(pci_devices=OLD_RADEON))
    assert isinstance(old, Reason)
    assert "Radeon RX 580" in old.because


def test_where_nobody_could_look_no_maker_is_excluded() -> None:
    blind = made(gpus=Unknown("not asked"), pci_devices=Unknown("not asked"))
    assert isinstance(says(gpu.accelerator, "2.13.0+rocm7.2", blind), Risk)
    assert isinstance(says(gpu.accelerator, "2.13.0+xpu", blind), Risk)


def test_no_look_is_no_absence() -> None:
    """Where libraries and bus are both unknown, an empty list of GPUs is nobody's word."""
    blind = made(nvidia_libraries=Unknown("not assumed"), pci_devices=Unknown("not assumed"))
    assert isinstance(says(gpu.accelerator, "2.14.1+cu130", blind), Risk)
    assert isinstance(says(gpu.accelerator, "2.14.1+cu130", made(nvidia_libraries=Unknown("not assumed"))), Reason)


def test_a_jetsons_gpu_could_be_used_by_nvidias_build() -> None:
    board = Jetson("Jetson AGX Xavier", "35.4.1")
    assert hardware.idle(made("Jetson AGX Xavier", arch="aarch64", jetson=board))
    assert not hardware.idle(made("sm_30", arch="aarch64"))


@pytest.mark.parametrize(
    ("device", "version", "kind", "words"),
    [
        (0x744C, "2.13.0+rocm7.2", None, ""),
        (0x7550, "2.13.0+rocm7.2", None, ""),
        (0x7550, "2.5.1+rocm6.2", Reason, "rocm6.3 or newer"),
        (0x74A1, "2.2.2+rocm5.7", Reason, "rocm6.0 or newer"),
        (0x73DF, "2.13.0+rocm7.2", Risk, "HSA_OVERRIDE_GFX_VERSION"),
        (0x67DF, "2.13.0+rocm7.2", None, ""),  # accelerator has said no already
    ],
)
def test_code_for_gpus_of_amd(device: int, version: str, kind: type | None, words: str) -> None:
    asked = made(pci_devices=PciDevices((PciDevice("", AMD, device, name="Radeon"),)))
    answer = says(gpu.gpu_code, version, asked)
    assert isinstance(answer, kind) if kind else answer is None
    if answer is not None:
        assert words in (answer.unless if isinstance(answer, Reason) else answer.text)


def test_an_architecture_that_no_rocm_build_has_leaves_the_cpu() -> None:
    navi_10 = made(pci_devices=PciDevices((PciDevice("", AMD, 0x731F, name="Radeon RX 5700 XT"),)))
    assert isinstance(says(gpu.accelerator, "2.13.0+rocm7.2", navi_10), Reason)
    assert not hardware.idle(navi_10)


def test_a_build_from_source_needs_a_toolkit_that_knows_the_gpu() -> None:
    thor = made("Jetson AGX Thor", arch="aarch64", driver="580.00")
    found = says(gpu.gpu_code, "2.8.0+cu129", thor, channel="source")
    assert isinstance(found, Reason)
    assert "Thor" in found.because
    assert not isinstance(says(gpu.gpu_code, "2.11.0+cu130", thor, channel="source"), Reason)

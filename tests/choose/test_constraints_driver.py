"""What a driver runs and which GPUs it serves: floors, compatibility and its limits, unlisted and missing drivers."""

from __future__ import annotations

import pytest
from tests.choose.situations import made, says

from torchsmith.choose.constraints import driver
from torchsmith.model.choice import Reason, Risk
from torchsmith.model.facts.gpu import Driver
from torchsmith.model.facts.hardware import CompatLibraries
from torchsmith.model.known import Unknown
from torchsmith.model.record import replace


@pytest.mark.parametrize(
    ("have", "os", "version"),
    [
        ("580.65.06", "linux", "2.14.1+cu130"),
        ("581.57", "windows", "2.14.1+cu130"),
        ("581.57", "wsl", "2.14.1+cu130"),
        ("520.61.05", "linux", "2.7.1+cu118"),
        ("440.33", "linux", "1.12.1+cu102"),
        ("570.86.15", "linux", "2.8.0+cu128"),
    ],
)
def test_runs_outright(have: str, os: str, version: str) -> None:
    assert says(driver.driver, version, made("RTX 4090", driver=have, os=os)) is None


@pytest.mark.parametrize(
    ("have", "os", "version"),
    [
        ("450.80.02", "linux", "2.7.1+cu118"),
        ("525.60.13", "linux", "2.13.0+cu129"),
        ("528.33", "windows", "2.14.1+cu126"),
        ("580.65.06", "linux", "2.15.0+cu132"),
        ("535.183.01", "linux", "2.14.1+cu126"),
    ],
)
def test_minor_version_compatibility_is_a_small_risk(have: str, os: str, version: str) -> None:
    risk = says(driver.driver, version, made("RTX 4090", driver=have, os=os))
    assert isinstance(risk, Risk)
    assert "minor-version compatibility" in risk.text
    assert risk.weight <= 0.1


@pytest.mark.parametrize(
    ("have", "os", "version", "unless"),
    [
        ("525.60.11", "linux", "2.14.1+cu126", "driver >= 525.60.13"),
        ("527.41", "windows", "2.14.1+cu126", "driver >= 528.33"),
        ("527.41", "wsl", "2.14.1+cu126", "driver >= 528.33"),
        ("470.256.02", "linux", "2.14.1+cu126", "driver >= 525.60.13"),
        ("575.57.08", "linux", "2.14.1+cu130", "driver >= 580"),
        ("9.18", "linux", "2.7.1+cu118", "driver >= 450.80.02"),  # compared by numbers, not by letters
        ("430.64", "linux", "1.12.1+cu102", "driver >= 440.33"),
    ],
)
def test_too_old_for_the_cuda(have: str, os: str, version: str, unless: str) -> None:
    reason = says(driver.driver, version, made("RTX 4090", driver=have, os=os))
    assert isinstance(reason, Reason)
    assert have in reason.because
    assert reason.unless == unless


def test_no_driver_could_do_it() -> None:
    for have in ("470.256.02", None):
        reason = says(driver.driver, "2.5.1+cu121", made("Tesla K80", driver=have))
        assert isinstance(reason, Reason)
        assert "branch 470 was the last for the Tesla K80 (3.7)" in reason.because
        assert not reason.unless
    assert not isinstance(says(driver.driver, "2.3.1+cu118", made("Tesla K80", driver=None)), Reason)
    assert not isinstance(says(driver.driver, "2.14.1+cu130", made("Tesla V100", driver=None)), Reason)  # 580 serves both


def test_a_driver_that_nobody_could_tell_is_a_risk() -> None:
    for asked in (made("RTX 4090", driver=None), made("RTX 4090", driver=Unknown("not assumed"))):
        risk = says(driver.driver, "2.14.1+cu130", asked)
        assert isinstance(risk, Risk)
        assert "580" in risk.text
    assert isinstance(says(driver.driver, "2.14.1+cu130", replace(made("RTX 4090"), driver=Driver(""))), Risk)


def test_a_driver_newer_than_the_tables_is_judged_by_the_newest() -> None:
    for have, os in (("700.10", "linux"), ("731.01", "windows")):
        asked = made("RTX 5090", driver=have, os=os)
        assert isinstance(says(driver.driver, "2.15.0+cu132", asked), Risk)
        assert says(driver.driver_knows_gpu, "2.15.0+cu132", asked) is None
        assert isinstance(says(driver.driver_knows_gpu, "2.14.1+cu126", made("GTX 970", driver=have, os=os)), Reason)


def test_forward_compatibility_only_where_nvidia_allows_it() -> None:
    compat = CompatLibraries((("/usr/local/cuda-13.0/compat/libcuda.so.580.65.06", "580.65.06"),))
    data_centre = made("H100 PCIe", driver="535.183.01", compat_libraries=compat)
    assert isinstance(says(driver.driver, "2.14.1+cu130", data_centre), Risk)
    assert isinstance(says(driver.driver, "2.14.1+cu130", made("RTX 4090", driver="535.183.01", compat_libraries=compat)), Reason)
    mixed = made("H100 PCIe", "RTX 4090", driver="535.183.01", compat_libraries=compat)
    assert isinstance(says(driver.driver, "2.14.1+cu130", mixed), Reason)
    windows = made("H100 PCIe", driver="538.33", os="windows", compat_libraries=compat)
    assert isinstance(says(driver.driver, "2.14.1+cu130", windows), Reason)
    without = says(driver.driver, "2.14.1+cu130", made("H100 PCIe", driver="535.183.01"))
    assert isinstance(without, Reason)
    assert "cuda-compat" in without.because
    assert without.unless == "driver >= 580"
    consumer = says(driver.driver, "2.14.1+cu130", made("RTX 4090", driver="535.183.01"))
    assert isinstance(consumer, Reason)
    assert "cuda-compat" not in consumer.because


def test_a_working_compat_library_counts() -> None:
    asked = replace(made("H100 PCIe"), driver=Driver("535.183.01", None, "13.0", works=True, compat=True))
    assert isinstance(says(driver.driver, "2.14.1+cu130", asked), Risk)


@pytest.mark.parametrize(
    ("gpus", "have", "os", "unless"),
    [
        (("RTX 5070 Ti",), "550.54.14", "linux", "driver >= 570.26"),
        (("RTX 5070 Ti",), "566.36", "windows", "driver >= 570.65"),
        (("GB10",), "575.57.08", "linux", "driver >= 580"),
        (("GTX 1080 Ti",), "590.44.01", "linux", "driver <= 580"),
        (("Tesla V100",), "591.10", "windows", "driver <= 580"),
        (("Tesla K80",), "525.60.13", "linux", "driver <= 470"),
        (("GTX 970", "RTX 5090"), "610.43.02", "linux", "driver <= 580"),
        (("GTX 970", "RTX 5090"), "550.54.14", "linux", "driver >= 570.26"),
        (("RTX 4090", "Tesla T4"), "450.80.02", "linux", "driver >= 520.61.05"),
    ],
)
def test_gpus_that_the_driver_does_not_serve(gpus: tuple[str, ...], have: str, os: str, unless: str) -> None:
    reason = says(driver.driver_knows_gpu, "2.9.1+cu126", made(*gpus, driver=have, os=os))
    assert isinstance(reason, Reason)
    assert reason.unless == unless
    assert have in reason.because


def test_gpus_that_no_driver_serves_together() -> None:
    for have in ("470.256.02", "580.95.05", None):
        reason = says(driver.driver_knows_gpu, "2.9.1+cu126", made("Tesla K80", "RTX 5090", driver=have))
        assert isinstance(reason, Reason)
        assert not reason.unless
        assert "Tesla K80" in reason.because
        assert "RTX 5090" in reason.because


def test_what_the_driver_itself_lists_it_knows() -> None:
    asked = made("sm_130", driver="700.10", witness="NVML")
    assert says(driver.driver_knows_gpu, "2.15.0+cu132", replace(asked, driver=Driver("700.10", works=True))) is None
    assert isinstance(says(driver.driver_knows_gpu, "2.15.0+cu132", made("sm_130", driver="700.10")), Risk)


def test_other_builds_need_no_nvidia_driver() -> None:
    asked = made("RTX 5090", driver="470.256.02")
    for version in ("2.14.1+cpu", "2.13.0+xpu", "2.13.0+rocm7.2"):
        assert says(driver.driver, version, asked) is None
        assert says(driver.driver_knows_gpu, version, asked) is None

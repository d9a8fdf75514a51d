"""Which builds of torch exist, and which fit a machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchsmith.knowledge import drivers
from torchsmith.knowledge import torch_builds as builds

# GPUs, platform, driver, whose numbering, Python, wanted torch -> the best builds, in order
MACHINES = [
    ("GTX 1080 Ti", (61,), "linux-x86_64", "580.95.05", False, "cp312", None, ["2.14.1+cu126", "2.14.0+cu126"]),
    ("V100", (70,), "linux-x86_64", "580.95.05", False, "cp312", None, ["2.14.1+cu126"]),
    ("V100, driver that dropped it", (70,), "linux-x86_64", "590.44.01", False, "cp312", None, []),
    ("RTX 3060, 535", (86,), "linux-x86_64", "535.183.01", False, "cp312", None, ["2.14.1+cu126", "2.14.0+cu126"]),
    ("RTX 3060, 470", (86,), "linux-x86_64", "470.256.02", False, "cp310", None, ["2.7.1+cu118"]),
    ("K80, without cuDNN 9", (37,), "linux-x86_64", "470.256.02", False, "cp310", None, ["2.3.1+cu118"]),
    (
        "H100 and RTX 3060",
        (90, 86),
        "linux-x86_64",
        "580.95.05",
        False,
        "cp312",
        None,
        ["2.15.0+cu132", "2.14.1+cu130"],
    ),
    ("GB10", (121,), "linux-aarch64", "580.95.05", False, "cp312", None, ["2.15.0+cu132", "2.14.1+cu130"]),
    ("Thor", (110,), "linux-aarch64", "580.00", False, "cp312", None, ["2.15.0+cu132", "2.14.1+cu130"]),
    ("RTX 5070 Ti", (120,), "windows", "581.57", True, "cp312", None, ["2.14.1+cu130", "2.14.1+cu132"]),
    ("RTX 5070 Ti, had 2.6", (120,), "windows", "581.57", True, "cp312", "2.6.0+cu124", ["2.7.0+cu128"]),
    ("RTX 5070 Ti in WSL", (120,), "linux-x86_64", "581.57", True, "cp312", None, ["2.15.0+cu132"]),
    ("RTX 5090 and GTX 1080 Ti", (120, 61), "linux-x86_64", "580.95.05", False, "cp312", None, []),
    ("the same on Windows", (120, 61), "windows", "581.57", True, "cp312", None, ["2.8.0+cu128", "2.7.1+cu128"]),
    ("RTX 5090, driver too old for it", (120,), "linux-x86_64", "550.54.15", False, "cp312", None, []),
    ("RTX 4090, keeps its torch", (89,), "linux-x86_64", "580.95.05", False, "cp312", "2.9.1", ["2.9.1+cu130"]),
    (
        "RTX 4090, newest driver",
        (89,),
        "linux-x86_64",
        "615.10",
        False,
        "cp312",
        None,
        ["2.15.0+cu132", "2.14.1+cu132"],
    ),
    ("RTX 4090, unlisted driver", (89,), "linux-x86_64", "640.10", False, "cp312", None, ["2.15.0+cu132"]),
    ("Python that no wheel knows", (89,), "linux-x86_64", "580.95.05", False, "cp399", None, []),
    ("a Mac", (89,), "macos-arm64", "580.95.05", False, "cp312", None, []),
]


@pytest.mark.parametrize(
    ("sms", "platform", "driver", "windows", "tag", "torch", "best"),
    [row[1:] for row in MACHINES],
    ids=[row[0] for row in MACHINES],
)
def test_builds_that_fit(
    sms: tuple[int, ...], platform: str, driver: str, windows: bool, tag: str, torch: str | None, best: list[str]
) -> None:
    found = builds.fitting(sms, platform=platform, driver=driver, windows=windows, python_tag=tag, torch=torch)
    assert [build.version for build in found][: max(1, len(best))] == best


CAPABILITIES = st.sampled_from([37, 50, 61, 70, 75, 80, 86, 89, 90, 100, 103, 120, 121])


@given(
    st.lists(CAPABILITIES, min_size=1, max_size=3),
    st.sampled_from(drivers.branches()),
    st.sampled_from(["linux-x86_64", "linux-aarch64"]),
)
def test_what_fits_runs_everywhere(sms: list[int], branch: drivers.Branch, platform: str) -> None:
    for build in builds.fitting(tuple(sms), platform=platform, driver=branch.first_linux):
        carried = builds.archs(build.torch, build.build, platform)
        assert carried is not None
        assert all(carried.serves(sm) for sm in sms)
        assert drivers.runs(branch.first_linux, build.cuda or "", windows=False)
        assert all(drivers.serves(branch.first_linux, sm, windows=False) for sm in sms)


@given(st.lists(CAPABILITIES, min_size=1, max_size=3), CAPABILITIES)
def test_another_gpu_never_adds_a_build(sms: list[int], another: int) -> None:
    some = {build.version for build in builds.fitting(tuple(sms), platform="linux-x86_64")}
    assert {build.version for build in builds.fitting((*sms, another), platform="linux-x86_64")} <= some


def test_published_build() -> None:
    found = builds.published("2.14.1+cu126", "cu126", "linux-x86_64")
    assert found is not None
    assert (found.index_url, found.toolkit, found.pypi_default) == (
        "https://download.pytorch.org/whl/cu126",
        "12.6.3",
        False,
    )
    assert builds.published("2.15.0", "cu126", "linux-x86_64") is None
    carried = builds.archs("2.14.1", "cu126", "linux-x86_64")
    assert carried is not None
    assert carried.sass == (50, 60, 70, 75, 80, 86, 90)


def test_releases_without_old_gpus() -> None:
    # 2.15 ended CUDA 12, and with it Maxwell, Pascal and Volta.
    assert all(build.build >= "cu13" for build in builds.builds("linux-x86_64", kind="cuda") if build.torch == "2.15.0")


@pytest.mark.parametrize(
    ("torch", "platform", "build"),
    [
        ("2.15.0", "windows", "cpu"),
        ("2.15.0", "linux-x86_64", "cu132"),
        ("2.10.0", "linux-aarch64", "cpu"),
        ("2.11.0", "linux-aarch64", "cu130"),
    ],
)
def test_default_build(torch: str, platform: str, build: str) -> None:
    found = builds.default_on_pypi(torch, platform)
    assert found is not None
    assert found.build == build


def test_index_labels() -> None:
    assert builds.build_exists("cu130")
    assert not builds.build_exists("cu131")
    assert builds.nearest_builds("cu131") == ("cu130", "cu132")
    assert builds.nearest_builds("cu122") == ("cu121", "cu124")
    assert builds.nearest_builds("cu92") == ("cu92",)
    assert builds.nearest_builds("banana") == ()
    assert builds.newest("macos-x86_64") == "2.2.2"
    assert builds.newest("linux-x86_64", "cp310") == "2.14.1"

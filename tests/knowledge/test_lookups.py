"""Questions that machines ask, and the answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchsmith.knowledge import archs, causes, companions, drivers, gpus, libraries, load, third_party, toolkits
from torchsmith.knowledge import torch_releases as releases
from torchsmith.model.versions import key

NAMES = [
    ("NVIDIA GeForce RTX 5070 Ti", "GeForce RTX 5070 Ti", 120),
    ("NVIDIA Corporation GB203 [GeForce RTX 5070 Ti] (rev a1)", "GeForce RTX 5070 Ti", 120),
    ("rtx5070ti", "GeForce RTX 5070 Ti", 120),
    ("RTX 4090", "GeForce RTX 4090", 89),
    ("NVIDIA GeForce RTX 4090 Laptop GPU", "GeForce RTX 4090 Laptop GPU", 89),
    ("NVIDIA GeForce RTX 3060 Laptop GPU", "GeForce RTX 3060 Laptop GPU", 86),
    ("GeForce RTX 3060 Mobile / Max-Q", "GeForce RTX 3060 Laptop GPU", 86),
    ("NVIDIA GeForce GTX 1080 Ti", "GeForce GTX 1080 Ti", 61),
    ("GeForce GTX TITAN X", "GeForce GTX TITAN X", 52),
    ("NVIDIA TITAN X (Pascal)", "TITAN X (Pascal)", 61),
    ("Tesla V100-SXM2-16GB", "Tesla V100", 70),
    ("GRID V100D-32Q", "Tesla V100", 70),
    ("GRID A100D-80C", "A100", 80),
    ("NVIDIA A100-SXM4-80GB", "A100", 80),
    ("NVIDIA A30 MIG 1g.6gb", "A30", 80),
    ("NVIDIA H100 80GB HBM3", "H100 SXM5", 90),
    ("NVIDIA H100 PCIe", "H100 PCIe", 90),
    ("Quadro RTX 6000", "Quadro RTX 6000", 75),
    ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada Generation", 89),
    ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "RTX PRO 6000 Blackwell Workstation Edition", 120),
    ("NVIDIA GB10", "GB10 (DGX Spark)", 121),
    ("NVIDIA Thor", "Jetson AGX Thor", 110),
    ("Orin (nvgpu)", "Jetson AGX Orin", 87),
    ("Tesla K80", "Tesla K80", 37),
    ("AD102", None, 89),
]


@pytest.mark.parametrize(("text", "name", "sm"), NAMES)
def test_gpu_by_name(text: str, name: str | None, sm: int) -> None:
    found = gpus.by_name(text)
    assert found is not None
    assert (found.name, found.sm) == (name, sm)


@pytest.mark.parametrize("text", ["", "NVIDIA", "GeForce RTX 3090 Tii", "AMD Radeon RX 7900 XTX", "Intel Arc A770", "()[]"])
def test_gpu_name_that_is_not_certain(text: str) -> None:
    assert gpus.by_name(text) is None


def test_every_listed_name_finds_itself() -> None:
    for row in load.table("gpus").rows:
        found = gpus.by_name(f"NVIDIA {row['name']}")
        assert found is not None
        assert found.sm == row["sm"], row["name"]


@given(st.text(max_size=60))
def test_any_text_may_be_a_gpu_name(text: str) -> None:
    gpus.by_name(text)


def test_mistyped_gpu_name() -> None:
    assert gpus.nearest("GeForce RTX 3090 Tii")[0] == "GeForce RTX 3090 Ti"


@pytest.mark.parametrize(
    ("device_id", "name", "sm"),
    [
        (0x2C05, "GeForce RTX 5070 Ti", 120),
        (0x1DB1, "Tesla V100", 70),
        (0x2C7E, None, 120),
        (0x2E12, "GB10 (DGX Spark)", 121),
    ],
)
def test_gpu_by_pci(device_id: int, name: str | None, sm: int) -> None:
    found = gpus.by_pci(device_id)
    assert found is not None
    assert (found.name, found.sm) == (name, sm)


@pytest.mark.parametrize("device_id", [0, 0x1385, 0x9999, 0xFFFF])
def test_pci_id_that_tells_nothing(device_id: int) -> None:
    assert gpus.by_pci(device_id) is None


@pytest.mark.parametrize(
    ("version", "windows", "cuda"),
    [
        ("581.57", True, "13.0"),
        ("596.49", True, "13.2"),
        ("616.92", True, "13.4"),
        ("576.57", True, "12.9"),
        ("528.33", True, "12.0"),
        ("535.183.01", False, "12.2"),
        ("570.124.06", False, "12.8"),
        ("580.95.05", False, "13.0"),
        ("470.256.02", False, "11.4"),
        ("450.80.02", False, "11.0"),
        ("640.10", False, None),
        ("700.10", True, None),
        ("390.157", False, None),
        ("", False, None),
    ],
)
def test_cuda_of_a_driver(version: str, windows: bool, cuda: str | None) -> None:
    assert drivers.max_cuda(version, windows=windows) == cuda


def test_driver_newer_than_the_table_is_judged_by_a_lower_bound() -> None:
    found = drivers.branch_at_least("640.10", windows=False)
    assert found is not None
    assert found.name == drivers.branches()[-1].name
    assert drivers.runs("640.10", "13.2", windows=False)
    assert drivers.branch_at_least("390.157", windows=False) is None


@given(st.text(max_size=12), st.booleans())
def test_any_text_may_be_a_driver_version(text: str, windows: bool) -> None:
    drivers.branch(text, windows=windows)
    drivers.serves(text, 86, windows=windows)
    drivers.runs(text, text, windows=windows)


@given(st.integers(440, 640), st.integers(440, 640), st.sampled_from(["11.8", "12.1", "12.6", "12.8", "13.0", "13.2"]))
def test_a_newer_driver_runs_no_less(one: int, other: int, cuda: str) -> None:
    older, newer = sorted((one, other))
    assert drivers.runs(f"{newer}.99", cuda, windows=False) or not drivers.runs(f"{older}.99", cuda, windows=False)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (drivers.floor(12, windows=False), "525.60.13"),
        (drivers.floor(12, windows=True), "528.33"),
        (drivers.floor(10, windows=True), None),
        (drivers.needed("10.1.243", windows=False), "418.39"),
        (drivers.needed("10.2", windows=True), "441.22"),
        (drivers.needed("12.6", windows=False), "525.60.13"),
        (drivers.needed("7.5", windows=False), None),
        (drivers.first_for("12.8", windows=True), "570.65"),
        (drivers.first_for("12.8", windows=False), "570.26"),
        (drivers.first_for("13.0", windows=True), "580"),
        (drivers.first_for("99.0", windows=True), None),
        (drivers.floor_for_sm(120, windows=False), "570.26"),
        (drivers.floor_for_sm(120, windows=True), "570.65"),
        (drivers.floor_for_sm(121, windows=False), "580"),
        (drivers.last_branch_for_sm(37), "470"),
        (drivers.last_branch_for_sm(61), "580"),
        (drivers.last_branch_for_sm(70), "580"),
        (drivers.last_branch_for_sm(75), None),
    ],
)
def test_driver_floors(answer: str | None, expected: str | None) -> None:
    assert answer == expected


@pytest.mark.parametrize(
    ("code", "device", "cuda", "runs"),
    [
        ("sm_86", 89, "12.8", True),
        ("sm_86", 86, None, True),
        ("sm_89", 86, "12.8", False),
        ("sm_90", 100, "12.8", False),
        ("sm_90", 120, "12.8", False),
        ("sm_120", 121, "12.8", True),
        ("sm_100", 120, "12.8", False),
        ("sm_80", 87, "12.6", False),
        ("sm_80", 87, "13.2", True),
        ("sm_60", 62, "12.6", False),
        ("sm_60", 61, "12.6", True),
        ("sm_70", 75, "12.6", True),
        ("sm_110", 101, "13.0", True),
        ("sm_90a", 90, "12.4", True),
        ("sm_100a", 103, "12.9", False),
        ("sm_100f", 103, "12.9", True),
        ("sm_120f", 121, "12.9", True),
        ("sm_121f", 120, "12.9", False),
        ("sm_banana", 90, "12.9", False),
    ],
)
def test_machine_code_runs_on(code: str, device: int, cuda: str | None, runs: bool) -> None:
    assert archs.sass_runs_on(code, device, cuda) is runs


@pytest.mark.parametrize(
    ("code", "device", "runs"),
    [
        ("compute_90", 120, True),
        ("compute_90", 90, True),
        ("compute_90", 89, False),
        ("compute_90a", 100, False),
        ("compute_120f", 121, True),
        ("compute_100f", 120, False),
    ],
)
def test_ptx_runs_on(code: str, device: int, runs: bool) -> None:
    assert archs.ptx_runs_on(code, device) is runs


@given(st.sampled_from([row["sm"] for row in load.table("cuda_archs").rows]))
def test_code_runs_on_its_own_device(sm: int) -> None:
    assert archs.sass_runs_on(f"sm_{sm}", sm)
    assert archs.sass_runs_on(f"sm_{sm}a", sm)
    assert archs.sass_runs_on(f"sm_{sm}f", sm)
    assert archs.ptx_runs_on(f"compute_{sm}", sm)


def test_toolkit_ranges() -> None:
    assert archs.toolkit_range(120) == ("12.8", None)
    assert archs.toolkit_range(70) == ("9.0", "12.9")
    assert archs.toolkit_range(85) is None
    assert archs.architecture(121) == "Blackwell"


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("12.8", "12.8.0"),
        ("12.8.1", "12.8.1"),
        ("12.8.93", "12.8.2"),
        ("12.6.3", "12.6.3"),
        ("12.7", None),
        ("13", None),
        ("", None),
    ],
)
def test_toolkit(asked: str, version: str | None) -> None:
    found = toolkits.get(asked)
    assert (found.version if found else None) == version


def test_toolkit_limits() -> None:
    found = toolkits.get("12.8")
    assert found is not None
    assert (found.sass_min, found.sass_max, found.gcc_max) == (50, 120, "14")
    first = toolkits.first_knowing(120)
    assert first is not None
    assert first.version == "12.8.0"


def test_releases() -> None:
    assert "cp315" in releases.python_tags("2.15.0", "windows")
    assert releases.python_tags("1.0.0", "windows") == ()
    assert releases.releases_for_python("cp315", "linux-x86_64") == ("2.15.0",)
    assert releases.newest() == releases.known()[-1] == max(releases.known(), key=key)
    assert releases.glibc("2.15.0", "linux-x86_64") == "2.28"
    assert releases.glibc("2.6.0", "linux-x86_64") == "2.16"
    assert releases.glibc("2.15.0", "windows") is None
    assert releases.manylinux("2.15.0", "linux-aarch64") == "manylinux_2_28_aarch64"


@pytest.mark.parametrize(
    ("torch", "windows", "tag", "major"),
    [
        ("2.2.2", False, "cp312", 1),
        ("2.3.0", False, "cp312", 2),
        ("2.3.0", True, "cp312", 1),
        ("2.3.0", False, "cp38", 1),
        ("1.0", False, None, None),
    ],
)
def test_numpy_major(torch: str, windows: bool, tag: str | None, major: int | None) -> None:
    assert releases.numpy_abi(torch, windows=windows, python_tag=tag) == major


def test_companions() -> None:
    found = companions.for_torch("2.14.1+cu126")
    assert found is not None
    assert (found.torchvision, found.torchaudio, found.triton_spec) == ("0.29.1", "2.11.0", "~=3.8.0")
    assert companions.torch_for("torchvision", "0.29.2+cu132") == ">=2.14.0"
    assert companions.torch_for("torchaudio", "2.11.0") == ""
    assert companions.torch_for("torchvision", "9.9") is None


@pytest.mark.parametrize(
    ("file", "major", "platform", "package"),
    [
        ("libcudnn.so.9", 12, "linux-x86_64", "nvidia-cudnn-cu12"),
        ("libcudnn.so.9", None, "linux-x86_64", None),
        ("libcublas.so.12", None, "linux-aarch64", "nvidia-cublas-cu12"),
        ("libcublas.so.13", 13, "linux-x86_64", "nvidia-cublas"),
        ("CUDNN64_9.dll", 13, "windows", "nvidia-cudnn-cu13"),
        ("libbanana.so.1", None, "linux-x86_64", None),
    ],
)
def test_library_provider(file: str, major: int | None, platform: str, package: str | None) -> None:
    assert libraries.provider(file, major, platform) == package


def test_cudnn_major() -> None:
    assert libraries.cudnn_major_for_torch("2.3.1") == 8
    assert libraries.cudnn_major_for_torch("2.4.0+cu121") == 9
    assert libraries.cudnn_major_for_torch("0.1") is None
    assert libraries.bundled_with_torch("cudnn64_9.dll", 13)


@pytest.mark.parametrize(
    ("package", "version", "cudnn", "cuda", "spec"),
    [
        ("ctranslate2", "3.24.0", 8, 11, None),
        ("ctranslate2", "4.4.0", 8, 12, None),
        ("ctranslate2", "4.5.0", 9, 12, None),
        ("ctranslate2", "4.8.5", None, 12, None),
        ("whisperx", "3.4.2", None, None, ">=2.5.1"),
        ("onnxruntime-gpu", "1.26.0", 9, 12, None),
        ("onnxruntime-gpu", "1.27.0", 9, 13, None),
        ("xformers", "0.0.33.post1", None, None, "==2.9.0"),
        ("xformers", "0.0.33.post2", None, None, "==2.9.1"),
        ("flash_attn", "2.8.3", None, None, ">=2.2"),
    ],
)
def test_third_party(package: str, version: str, cudnn: int | None, cuda: int | None, spec: str | None) -> None:
    found = third_party.requirement(package, version)
    assert found is not None
    assert (found.cudnn_major, found.cuda_major, found.torch_spec) == (cudnn, cuda, spec)


def test_third_party_not_listed() -> None:
    assert third_party.requirement("requests", "2.0") is None
    assert third_party.requirement("ctranslate2", "1.0.0") is None
    assert third_party.requirement("ctranslate2", "banana") is None


def test_causes() -> None:
    found = causes.get("driver-too-old-for-cuda")
    assert found is not None
    assert found.tellable_by == "text"
    assert causes.get("banana") is None
    assert len(causes.slugs()) == len(set(causes.slugs()))

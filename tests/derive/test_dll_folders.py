"""Which folders torch and other packages add on Windows, read from their own sources."""

from __future__ import annotations

import pytest
from tests.lab import foreign
from tests.lab.fixtures import have

from torchsmith.derive import dll_folders
from torchsmith.derive.dll_folders import Places, brings, conda_adds, package_adds, start, torch_adds
from torchsmith.model.windows_process import ALTERED, BESIDE, STANDARD, Added, Start

TORCH = "C:/venv/Lib/site-packages/torch"
PLACES = Places("C:/venv", "C:/base", "C:/users/me")
OLD = "py_dll_path th_dll_path base_py_dll_path NVTOOLSEXT_PATH CUDA_PATH_V"
NEW = f"{OLD} usebase_path py_root_bin_path"
WITHOUT_NVTX = NEW.replace("NVTOOLSEXT_PATH", "")
PROGRAMS = "C:/Program Files"
ALL = {
    f"{TORCH}/lib": ["c10.dll"],
    "C:/venv/Library/bin": [],
    "C:/base/Library/bin": [],
    "C:/users/me/Library/bin": [],
    "C:/venv/bin": [],
    f"{PROGRAMS}/NVIDIA Corporation/NvToolsExt/bin/x64": [],
    f"{PROGRAMS}/NVIDIA GPU Computing Toolkit/CUDA/v13.0/bin": [],
    "D:/cuda/bin": [],
}
OWN = [f"{TORCH}/lib", "C:/venv/Library/bin", "C:/base/Library/bin"]
MORE = ["C:/users/me/Library/bin", "C:/venv/bin"]
NVTX, CUDA = list(ALL)[5], list(ALL)[6]


@pytest.mark.parametrize(
    ("source", "cuda", "files", "variables", "folders"),
    [
        (OLD, None, {}, (), [*OWN, NVTX]),
        (NEW, None, {}, (), [*OWN, *MORE, NVTX]),
        (WITHOUT_NVTX, None, {}, (), [*OWN, *MORE]),
        (OLD, "13.0", {}, (), [*OWN, NVTX, CUDA]),
        (OLD, "13.0", {f"{TORCH}/lib": ["cudart64_13.dll", "nvToolsExt64_1.dll"]}, (), OWN),
        (OLD, "13.0", {"C:/base/Library/bin": ["CUDART64_12.DLL"]}, (), [*OWN, NVTX]),
        (WITHOUT_NVTX, "13.0", {}, (("cuda_path_v13_0", r"D:\cuda"),), [*OWN, *MORE, "D:/cuda/bin"]),
        (WITHOUT_NVTX, "13.0", {}, (("CUDA_PATH_V12_8", r"D:\cuda"),), [*OWN, *MORE, CUDA]),
        (WITHOUT_NVTX, "12.8", {}, (), [*OWN, *MORE]),
    ],
)
def test_what_torch_adds(
    source: str, cuda: str | None, files: dict[str, list[str]], variables: tuple[tuple[str, str], ...], folders: list[str]
) -> None:
    places = Places(PLACES.prefix, PLACES.base_prefix, PLACES.user_base, variables)
    assert list(torch_adds(source, TORCH, cuda, places, ALL | files)) == folders


def test_an_environment_of_its_own_has_no_base() -> None:
    places = Places("C:/venv", "C:/venv")
    assert list(torch_adds(NEW, TORCH, None, places, ALL)) == [f"{TORCH}/lib", "C:/venv/Library/bin", "C:/venv/bin", NVTX]


def test_what_packages_add() -> None:
    site = "C:/v/Lib/site-packages"
    names = (
        "numpy",
        "numpy.libs",
        "ctranslate2",
        "torchvision",
        "pywin32_system32",
        "_rocm_sdk_core/bin",
        "a/b.libs",
        "nvidia/cudnn/bin",
    )
    folders = [f"{site}/{name}" for name in names] + ["C:/v/x64/vc17/bin", "C:/other.libs"]
    assert package_adds(site, folders) == (
        Added(f"{site}/numpy.libs", "numpy"),
        Added(f"{site}/ctranslate2", "ctranslate2"),
        Added(f"{site}/torchvision", "torchvision"),
        Added(f"{site}/pywin32_system32", "pywin32"),
        Added(f"{site}/_rocm_sdk_core/bin", "ctranslate2"),
    )
    opencv = "C:/v/Lib/x64/vc17/bin"
    assert package_adds(site, [opencv]) == (Added(opencv, "opencv"),)


@pytest.mark.online
def test_a_mended_wheel_says_so_itself() -> None:
    site = have(foreign.windows)
    folders = [str(path) for path in site.iterdir() if path.is_dir()]
    adding = {added.by for added in package_adds(str(site), folders)}
    saying = {path.parent.name for path in site.glob("*/__init__.py") if "add_dll_directory" in path.read_text("utf-8")}
    assert "numpy" in adding
    assert adding - {"torchvision"} == saying


@pytest.mark.parametrize(
    ("path", "python", "conda", "torch", "wanted"),
    [
        ("C:/s/x.pyd", (3, 12), False, None, Start("C:/s/x.pyd", BESIDE)),
        ("C:/s/x.pyd", (3, 7), False, None, Start("C:/s/x.pyd", ALTERED)),
        ("C:/s/x.pyd", (3, 9), True, None, Start("C:/s/x.pyd", ALTERED)),
        ("C:/s/x.pyd", (3, 10), True, None, Start("C:/s/x.pyd", BESIDE)),
        ("C:/s/x.exe", (3, 12), False, None, Start("C:/s/x.exe", STANDARD)),
        (
            "C:/s/torch/lib/c10.dll",
            (3, 12),
            False,
            ("C:/s/torch/lib",),
            Start("C:/s/torch/lib/c10.dll", BESIDE, ("C:/s/torch/lib",)),
        ),
        ("C:/s/torch/_C.pyd", (3, 12), False, ("C:/s/torch/lib",), Start("C:/s/torch/_C.pyd", BESIDE)),
        ("C:/s/onnxruntime_providers_cuda.dll", (3, 12), False, None, Start("C:/s/onnxruntime_providers_cuda.dll", ALTERED)),
    ],
)
def test_how_files_are_loaded(
    path: str, python: tuple[int, int], conda: bool, torch: tuple[str, ...] | None, wanted: Start
) -> None:
    assert start(path, python, conda=conda, torch_added=torch) == wanted


def test_conda_and_what_python_brings() -> None:
    assert [added.folder for added in conda_adds("C:/c", (3, 12))] == [f"C:/c/{f}" for f in reversed(dll_folders.CONDA)]
    assert conda_adds("C:/c", (3, 9)) == ()
    assert brings((3, 12)) == ("python312.dll", "python3.dll", "vcruntime140.dll", "vcruntime140_1.dll")
    assert brings((3, 8)) == ("python38.dll", "python3.dll", "vcruntime140.dll")
    assert brings((3, 13), free_threaded=True) == ("python313t.dll", "vcruntime140.dll", "vcruntime140_1.dll")

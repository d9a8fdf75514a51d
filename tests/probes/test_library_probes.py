"""The parsers of the library probes, and their fetching on folders made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchsmith.host.local import LocalHost
from torchsmith.model.facts.libraries import Loaded, LoadedLibraries, TorchLibraries, WheelClash
from torchsmith.model.facts.python import Interpreter, Package, Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Known
from torchsmith.model.paths import joined, normal
from torchsmith.probes import (
    cuda_consumers,
    loadable_files,
    loader_paths,
    openmp_runtimes,
    torch_libraries,
    torch_requirements,
    wheel_clashes,
)
from torchsmith.probes.library_versions import library_versions

OLD_METADATA = """\
Metadata-Version: 2.1
Requires-Dist: filelock
Requires-Dist: nvidia-cudnn-cu12 (==8.9.2.26) ; platform_system == "Linux" and platform_machine == "x86_64"
Requires-Dist: opt-einsum (>=3.3) ; extra == 'opt-einsum'
"""
NEW_METADATA = """\
Requires-Dist: cuda-toolkit[cublas,nvrtc]==13.0.3; platform_system == "Linux"
Requires-Dist: cuda-bindings<14,>=13.0.3; platform_system == "Linux" and python_version < "3.15"
Requires-Dist: nvidia-cudnn-cu13==9.24.0.43; platform_system == "Linux"
"""
TOOLKIT = """\
Requires-Dist: nvidia-cublas==13.1.1.3.*; (sys_platform == 'linux' or sys_platform == 'win32') and extra == 'cublas'
Requires-Dist: nvidia-cufft==12.0.0.61.*; sys_platform == 'linux' and extra == 'cufft'
Requires-Dist: nvidia-nvjitlink<14,>=13.0.88; sys_platform == 'linux' and extra == 'nvrtc'
"""


def test_pins_of_both_metadata_forms() -> None:
    old, parts = torch_requirements.parse(OLD_METADATA, "linux")
    assert [(r.name, r.pin) for r in old] == [("nvidia-cudnn-cu12", "8.9.2.26")]
    assert not parts
    new, parts = torch_requirements.parse(NEW_METADATA, "linux")
    assert [(r.name, r.pin) for r in new] == [("cuda-toolkit", "13.0.3"), ("nvidia-cudnn-cu13", "9.24.0.43")]
    toolkit, _ = torch_requirements.parse(TOOLKIT, "linux", parts)
    assert [(r.name, r.pin) for r in toolkit] == [("nvidia-cublas", "13.1.1.3"), ("nvidia-nvjitlink", "")]


def test_requirements_of_another_system_do_not_count() -> None:
    assert torch_requirements.parse(NEW_METADATA, "windows") == ([], frozenset())


INIT_2_2 = """
def _load_global_deps():
    try:
        ctypes.CDLL(lib_path)
    except OSError as err:
        cuda_libs = {
            'cublas': 'libcublas.so.*[0-9]',
            'cudnn': 'libcudnn.so.*[0-9]',
        }
if x:
"""
INIT_2_6 = """
def _load_global_deps():
    try:
        ctypes.CDLL(lib_path)
        if "nvidia/cuda_runtime/lib/libcudart.so" not in _maps:
            return
        _preload_cuda_deps("cuda_nvrtc", "libnvrtc.so.*[0-9]")
        _preload_cuda_deps("nvjitlink", "libnvJitLink.so.*[0-9]")
    except OSError as err:
        cuda_libs = {
            "cublas": "libcublas.so.*[0-9]",
        }
if x:
"""
INIT_2_14 = """
def _preload_cuda_deps(err=None, required=True):
    cuda_libs = [
        ("cublas", "libcublasLt.so.*[0-9]"),
        ("cudnn", "libcudnn.so.*[0-9]"),
    ]
def _load_global_deps():
    try:
        ctypes.CDLL(lib_path)
        if "libcudart.so" not in _maps:
            return
        _preload_cuda_deps(required=False)
    except OSError as err:
        _preload_cuda_deps(err)
if x:
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (INIT_2_2, ([], "", [("cublas", "libcublas.so"), ("cudnn", "libcudnn.so")])),
        (
            INIT_2_6,
            (
                [("cuda_nvrtc", "libnvrtc.so"), ("nvjitlink", "libnvJitLink.so")],
                "nvidia/cuda_runtime/lib/libcudart.so",
                [("cublas", "libcublas.so")],
            ),
        ),
        (
            INIT_2_14,
            (
                [("cublas", "libcublasLt.so"), ("cudnn", "libcudnn.so")],
                "libcudart.so",
                [("cublas", "libcublasLt.so"), ("cudnn", "libcudnn.so")],
            ),
        ),
        ("nothing of the kind", ([], "", [])),
    ],
)
def test_what_torch_opens_itself(source: str, expected: object) -> None:
    assert torch_libraries.parse_preloads(source) == expected


def test_rpath_folders() -> None:
    assert loadable_files.folders("$ORIGIN:${ORIGIN}/../../nvidia/x/lib::/abs", "/s/torch/lib", "/here") == (
        "/s/torch/lib",
        "/s/nvidia/x/lib",
        "/here",
        "/abs",
    )
    assert loadable_files.folders(None, "/s", "/here") is None


def test_a_runpath_takes_the_rpath_away() -> None:
    parsed = loadable_files.parse("/s/l.so", {"rpath": "/a", "runpath": "/b", "needed": ["x"]}, "/")
    assert (parsed.rpath, parsed.runpath) == (None, ("/b",))


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("", ()),
        ("/a:/b", ("/a", "/b")),
        ("/a;/b/", ("/a", "/b")),
        ("/a::rel", ("/a", "/here", "/here/rel")),
        ("/a:/x/../a", ("/a",)),
    ],
)
def test_library_path(text: str, folders: tuple[str, ...]) -> None:
    assert loader_paths.parse(text, "", "/here", "x86_64").library_path == folders


def test_windows_folders_in_order() -> None:
    python = Interpreter(r"C:\v\Scripts\python.exe", "3.12.1", r"C:\v", r"C:\Py", 64, "AMD64", "win32", "venv", (), ())
    torch = Torch(r"C:\v\Lib\site-packages\torch", "2.9.0+cpu", "cpu", "cpu")
    found = loader_paths.parse_windows(r"C:\Windows", r"C:\a;;D:\b\ ".strip(), python, torch)
    assert found.default[:3] == ("C:/v/Lib/site-packages/torch/lib", "C:/Py", "C:/v/Library/bin")
    assert found.default[-1] == found.system == "C:/Windows/System32"
    assert found.library_path == ("C:/a", "D:/b")


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/a/b/../c", "/a/c"),
        ("/a//b/./c/", "/a/b/c"),
        ("/../a", "/a"),
        ("/", "/"),
        ("a/../..", ".."),
        ("./a", "a"),
        (r"C:\a\..\b", "C:/b"),
        ("/a/.hidden/x..y", "/a/.hidden/x..y"),
    ],
)
def test_normal_paths(path: str, clean: str) -> None:
    assert normal(path) == clean


def test_joined_keeps_absolute_names() -> None:
    assert (joined("/a", "b"), joined("/a", "/b"), joined("/a", ".")) == ("/a/b", "/b", "/a")


def test_openmp_names() -> None:
    names = ["libiomp5md.dll", "libiompstubs5md.dll", "libomp.dylib", "libgomp.so.1", "libomptarget.so"]
    assert [found.family for found in openmp_runtimes.parse("/x", "torch", names)] == ["intel", "llvm"]


def test_whose_copy_of_a_library_is_there(tmp_path: Path) -> None:
    library = tmp_path / "nvidia/nccl/lib/libnccl.so.2"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"12345")
    packages = []
    for suffix, size in (("cu11", 5), ("cu12", 7)):
        info = tmp_path / f"nvidia_nccl_{suffix}-2.0.dist-info"
        info.mkdir()
        (info / "RECORD").write_text(
            f"nvidia/nccl/lib/libnccl.so.2,sha256=x,{size}\nnvidia/__init__.py,sha256=y,1\n{info.name}/RECORD,,\n"
        )
        packages.append(Package(f"nvidia-nccl-{suffix}", "2.0", str(tmp_path), str(info)))
    alone = Package("nvidia-cublas-cu12", "12.1", str(tmp_path), "")
    torch = Torch(str(tmp_path / "torch"), "2.4.0+cu121", "cuda", "cu121", "12.1")
    found = wheel_clashes.wheel_clashes(LocalHost(), torch, Packages((*packages, alone)))
    assert isinstance(found, Known)
    expected = WheelClash(
        "nvidia-nccl", (("nvidia-nccl-cu11", "2.0"), ("nvidia-nccl-cu12", "2.0")), 1, ((str(library), "nvidia-nccl-cu11"),)
    )
    assert found.value.clashes == (expected,)


def test_the_cudnn_that_a_ctranslate2_wheel_was_made_for(tmp_path: Path) -> None:
    (tmp_path / "ctranslate2.libs").mkdir()
    (tmp_path / "ctranslate2.libs/libcudnn-463fd6d5.so.8.9.7").write_bytes(b"")
    wheel = tmp_path / "nvidia/cudnn/lib"
    wheel.mkdir(parents=True)
    (wheel / "libcudnn_ops_infer.so.8").write_bytes(b"")
    packages = Packages((Package("ctranslate2", "4.4.0", str(tmp_path)),))
    libraries = TorchLibraries((), (), nvidia_folders=(str(wheel),))
    paths = loader_paths.parse("", "", str(tmp_path), "x86_64")
    found = cuda_consumers.cuda_consumers(LocalHost(), packages, paths, libraries)
    assert isinstance(found, Known)
    (consumer,) = found.value.consumers
    assert consumer.needs == ("libcudnn_ops_infer.so.8",)
    assert dict(consumer.in_wheels) == {"libcudnn_ops_infer.so.8": f"{wheel}/libcudnn_ops_infer.so.8"}


def test_versions_are_read_only_where_two_files_stand_against_each_other(tmp_path: Path) -> None:
    toolkit = tmp_path / "toolkit"
    toolkit.mkdir()
    (toolkit / "libcublas.so.12.1.3.1").write_bytes(b"")
    (toolkit / "libcublas.so.12").symlink_to("libcublas.so.12.1.3.1")
    site = tmp_path / "lib/python3.12/site-packages"
    (site / "nvidia/cublas/lib").mkdir(parents=True)
    (site / "nvidia_cublas_cu12-12.4.5.8.dist-info").mkdir()
    own = site / "nvidia/cublas/lib/libcublas.so.12"
    own.write_bytes(b"")
    contested = Loaded("libcublas.so.12", str(toolkit / "libcublas.so.12"), "LD_LIBRARY_PATH", others=(str(own),))
    alone = Loaded("libcufft.so.11", str(own), "RPATH")
    found = library_versions(LocalHost(), LoadedLibraries((contested, alone)), TorchLibraries((), ()))
    assert isinstance(found, Known)
    assert [(v.version, v.source) for v in found.value.versions] == [("12.1.3.1", "name"), ("12.4.5.8", "wheel")]

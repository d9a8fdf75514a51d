"""The library rules on tables of facts: at least one machine where a rule speaks, and a near miss where it is silent."""

from __future__ import annotations

from typing import Any

import pytest

from torchsmith.derive.windows_loader import load
from torchsmith.model.action import Install, InstallTorch, SetVariable, Uninstall, UnsetVariable
from torchsmith.model.facts.gpu import Device, Gpus
from torchsmith.model.facts.libraries import (
    CudaConsumer,
    CudaConsumers,
    LibraryVersion,
    LibraryVersions,
    Loaded,
    LoadedLibraries,
    LoaderPaths,
    OpenmpRuntime,
    OpenmpRuntimes,
    SharedObject,
    TorchLibraries,
    TorchRequirement,
    TorchRequirements,
    WheelClash,
    WheelClashes,
)
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter, Package, Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Severity
from torchsmith.model.known import Unknown
from torchsmith.rules.libraries import (
    conda_mkl_2024_1,
    conflicting_dll_on_path,
    cudnn_major_mismatch,
    cudnn_not_on_loader_path,
    duplicate_openmp_runtime,
    fbgemm_libomp140_missing,
    ld_library_path_shadowing,
    libstdcxx_too_old,
    missing_cuda_runtime_lib,
    missing_cudnn,
    mixed_nvidia_wheels,
    msvc_redist_missing,
    nccl_mismatch,
    split_lib_lib64_venv,
    two_cuda_runtimes,
)

SITE = "/v/lib/python3.12/site-packages"
LINUX, WINDOWS = Machine("linux", "x86_64"), Machine("windows", "x86_64")
TORCH = Torch(f"{SITE}/torch", "2.14.1+cu130", "cuda", "cu130", "13.0")
OLD_TORCH = Torch(f"{SITE}/torch", "2.2.2+cu121", "cuda", "cu121", "12.1")
PINS = TorchRequirements((TorchRequirement("nvidia-cudnn-cu13", "==9.24.0.43"), TorchRequirement("nvidia-nccl-cu13", "==2.30.7")))
HAVE = Packages((Package("nvidia-cudnn-cu13", "9.24.0.43", SITE), Package("nvidia-nccl-cu13", "2.30.7", SITE)))
NOTHING = TorchLibraries((), ())
GPUS = Gpus((Device(0, "NVIDIA GeForce RTX 4090", 89),))
NONE = Packages(())


def interpreter(kind: str = "venv", prefix: str = "/v") -> Interpreter:
    return Interpreter(f"{prefix}/bin/python", "3.12.1", prefix, prefix, 64, "x86_64", "linux", kind, (SITE,), (SITE,))


def loaded(*objects: Loaded) -> LoadedLibraries:
    return LoadedLibraries(objects)


def missing(name: str, by: str = "libtorch_cuda.so", *, later: bool = False) -> Loaded:
    return Loaded(name, "", "", (f"{SITE}/torch/lib/{by}",), later)


def only(findings: Any) -> Finding:
    found: list[Finding] = list(findings)
    assert len(found) == 1, found
    return found[0]


def silent(findings: Any) -> None:
    assert list(findings) == []


# missing-cudnn, missing-cuda-runtime-lib


def test_missing_cudnn_reinstalls_the_pinned_wheel() -> None:
    found = only(missing_cudnn.check(LINUX, TORCH, loaded(missing("libcudnn.so.9")), NOTHING, PINS, HAVE))
    assert found.severity is Severity.BLOCKER
    assert "`import torch` fails" in found.summary
    assert found.remedies[0].actions == (Install(("nvidia-cudnn-cu13==9.24.0.43",), reinstall=True),)
    assert any("recorded as installed, but its files are gone" in str(proof.value) for proof in found.evidence)


def test_missing_parts_are_all_named() -> None:
    parts = [missing(f"libcudnn_{part}.so.9", "libcudnn.so.9", later=True) for part in ("ops", "cnn")]
    found = only(missing_cudnn.check(LINUX, TORCH, loaded(*parts), NOTHING, PINS, HAVE))
    assert "libcudnn_ops.so.9, libcudnn_cnn.so.9 are missing" in found.summary


@pytest.mark.parametrize("name", ["libcuda.so.1", "libcublas.so.13", "libtorch_cuda.so"])
def test_other_missing_libraries_are_not_cudnn(name: str) -> None:
    silent(missing_cudnn.check(LINUX, TORCH, loaded(missing(name)), NOTHING, PINS, HAVE))


def test_cudnn_that_lies_in_another_tree_is_not_missing() -> None:
    there = TorchLibraries((SharedObject("/v/lib64/x/nvidia/cudnn/lib/libcudnn.so.9", "elf"),), ())
    silent(missing_cudnn.check(LINUX, TORCH, loaded(missing("libcudnn.so.9")), there, PINS, HAVE))


def test_all_missing_cuda_libraries_are_named_with_wheel_and_asker() -> None:
    lost = loaded(missing("libcublas.so.13"), missing("libnccl.so.2"), missing("libcuda.so.1", later=True))
    found = only(missing_cuda_runtime_lib.check(LINUX, TORCH, lost, NOTHING, PINS, HAVE))
    said = " ".join(str(proof.value) for proof in found.evidence)
    assert "libcublas.so.13 (nvidia-cublas), needed by libtorch_cuda.so" in said
    assert "libnccl.so.2 (nvidia-nccl-cu13)" in said
    assert "libcuda" not in said
    assert found.remedies[0].actions == (Install(("nvidia-cublas", "nvidia-nccl-cu13==2.30.7"), reinstall=True),)


def test_the_drivers_library_and_cudnn_belong_to_others() -> None:
    lost = loaded(missing("libcuda.so.1", later=True), missing("libcudnn.so.9"), missing("libnvidia-ml.so.1"))
    silent(missing_cuda_runtime_lib.check(LINUX, TORCH, lost, NOTHING, PINS, HAVE))


def test_a_build_that_carries_cuda_inside_is_reinstalled_itself() -> None:
    torch = Torch(f"{SITE}/torch", "2.0.1+cu118", "cuda", "cu118", "11.8")
    lost = loaded(missing("libcublas.so.11"))
    found = only(missing_cuda_runtime_lib.check(LINUX, torch, lost, NOTHING, TorchRequirements(()), NONE))
    (action,) = found.remedies[0].actions
    assert action == Install(("torch==2.0.1+cu118",), "https://download.pytorch.org/whl/cu118", reinstall=True)


# ld-library-path-shadowing

CUDNN_OWN, CUDNN_FOREIGN = f"{SITE}/nvidia/cudnn/lib/libcudnn_heuristic.so.9", "/opt/old/libcudnn_heuristic.so.9"
TRAP = LoaderPaths(("/opt/old",))


def versions(own: str, foreign: str, own_path: str = CUDNN_OWN, foreign_path: str = CUDNN_FOREIGN) -> LibraryVersions:
    return LibraryVersions((LibraryVersion(own_path, own, "symbol"), LibraryVersion(foreign_path, foreign, "symbol")))


def shadow(how: str, read: LibraryVersions, libraries: TorchLibraries = NOTHING) -> list[Finding]:
    wins = how == "LD_LIBRARY_PATH"
    path, other = (CUDNN_FOREIGN, CUDNN_OWN) if wins else (CUDNN_OWN, CUDNN_FOREIGN)
    there = loaded(Loaded("libcudnn_heuristic.so.9", path, how, (), True, (other,)))
    return list(ld_library_path_shadowing.check(LINUX, TORCH, there, read, TRAP, libraries, HAVE))


def test_an_older_cudnn_that_is_really_taken_blocks() -> None:
    found = only(shadow("LD_LIBRARY_PATH", versions("9.24.0", "9.1.0")))
    assert found.severity is Severity.BLOCKER
    assert "cuDNN 9.1.0 is taken from it instead of torch's 9.24.0" in found.summary
    assert found.remedies[0].actions == (UnsetVariable("LD_LIBRARY_PATH"),)


def test_an_older_cudnn_that_torch_passes_over_is_a_note() -> None:
    found = only(shadow("RUNPATH", versions("9.24.0", "9.1.0")))
    assert found.severity is Severity.NOTE


def test_the_same_version_is_no_shadow() -> None:
    silent(shadow("LD_LIBRARY_PATH", versions("9.24.0", "9.24.0")))


def test_the_same_file_behind_a_link_is_no_shadow() -> None:
    read = LibraryVersions((LibraryVersion(CUDNN_OWN, "", "", "/r"), LibraryVersion(CUDNN_FOREIGN, "", "", "/r")))
    silent(shadow("LD_LIBRARY_PATH", read))


def test_another_major_in_the_path_is_a_note() -> None:
    found = only(
        ld_library_path_shadowing.check(
            LINUX, TORCH, loaded(), LibraryVersions(()), TRAP, TorchLibraries((), (), beside=("/opt/old/libcudnn.so.8",)), HAVE
        )
    )
    assert found.severity is Severity.NOTE


def test_a_driver_stub_in_the_path_is_nothing() -> None:
    there = loaded(Loaded("libcuda.so.1", "/opt/old/libcuda.so.1", "LD_LIBRARY_PATH", (), True))
    silent(ld_library_path_shadowing.check(LINUX, TORCH, there, LibraryVersions(()), TRAP, NOTHING, HAVE))


def test_a_newer_nvjitlink_degrades_an_older_one_blocks() -> None:
    own, foreign = f"{SITE}/nvidia/nvjitlink/lib/libnvJitLink.so.12", "/opt/old/libnvJitLink.so.12"
    there = loaded(Loaded("libnvJitLink.so.12", foreign, "LD_LIBRARY_PATH", (), False, (own,)))
    for theirs, severity in (("12.4.127", Severity.DEGRADED), ("12.0.76", Severity.BLOCKER)):
        read = versions("12.1.105", theirs, own, foreign)
        found = only(ld_library_path_shadowing.check(LINUX, OLD_TORCH, there, read, TRAP, NOTHING, NONE))
        assert found.severity is severity


# split-lib-lib64-venv


@pytest.mark.parametrize(("place", "speaks"), [("/v/lib64/python3.12/site-packages", True), (SITE, False)])
def test_split_trees(place: str, speaks: bool) -> None:
    folder = f"{place}/nvidia/cudnn/lib"
    libraries = TorchLibraries((SharedObject(f"{folder}/libcudnn.so.9", "elf"),), (), nvidia_folders=(folder,))
    found = list(split_lib_lib64_venv.check(TORCH, interpreter(), loaded(missing("libcudnn.so.9")), libraries))
    assert bool(found) is speaks


# mixed-nvidia-wheels, nccl-mismatch

NCCL = f"{SITE}/nvidia/nccl/lib/libnccl.so.2"
NCCLS = (("nvidia-nccl-cu12", "2.19.3"), ("nvidia-nccl-cu13", "2.30.7"))


@pytest.mark.parametrize(
    ("clash", "severity"),
    [
        (WheelClash("nvidia-nccl", NCCLS, 2, ((NCCL, "nvidia-nccl-cu12"),)), Severity.BLOCKER),
        (WheelClash("nvidia-nccl", NCCLS, 2, ((NCCL, "nvidia-nccl-cu13"),)), Severity.DEGRADED),
        (WheelClash("nvidia-nccl", NCCLS, 0), Severity.NOTE),
    ],
)
def test_mixed_wheels(clash: WheelClash, severity: Severity) -> None:
    found = only(mixed_nvidia_wheels.check(TORCH, WheelClashes((clash,)), PINS, HAVE))
    assert found.severity is severity
    assert found.remedies[0].actions[0] == Uninstall(("nvidia-nccl-cu12",))
    if clash.shared:
        assert found.remedies[0].actions[1] == Install(("nvidia-nccl-cu13==2.30.7",), reinstall=True)


def test_wheels_that_torch_does_not_ask_for_are_not_its_business() -> None:
    other = WheelClash("nvidia-npp", (("nvidia-npp-cu11", "1"), ("nvidia-npp-cu12", "2")), 9)
    silent(mixed_nvidia_wheels.check(TORCH, WheelClashes((other,)), PINS, HAVE))


@pytest.mark.parametrize(("version", "severity"), [("2.19.3", Severity.BLOCKER), ("2.30.3", Severity.NOTE), ("2.31.0", None)])
def test_nccl_older_than_the_pin(version: str, severity: Severity | None) -> None:
    have = Packages((Package("nvidia-nccl-cu13", version, SITE),))
    there = loaded(Loaded("libnccl.so.2", NCCL, "RPATH"))
    found = list(nccl_mismatch.check(TORCH, PINS, have, there, LibraryVersions(())))
    assert [f.severity for f in found] == ([severity] if severity else [])


# cudnn-major-mismatch, cudnn-not-on-loader-path, two-cuda-runtimes


def consumer(needs: tuple[str, ...], **places: Any) -> CudaConsumers:
    path = f"{SITE}/ctranslate2.libs/libcudnn-463fd6d5.so.8.9.7"
    return CudaConsumers((CudaConsumer("ctranslate2", "4.4.0", path, needs, **places),))


CUDNN_9 = loaded(Loaded("libcudnn.so.9", f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9", "RPATH"))
WHISPER = Packages((Package("faster-whisper", "1.0.3", SITE),))


def test_ctranslate2_that_wants_cudnn_8_beside_cudnn_9() -> None:
    found = only(cudnn_major_mismatch.check(TORCH, consumer(("libcudnn_ops_infer.so.8",)), CUDNN_9, GPUS, WHISPER))
    assert (found.severity, found.subject) == (Severity.BLOCKER, "package:ctranslate2")
    assert found.remedies[0].actions == (Install(("ctranslate2>=4.5.0,<5",)),)
    assert any("faster-whisper" in str(proof.value) for proof in found.evidence)


def test_ctranslate2_for_the_same_major_or_with_its_own_cudnn_is_fine() -> None:
    silent(cudnn_major_mismatch.check(TORCH, consumer(("libcudnn_ops.so.9",)), CUDNN_9, GPUS, NONE))
    found = (("libcudnn_ops_infer.so.8", "/usr/lib/x86_64-linux-gnu/libcudnn_ops_infer.so.8"),)
    silent(cudnn_major_mismatch.check(TORCH, consumer(("libcudnn_ops_infer.so.8",), on_path=found), CUDNN_9, GPUS, NONE))


def test_cudnn_that_only_torch_finds() -> None:
    wheel = f"{SITE}/nvidia/cudnn/lib/libcudnn_ops.so.9"
    there = consumer(("libcudnn_ops.so.9",), in_wheels=(("libcudnn_ops.so.9", wheel),))
    found = only(cudnn_not_on_loader_path.check(there, LoaderPaths(("/x",)), GPUS))
    assert found.remedies[0].actions == (SetVariable("LD_LIBRARY_PATH", f"{SITE}/nvidia/cudnn/lib:/x"),)
    on_path = consumer(("libcudnn_ops.so.9",), in_wheels=(("libcudnn_ops.so.9", wheel),), on_path=(("libcudnn_ops.so.9", "/x"),))
    silent(cudnn_not_on_loader_path.check(on_path, LoaderPaths(("/x",)), GPUS))
    silent(cudnn_not_on_loader_path.check(there, LoaderPaths(), Gpus(())))


def test_two_majors_in_one_process() -> None:
    both = loaded(Loaded("libcublas.so.13", "/a", "RPATH"), Loaded("libcublas.so.12", "/b", "ld.so.cache", ("/x/libold.so",)))
    assert only(two_cuda_runtimes.check(TORCH, both, CudaConsumers(()), GPUS)).severity is Severity.DEGRADED
    silent(two_cuda_runtimes.check(TORCH, loaded(Loaded("libcusparse.so.12", "/a", "RPATH")), CudaConsumers(()), GPUS))


def test_a_package_for_another_major() -> None:
    onnx = CudaConsumers((CudaConsumer("onnxruntime-gpu", "1.22.0", "/p.so", ("libcublasLt.so.12", "libcufft.so.11")),))
    assert only(two_cuda_runtimes.check(TORCH, loaded(), onnx, GPUS)).subject == "package:onnxruntime-gpu"
    silent(two_cuda_runtimes.check(OLD_TORCH, loaded(), onnx, GPUS))
    silent(two_cuda_runtimes.check(TORCH, loaded(), onnx, Unknown("no")))


# libstdcxx-too-old, conda-mkl-2024-1


def stdcxx(has: str, how: str = "ld.so.cache") -> tuple[LoadedLibraries, TorchLibraries]:
    lib, torch = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", f"{SITE}/torch/lib/libtorch_cpu.so"
    files = (SharedObject(lib, "elf", has_glibcxx=has), SharedObject(torch, "elf", glibcxx="3.4.30"))
    return loaded(Loaded("libstdc++.so.6", lib, how, (torch,)), Loaded("libtorch_cpu.so", torch, "RPATH")), TorchLibraries(
        files, ()
    )


@pytest.mark.parametrize(("has", "speaks"), [("3.4.28", True), ("3.4.30", False), ("3.4.33", False)])
def test_libstdcxx(has: str, speaks: bool) -> None:
    assert bool(list(libstdcxx_too_old.check(TORCH, interpreter(), *stdcxx(has)))) is speaks


def test_libstdcxx_from_ld_library_path_is_taken_out_of_it() -> None:
    found = only(libstdcxx_too_old.check(TORCH, interpreter(), *stdcxx("3.4.28", "LD_LIBRARY_PATH")))
    assert found.remedies[0].actions == (UnsetVariable("LD_LIBRARY_PATH"),)


@pytest.mark.parametrize(
    ("mkl", "build", "needed", "speaks"),
    [
        ("2024.1.0", "py3.10_cuda11.8_cudnn8.7.0_0", ("libmkl_intel_lp64.so.2",), True),
        ("2023.1.0", "py3.10_cuda11.8_cudnn8.7.0_0", ("libmkl_intel_lp64.so.2",), False),
        ("2024.2.0", "cuda118_py310h5ab5a9d_200", ("libmkl_intel_lp64.so.2",), False),  # conda-forge's
        ("2024.2.0", "py3.10_cuda11.8_cudnn8.7.0_0", ("libgomp.so.1",), False),  # a wheel over it
    ],
)
def test_conda_mkl(mkl: str, build: str, needed: tuple[str, ...], speaks: bool) -> None:
    records = (Package("pytorch", "2.2.0", "/c", conda_build=build), Package("mkl", mkl, "/c"))
    libraries = TorchLibraries((SharedObject(f"{SITE}/torch/lib/libtorch_cpu.so", "elf", needed=needed),), ())
    found = list(conda_mkl_2024_1.check(TORCH, interpreter("conda"), Packages((), conda=records), libraries))
    assert bool(found) is speaks


# duplicate-openmp-runtime


def test_openmp() -> None:
    both = OpenmpRuntimes(
        (
            OpenmpRuntime("C:/e/torch/lib/libiomp5md.dll", "intel", "torch"),
            OpenmpRuntime("C:/e/b/libiomp5md.dll", "intel", "environment"),
        )
    )
    mkl = Packages((), conda=(Package("mkl", "2023.1", "C:/e"),))
    assert only(duplicate_openmp_runtime.check(TORCH, both, mkl)).severity is Severity.DEGRADED
    assert only(duplicate_openmp_runtime.check(TORCH, both, NONE)).severity is Severity.NOTE
    silent(duplicate_openmp_runtime.check(TORCH, both, Packages((), conda=(Package("pytorch", "2.5.1", "C:/e"),))))
    silent(duplicate_openmp_runtime.check(TORCH, OpenmpRuntimes(both.runtimes[:1]), mkl))


# Windows: msvc-redist-missing, conflicting-dll-on-path, fbgemm-libomp140-missing

LIB, SYSTEM = "C:/e/Lib/site-packages/torch/lib", "C:/Windows/System32"
FOLDERS = LoaderPaths((), default=(LIB, "C:/py", "C:/e/Library/bin", SYSTEM), system=SYSTEM)


def windows(needed: tuple[str, ...], *present: tuple[str, str | None]) -> tuple[LoadedLibraries, TorchLibraries]:
    own = SharedObject(f"{LIB}/c10.dll", "pe", needed=needed)
    libraries = TorchLibraries((own, *(SharedObject(path, "pe", version=version) for path, version in present)), (own.path,))
    return load(FOLDERS, libraries), libraries


def torch_for_windows(version: str) -> Torch:
    return Torch(LIB.removesuffix("/lib"), version, "cpu", "cpu")


RUNTIME = (f"{SYSTEM}/MSVCP140.dll", "14.44.35211.0")


def test_missing_runtime_dlls_are_all_named_and_api_sets_are_no_files() -> None:
    needed = ("MSVCP140.dll", "VCRUNTIME140_THREADS.dll", "MSVCP140_ATOMIC_WAIT.dll", "api-ms-win-crt-heap-l1-1-0.dll")
    there, libraries = windows(needed, RUNTIME)
    found = only(msvc_redist_missing.check(torch_for_windows("2.15.0+cpu"), there, libraries, FOLDERS))
    assert "VCRUNTIME140_THREADS.dll, MSVCP140_ATOMIC_WAIT.dll" in found.summary
    assert "MSVCP140.dll," not in found.summary


@pytest.mark.parametrize(
    ("torch", "runtime", "speaks"),
    [("2.9.0+cpu", "14.29.30139.0", True), ("2.8.0+cpu", "14.29.30139.0", False), ("2.9.0+cpu", "14.40.33810.0", False)],
)
def test_an_old_runtime(torch: str, runtime: str, speaks: bool) -> None:
    there, libraries = windows(("msvcp140.dll",), (f"{SYSTEM}/msvcp140.dll", runtime))
    assert bool(list(msvc_redist_missing.check(torch_for_windows(torch), there, libraries, FOLDERS))) is speaks
    silent(conflicting_dll_on_path.check(torch_for_windows(torch), interpreter(), there, libraries, FOLDERS))


def test_an_old_runtime_beside_python_hides_system32s() -> None:
    there, libraries = windows(("MSVCP140.dll",), RUNTIME, ("C:/py/MSVCP140.dll", "14.29.30139.0"))
    torch = torch_for_windows("2.9.0+cpu")
    found = only(conflicting_dll_on_path.check(torch, interpreter("conda"), there, libraries, FOLDERS))
    assert "C:/py/MSVCP140.dll (14.29.30139.0) comes before System32's copy" in found.summary
    silent(msvc_redist_missing.check(torch, there, libraries, FOLDERS))


def test_libomp140() -> None:
    there, _ = windows(("MSVCP140.dll", "libomp140.x86_64.dll"), RUNTIME)
    found = only(fbgemm_libomp140_missing.check(torch_for_windows("2.4.0+cpu"), there, NONE))
    assert isinstance(found.remedies[0].actions[0], InstallTorch)
    there, _ = windows(("libomp140.x86_64.dll",), (f"{SYSTEM}/libomp140.x86_64.dll", None))
    silent(fbgemm_libomp140_missing.check(torch_for_windows("2.4.0+cpu"), there, NONE))


def test_a_missing_cudnn_dll_on_windows_belongs_to_torchs_own_wheel() -> None:
    there, libraries = windows(("cudnn64_9.dll",))
    torch = Torch(LIB.removesuffix("/lib"), "2.6.0+cu124", "cuda", "cu124", "12.4")
    found = only(missing_cudnn.check(WINDOWS, torch, there, libraries, TorchRequirements(()), NONE))
    assert found.remedies[0].actions == (
        Install(("torch==2.6.0+cu124",), "https://download.pytorch.org/whl/cu124", reinstall=True),
    )

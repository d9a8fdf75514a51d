"""What the objects of an environment are told, on libraries made for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.lab.foretold import openings

from torchsmith.derive.mixed_libraries import component_of, contested, mixed, stem_of
from torchsmith.knowledge import libraries
from torchsmith.model.inspection import Need
from torchsmith.model.library_needs import LibraryNeeds, MissingLibrary, Together

GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(not GCC or not sys.platform.startswith("linux"), reason="needs gcc and the GNU loader")
SITE = "lib/python3.11/site-packages"
CUDNN = ("graph", "ops", "cnn", "adv", "engines_runtime_compiled", "heuristic")


class Made:
    """An environment with a torch of CUDA 13 and a package beside it, both of empty libraries."""

    def __init__(self, root: Path) -> None:
        self.root, self.site = root, root / SITE
        self.site.mkdir(parents=True)
        (root / "pyvenv.cfg").write_text("home = /nowhere/bin\nversion = 3.11.7\n")
        (root / "empty.c").write_text("int main(void) { return 0; }")
        self._gcc("-o", self.file("bin/python3.11"), "empty.c")

    def file(self, path: str) -> Path:
        made = self.root / path
        made.parent.mkdir(parents=True, exist_ok=True)
        return made

    def library(self, path: str, *needed: str, rpath: str = "", soname: str = "") -> str:
        made = self.file(f"{SITE}/{path}")
        stubs = [self._stub(name) for name in needed]
        flags = [f"-Wl,--disable-new-dtags,-rpath,{rpath}"] if rpath else []
        self._gcc("-shared", "-nostdlib", f"-Wl,-soname,{soname or made.name}", "-o", made, "empty.c", *stubs, *flags)
        return str(made)

    def torch(self) -> None:
        rpath = "$ORIGIN:$ORIGIN/../../nvidia/cudnn/lib:$ORIGIN/../../nvidia/cu13/lib"
        self.file(f"{SITE}/torch/version.py").write_text("__version__ = '2.14.1+cu130'\ncuda = '13.0'\n")
        self.file(f"{SITE}/torch/__init__.py").write_text("")
        self.library("torch/lib/libtorch_global_deps.so", "libcudart.so.13", "libcudnn.so.9", rpath=rpath)
        self.library("torch/lib/libtorch_cuda.so", "libcudnn.so.9", "libc10.so", rpath=rpath)
        self.library("torch/lib/libc10.so")
        self.library("torch/_C.cpython-311-x86_64-linux-gnu.so", "libtorch_cuda.so", rpath="$ORIGIN/lib")
        self.library("nvidia/cu13/lib/libcudart.so.13")
        for name in ("libcudnn.so.9", *(f"libcudnn_{part}.so.9" for part in CUDNN)):
            self.library(f"nvidia/cudnn/lib/{name}", rpath="$ORIGIN")

    def answer(self, **environ: str) -> LibraryNeeds:
        objects = sorted(str(path) for path in self.site.rglob("*.so*"))
        return openings(self.root, objects, environ)[1]

    def needs(self, path: str, answer: LibraryNeeds) -> dict[str, Need]:
        found = answer.of(str(self.site / path))
        assert found is not None
        return {need.name: need for need in found.needs}

    def _stub(self, name: str) -> Path:
        stub = self.file(f"stubs/{name}")
        self._gcc("-shared", "-nostdlib", f"-Wl,-soname,{name}", "-o", stub, "empty.c")
        return stub

    def _gcc(self, *arguments: str | Path) -> None:
        subprocess.run([str(GCC), "-Wl,--no-as-needed", *map(str, arguments)], check=True, capture_output=True, cwd=self.root)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path.resolve())


def missing(answer: LibraryNeeds) -> dict[str, MissingLibrary]:
    return {found.name: found for found in answer.missing}


@needs_gcc
def test_what_torch_loads_answers_a_package_only_after_torch(made: Made) -> None:
    made.torch()
    provider = made.library("onnx/libonnx_cuda.so", "libcudnn.so.9", "libcudart.so.13")
    answer = made.answer()
    cudnn = f"{made.site}/nvidia/cudnn/lib/libcudnn.so.9"
    need = made.needs("onnx/libonnx_cuda.so", answer)["libcudnn.so.9"]
    assert (need.found, need.after_torch, need.provider, need.shadowed) == ("", cudnn, "nvidia-cudnn-cu13", (cudnn,))
    lost = missing(answer)["libcudnn.so.9"]
    assert (lost.pip, lost.needed_by, lost.stops) == ("nvidia-cudnn-cu13", (provider,), (provider,))
    assert (lost.elsewhere, lost.after_torch, lost.later) == ((cudnn,), cudnn, False)


@needs_gcc
def test_what_needs_torch_is_opened_after_it(made: Made) -> None:
    made.torch()
    made.library("vision/_C.so", "libtorch_cuda.so", "libcudart.so.13")
    answer = made.answer()
    found = answer.of(str(made.site / "vision/_C.so"))
    assert found is not None
    assert (found.after_torch, found.missing) == (True, ())
    needs = made.needs("vision/_C.so", answer)
    assert {need.how for need in needs.values()} == {"loaded"}
    own = made.needs("torch/lib/libtorch_global_deps.so", answer)
    assert own["libcudart.so.13"].how == "RPATH"


@needs_gcc
def test_every_missing_library_is_named_with_who_needs_it(made: Made) -> None:
    first = made.library("pkg/liba.so", "libb.so", "libnuma.so.1.99", rpath="$ORIGIN")
    others = ("libcudart.so.12", "libcuda.so.1.99", "libnvinfer.so.10", "libpmix.so.2.99")
    second = made.library("pkg/libb.so", *others, rpath="$ORIGIN")
    lost = missing(made.answer())
    assert set(lost) == {"libnuma.so.1.99", *others}
    assert lost["libcudart.so.12"].needed_by == (second,)
    assert lost["libcudart.so.12"].stops == (first, second)
    assert lost["libcudart.so.12"].pip == "nvidia-cuda-runtime-cu12"
    assert lost["libnvinfer.so.10"].pip == "tensorrt-cu12-libs"


@needs_gcc
def test_a_shadowed_library_is_told_with_both_paths(made: Made) -> None:
    made.torch()
    trap = made.library("../../../trap/libcudart.so.13")
    made.library("pkg/libp.so", "libcudart.so.13", rpath="$ORIGIN/../nvidia/cu13/lib")
    need = made.needs("pkg/libp.so", made.answer(LD_LIBRARY_PATH=str(Path(trap).resolve().parent)))["libcudart.so.13"]
    assert (need.found, need.how) == (f"{made.site}/nvidia/cu13/lib/libcudart.so.13", "RPATH")
    assert str(Path(trap).resolve()) in need.shadowed


@needs_gcc
def test_parts_of_cudnn_are_extras_that_no_header_names(made: Made) -> None:
    made.torch()
    (made.site / "nvidia/cudnn/lib/libcudnn_ops.so.9").unlink()
    answer = made.answer()
    extras = {name: need for name, need in made.needs("nvidia/cudnn/lib/libcudnn.so.9", answer).items() if need.optional}
    assert set(extras) == {f"libcudnn_{part}.so.9" for part in CUDNN}
    assert {name for name, need in extras.items() if not need.found} == {"libcudnn_ops.so.9"}
    assert missing(answer)["libcudnn_ops.so.9"].later


@needs_gcc
def test_a_torch_that_cannot_be_imported_says_why(made: Made) -> None:
    made.torch()
    shutil.rmtree(made.site / "nvidia/cudnn")
    answer = made.answer()
    assert answer.torch_fails == ("libcudnn.so.9",)
    assert missing(answer)["libcudnn.so.9"].needed_by == tuple(
        f"{made.site}/torch/lib/{name}" for name in ("libtorch_cuda.so", "libtorch_global_deps.so")
    )


@needs_gcc
def test_two_copies_in_one_process_are_seen(made: Made) -> None:
    made.torch()
    own = made.library("pkg/libcudart-0a1b2c3d.so.12", rpath="$ORIGIN")
    user = made.library("pkg/libp.so", "libcudart-0a1b2c3d.so.12", rpath="$ORIGIN")
    found = [one for one in mixed(made.answer().together, {}) if one.component == "cudart"]
    assert [{path for path, _ in one.files} for one in found] == [{own, f"{made.site}/nvidia/cu13/lib/libcudart.so.13"}]
    assert set(found[0].objects) == {own, user}


def test_versions_decide_what_is_mixed() -> None:
    parts = ("/a/libcudnn_graph.so.9", "/b/libcudnn_ops.so.9")
    cublas = ("/a/libcublas.so.12", "/a/libcublasLt.so.12")
    together = [Together("cudnn", parts, ("torch",)), Together("cublas", cublas, ("torch",))]
    assert not list(mixed(together, dict.fromkeys(parts, "9.10.2")))
    found = list(mixed(together, dict(zip(parts, ("9.10.2", "9.26.0"), strict=True))))
    assert [(one.component, one.why) for one in found] == [("cudnn", "parts of the versions 9.10.2, 9.26.0")]
    assert contested(together) == (*parts, *cublas)


def test_two_files_of_one_version_are_no_mixture_and_two_openmp_runtimes_are() -> None:
    nccl = Together("nccl", ("/a/libnccl.so.2", "/b/libnccl.so.2"), ("x",))
    openmp = Together("openmp", ("/a/libgomp-a34b3233.so.1", "/b/libiomp5.so"), ("x",))
    assert [one.component for one in mixed([nccl, openmp], {"/a/libnccl.so.2": "2.27", "/b/libnccl.so.2": "2.27"})] == ["openmp"]
    assert [one.component for one in mixed([nccl], {"/a/libnccl.so.2": "2.27"})] == ["nccl"]


@pytest.mark.parametrize(
    ("name", "stem", "component"),
    [
        ("libgomp-a34b3233.so.1.0.0", "libgomp", "openmp"),
        ("libcudnn-74a4c495.so.9.1.0", "libcudnn", "cudnn"),
        ("libcudnn_ops.so.9", "libcudnn_ops", "cudnn"),
        ("libcublasLt.so.13", "libcublasLt", "cublas"),
        ("libtorch_cuda.so", "libtorch_cuda", ""),
        ("_C.cpython-311-x86_64-linux-gnu.so", "", ""),
    ],
)
def test_components_by_name(name: str, stem: str, component: str) -> None:
    assert (stem_of(name), component_of(name)) == (stem, component)


def test_packages_of_the_system() -> None:
    assert libraries.system_package("libnuma.so.1", "debian") == "libnuma1"
    assert libraries.system_package("libnuma.so.1", "fedora") == "numactl-libs"
    assert libraries.system_package("libtorch_cpu.so") == "torch"
    assert libraries.system_package("libnobody.so.1", "debian") == ""
    driver = libraries.system_library("libcuda.so.1")
    assert driver is not None
    assert driver.note == "the NVIDIA driver"

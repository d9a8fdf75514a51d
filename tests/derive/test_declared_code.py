"""What a torch build says of itself against what its binaries hold, and RECORDs against files."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import pytest

from torchsmith.derive.altered_files import altered_files
from torchsmith.derive.declared_code import differences, identity, lists
from torchsmith.host.local import LocalHost
from torchsmith.model.gpu_code import GpuCode, Group
from torchsmith.model.inspection import Identity
from torchsmith.model.known import Known

CUDA = "torch/lib/libtorch_cuda.so"
NEEDED = ("libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcusparse.so.12", "libcudnn.so.9", "libc.so.6")
PINS = (("cuda-toolkit", "13.2.2"), ("nvidia-cudnn-cu13", "9.26.0.51"), ("nvidia-nccl-cu13", "2.30.7"))
SASS = ("sm_75", "sm_80", "sm_90")


def torch(*declared: str, cuda: str = "13.2") -> Identity:
    return Identity("2.15.0+cu132", cuda, declared=declared)


def code(*groups: tuple[int, tuple[str, ...], tuple[str, ...]]) -> GpuCode:
    made = tuple(Group(sass, ptx, count) for count, sass, ptx in groups)
    union = [tuple(dict.fromkeys(arch for group in made for arch in getattr(group, kind))) for kind in ("sass", "ptx")]
    return GpuCode(union[0], union[1], (), made, sum(group.count for group in made), None, ())


USUAL = code((414, SASS, ()), (57, (*SASS, "sm_100a", "sm_103f"), ()), (4, (*SASS, "sm_90a"), ()))


def found(
    one: Identity, gpu: GpuCode | None = USUAL, needed: tuple[str, ...] = NEEDED, pins: tuple[tuple[str, str], ...] = PINS
) -> dict[str, str]:
    return {remark.what: remark.summary for remark in differences(one, CUDA, gpu, needed, pins)}


def test_single_kernels_for_special_architectures_are_no_difference() -> None:
    assert found(torch(*SASS)) == {}


def test_ptx_that_was_promised_and_is_not_there() -> None:
    said = found(torch(*SASS, "compute_120"))
    assert said == {
        "declared-ptx-missing": "CUDAConfig.h asks for PTX compute_120, libtorch_cuda.so holds none: later GPUs find nothing that"
        " can be compiled for them"
    }


def test_an_architecture_that_few_kernels_have() -> None:
    gpu = code((400, SASS, ()), (3, ("sm_35", *SASS), ()))
    assert (
        "sm_35, 3 of 403 kernel groups of libtorch_cuda.so hold it" in found(torch("sm_35", *SASS), gpu)["declared-arch-missing"]
    )
    assert "sm_50, libtorch_cuda.so holds none" in found(torch("sm_50", *SASS), gpu)["declared-arch-missing"]


def test_stubs_of_the_device_linker_hold_no_kernels() -> None:
    linked = GpuCode(SASS, (), (), (Group(SASS, (), 10), Group(("sm_52",), (), 90, stub=True)), 100, None, ())
    assert found(torch(*SASS), linked) == {}


def test_more_than_was_declared() -> None:
    gpu = code((400, (*SASS, "sm_120"), ("compute_120",)))
    assert "hold sm_120 compute_120, which CUDAConfig.h does not ask for" in found(torch(*SASS), gpu)["undeclared-arch"]


@pytest.mark.parametrize(
    ("cuda", "library", "differs"),
    [
        ("12.1", "libcudart.so.12", False),
        ("12.1", "libcudart.so.13", True),
        ("11.7", "libcudart-e409450e.so.11.0", False),
        ("11.8", "cudart64_110.dll", False),
        ("12.6", "cublas64_12.dll", False),
        ("12.6", "cudart64_110.dll", True),
        ("12.1", "libcufft.so.11", False),
    ],
)
def test_the_runtime_that_is_needed(cuda: str, library: str, differs: bool) -> None:
    assert ("cuda-runtime-mismatch" in found(torch(*SASS, cuda=cuda), needed=(library,), pins=())) == differs


@pytest.mark.parametrize(
    ("pin", "differs"),
    [
        (("nvidia-cuda-runtime", "13.2.48"), False),
        (("nvidia-cuda-runtime-cu12", "12.8.90"), True),
        (("cuda-toolkit", "13.0.3"), True),
        (("nvidia-cudnn-cu13", "8.9.0"), True),
        (("nvidia-nccl-cu12", "2.27"), True),
        (("triton", "3.9.0"), False),
    ],
)
def test_pins(pin: tuple[str, str], differs: bool) -> None:
    assert ("pin-mismatch" in found(torch(*SASS), pins=(pin,))) == differs


def test_a_cpu_build_has_nothing_to_differ() -> None:
    assert found(Identity("2.15.0+cpu"), None, (), ()) == {}


def test_two_lists() -> None:
    assert not list(lists(torch(*SASS), SASS))
    assert not list(lists(torch(*SASS), ()))
    assert [remark.what for remark in lists(torch(*SASS), ("sm_75",))] == ["arch-lists-differ"]


def test_identity() -> None:
    config = '#define NVCC_FLAGS_EXTRA "-gencode;arch=compute_75,code=sm_75;-gencode;arch=compute_90,code=compute_90"\n'
    one = identity("__version__ = '2.15.0+cu132'\ncuda = '13.2'\ngit_version = 'abc'\n", config, "torch")
    assert one is not None
    assert (one.version, one.cuda, one.git, one.declared, one.folder) == (
        "2.15.0+cu132",
        "13.2",
        "abc",
        ("sm_75", "compute_90"),
        "torch",
    )
    assert identity("nothing") is None


OUTSIDE = "torch-1.dist-info/RECORD,,\n../../../../../etc/passwd,,\n/etc/shadow,,\n"


class TestInstalled:
    """A distribution on disk against its RECORD."""

    def install(self, root: Path) -> Path:
        site = root / "lib" / "python3.11" / "site-packages"
        files = {
            "torch/__init__.py": b"code",
            "torch/lib/libtorch_cuda.so": b"\x7fELF" * 100,
            "../../../bin/torchrun": b"#!",
            "torch/x.pyc": b"",
        }
        rows = []
        for name, content in files.items():
            path = Path(os.path.normpath(site / name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append(f"{name},,\n" if name.endswith(".pyc") else f"{name},sha256={digest},{len(content)}\n")
        (site / "torch-1.dist-info").mkdir()
        (site / "torch-1.dist-info" / "RECORD").write_text(
            "".join(rows) + "torch-1.dist-info/RECORD,,\n../../../../../etc/passwd,,\n/etc/shadow,,\n"
        )
        return site

    def compare(self, site: Path, *, hashed: bool = False) -> dict[str, str]:
        answer = LocalHost().installed(f"{site}/torch-1.dist-info/RECORD", str(site), 3, hashed)
        assert isinstance(answer, Known)
        assert answer.value["rows"] == 7
        assert answer.value["refused"] == ["../../../../../etc/passwd", "/etc/shadow"]
        remarks = {
            remark.what: f"{remark.severity} {dict(remark.evidence)['files']}" for remark in altered_files("torch", answer.value)
        }
        assert remarks.pop("record-outside").startswith("note")
        return remarks

    def test_sound(self, tmp_path: Path) -> None:
        site = self.install(tmp_path)
        (site / "torch/x.pyc").unlink()
        assert self.compare(site) == self.compare(site, hashed=True) == {}

    def test_missing(self, tmp_path: Path) -> None:
        site = self.install(tmp_path)
        (site / "torch/lib/libtorch_cuda.so").unlink()
        assert self.compare(site) == {"files-missing": "blocker torch/lib/libtorch_cuda.so"}

    def test_cut_short(self, tmp_path: Path) -> None:
        site = self.install(tmp_path)
        (site / "torch/lib/libtorch_cuda.so").write_bytes(b"\x7fELF")
        assert self.compare(site) == {"files-shorter": "degraded torch/lib/libtorch_cuda.so (4 of 400 bytes)"}

    def test_another_content_of_the_same_size(self, tmp_path: Path) -> None:
        site = self.install(tmp_path)
        (site / "torch/__init__.py").write_bytes(b"evil")
        assert self.compare(site) == {}
        assert self.compare(site, hashed=True) == {"files-altered": "degraded torch/__init__.py"}

    def test_a_pipe_in_place_of_a_file(self, tmp_path: Path) -> None:
        site = self.install(tmp_path)
        (site / "torch/__init__.py").unlink()
        os.mkfifo(site / "torch/__init__.py")
        assert list(self.compare(site, hashed=True)) == ["files-unread"]

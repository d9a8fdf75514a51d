"""Packages beside torch that were made for another one, and pairs that belong together."""

from pathlib import Path

import pytest
from tests.patient import WINDOWS, Patient, roots

from torchsmith.model.facts.install import BitsandbytesLibraries, ExtensionFile, ExtensionFiles, NumpyAbi
from torchsmith.model.finding import Severity
from torchsmith.model.known import Unknown


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


# ---- numpy-abi


@pytest.mark.parametrize(
    ("numpy", "abi", "speaks"), [("2.1.3", "1", True), ("2.1.3", "both", False), ("1.26.4", "", False), ("2.1.3", "", False)]
)
def test_numpy(patient: Patient, numpy: str, abi: str, speaks: bool) -> None:
    patient.torch("2.2.2+cu121")
    patient.record("numpy", numpy)
    found = patient.check("numpy-abi", numpy_abi=NumpyAbi("libtorch_python.so", abi, numpy))
    assert roots(found) == (["numpy-abi"] if speaks else [])
    assert not speaks or "numpy<2" in found.root_causes[0].remedies[0].commands[0]


@pytest.mark.parametrize(("torch", "speaks"), [("2.2.2+cu121", True), ("2.8.0+cu128", False)])
def test_numpy_by_the_table(patient: Patient, torch: str, speaks: bool) -> None:
    patient.torch(torch)
    patient.record("numpy", "2.1.3")
    found = patient.check("numpy-abi", numpy_abi=Unknown("cut off"))
    assert roots(found) == (["numpy-abi"] if speaks else [])
    assert not speaks or found.root_causes[0].confidence < 0.8


def test_no_numpy(patient: Patient) -> None:
    patient.torch("2.2.2+cu121")
    assert roots(patient.check("numpy-abi")) == []


# ---- torchvision-mismatch


@pytest.mark.parametrize(
    ("torch", "name", "version", "severity"),
    [
        ("2.8.0+cu128", "torchvision", "0.23.0+cu128", None),
        ("2.14.1+cu130", "torchvision", "0.29.1+cu130", None),
        ("2.11.0+cu130", "torchaudio", "2.11.0+cu130", None),
        ("2.14.1+cu130", "torchaudio", "2.11.0", None),
        ("2.8.0+cpu", "torchvision", "0.23.0+cpu", None),
        ("2.8.0+cu126", "torchvision", "0.23.0+cu128", None),
        ("2.9.0.dev20250901+cu130", "torchvision", "0.24.0.dev20250901+cu130", None),
        ("2.8.0+cu128", "torchvision", "0.99.0+cu128", None),
        ("2.8.0+cu128", "torchvision", "0.22.0+cu128", Severity.BLOCKER),
        ("2.8.0+cu128", "torchaudio", "2.7.1+cu128", Severity.BLOCKER),
        ("2.8.0+cu128", "torchvision", "0.23.0+cpu", Severity.BLOCKER),
        ("2.8.0+cu128", "torchaudio", "2.8.0+cpu", Severity.NOTE),
        ("2.8.0+cpu", "torchvision", "0.23.0+cu128", Severity.BLOCKER),
        ("2.5.1+cu118", "torchvision", "0.20.1+cu121", Severity.BLOCKER),
        ("2.5.1+cu121", "torchvision", "0.20.0+cu121", Severity.NOTE),
        ("2.13.0+cpu", "torchvision", "0.29.1+cpu", Severity.BLOCKER),
    ],
)
def test_companions(patient: Patient, torch: str, name: str, version: str, severity: Severity | None) -> None:
    patient.torch(torch)
    patient.companion(name, version, version.partition("+")[0])
    found = patient.check("torchvision-mismatch")
    assert [f.severity for f in found.root_causes] == ([severity] if severity else [])
    assert all(f.subject == f"package:{name}" for f in found.root_causes)


# ---- xformers-mismatch


@pytest.mark.parametrize(
    ("version", "built", "torch", "speaks"),
    [
        ("0.0.32.post2", '"torch": "2.8.0+cu128", "cuda": 1208', "2.8.0+cu128", False),
        ("0.0.31", '"torch": "2.7.1+cu126", "cuda": 1206', "2.8.0+cu128", True),
        ("0.0.35", '"torch": "2.10.0+cu128", "cuda": 1208', "2.11.0+cu128", False),
        ("0.0.35", '"torch": "2.10.0+cu128", "cuda": 1208', "2.11.0+cu130", True),
        ("0.0.31", None, "2.8.0+cu128", True),
        ("0.0.31", None, "2.7.1+cu128", False),
    ],
)
def test_xformers(patient: Patient, version: str, built: str | None, torch: str, speaks: bool) -> None:
    patient.torch(torch)
    patient.record("xformers", version)
    if built:
        patient.write("xformers/cpp_lib.json", f'{{"version": {{{built}, "python": "3.12.4"}}}}')
    assert roots(patient.check("xformers-mismatch")) == (["xformers-mismatch"] if speaks else [])


# ---- extensions


def _extensions(patient: Patient, needed: str, built_for: str = "") -> list[str]:
    patient.torch("2.14.1+cu130")
    file = ExtensionFile("vllm", "0.11.0", "vllm/_C.abi3.so", (needed,), built_for)
    found = patient.check("extension-cuda-major-mismatch", "extension-abi-mismatch", extension_files=ExtensionFiles((file, file)))
    return roots(found)


@pytest.mark.parametrize("needed", ["libcudart.so.12", "libcudart.so.11.0", "cudart64_12.dll", "cudart64_110.dll"])
def test_an_extension_of_another_cuda(patient: Patient, needed: str) -> None:
    assert _extensions(patient, needed) == ["extension-cuda-major-mismatch"]


def test_an_extension_of_this_cuda_or_with_its_own_runtime(patient: Patient) -> None:
    assert _extensions(patient, "libcudart.so.13") == []
    assert _extensions(patient, "libc10.so") == []
    patient.record("nvidia-cuda-runtime-cu12", "12.8.90")
    assert _extensions(patient, "libcudart.so.12") == []


@pytest.mark.parametrize(("built_for", "speaks"), [("2.14", False), ("", False), ("2.4", True)])
def test_an_extension_of_another_torch(patient: Patient, built_for: str, speaks: bool) -> None:
    assert _extensions(patient, "libc10.so", built_for) == (["extension-abi-mismatch"] if speaks else [])


# ---- bitsandbytes, triton


@pytest.mark.parametrize(
    ("windows", "version", "cuda", "environ", "speaks"),
    [
        (False, "0.48.0", ("118", "126", "128"), {}, False),
        (False, "0.42.0", ("118", "121"), {}, True),
        (False, "0.42.0", ("118", "121"), {"BNB_CUDA_VERSION": "121"}, False),
        (True, "0.42.0", ("128",), {}, True),
    ],
)
def test_bitsandbytes(
    patient: Patient, windows: bool, version: str, cuda: tuple[str, ...], environ: dict[str, str], speaks: bool
) -> None:
    patient.torch("2.8.0+cu128")
    patient.environ = environ
    libraries = BitsandbytesLibraries(version, "bitsandbytes", cuda)
    given = {"machine": WINDOWS} if windows else {}
    found = patient.check("bnb-no-windows-binary", bitsandbytes_libraries=libraries, **given)
    assert roots(found) == (["bnb-no-windows-binary"] if speaks else [])


@pytest.mark.parametrize(("package", "speaks"), [("sageattention", True), ("requests", False)])
def test_triton_on_windows(patient: Patient, package: str, speaks: bool) -> None:
    patient.torch("2.8.0+cu128")
    patient.record(package, "1.0.0")
    assert roots(patient.check("triton-missing-on-windows", machine=WINDOWS)) == (["triton-missing-on-windows"] if speaks else [])
    assert roots(patient.check("triton-missing-on-windows")) == []
